"""Builds wheels whose codecs are compiled, where the environment says so: `RIDETHROUGH_COMPILE=1 pip install ...`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COMPILED = (
    "wire/errors.py",
    "wire/primitives.py",
    "wire/rmcp.py",
    "wire/ipmi/[a-z]*.py",
    "wire/ber.py",
    "wire/snmp/[a-z]*.py",
    "emulators/bindings/ipmi.py",
    "emulators/bindings/snmp.py",
    "emulators/bindings/network.py",
    "emulators/devices/bmc/model.py",
    "emulators/devices/bmc/users.py",
    "emulators/faces/ipmi_lan.py",
    "emulators/faces/plans.py",
    "emulators/faces/snmp_agent.py",
    "emulators/faces/udp.py",
    "emulators/hosts.py",
    "gateway/decode/snmp.py",
    "gateway/decode/timeless.py",
    "gateway/translate/translator.py",
    "gateway/correlate/batch.py",
    "gateway/correlate/correlator.py",
    "gateway/correlate/storms.py",
    "gateway/deliver/relay.py",
    "gateway/translate/inventory.py",
    "gateway/thinking.py",
)


class CompiledWire(BuildHookInterface[Any]):
    """Extension modules stand beside the modules they are made of; Python prefers them."""

    @property
    def wanted(self) -> bool:
        """Compiling is never done unasked: it wants a C compiler and Python's headers."""
        return os.environ.get("RIDETHROUGH_COMPILE") == "1" and self.target_name == "wheel"

    def dependencies(self) -> list[str]:
        return ["mypy[mypyc]>=2.4", "setuptools>=77"] if self.wanted else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not self.wanted or version == "editable":
            return
        from mypyc.build import mypycify
        from setuptools import Distribution

        root = Path(self.root)
        work = root / "build" / "compiled"
        os.chdir(root)  # mypyc names modules by their paths from here
        sources = [str(path.relative_to(root)) for pattern in COMPILED for path in sorted(root.glob(pattern))]
        extensions = mypycify(["--no-error-summary", *sources], target_dir=str(work / "c"), group_name="ridethrough")
        command = Distribution({"name": "wire", "ext_modules": extensions}).get_command_obj("build_ext")
        command.build_lib, command.build_temp = str(work / "lib"), str(work / "temp")
        command.ensure_finalized()
        command.run()
        made = {str(path): str(path.relative_to(work / "lib")) for path in (work / "lib").rglob("*.so")}
        build_data["force_include"].update(made)
        build_data["pure_python"], build_data["infer_tag"] = False, True
