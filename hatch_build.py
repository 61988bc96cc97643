"""Builds wheels whose codecs are compiled, where the environment says so: `RIDETHROUGH_COMPILE=1 pip install ...`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PARTS = ("mibs", "wire", "emulators", "gateway", "rigs")
COMPILED = (
    "ridethrough/wire/errors.py",
    "ridethrough/wire/primitives.py",
    "ridethrough/wire/rmcp.py",
    "ridethrough/wire/ipmi/[a-z]*.py",
    "ridethrough/wire/ber.py",
    "ridethrough/wire/snmp/[a-z]*.py",
    "ridethrough/emulators/bindings/ipmi.py",
    "ridethrough/emulators/bindings/snmp.py",
    "ridethrough/emulators/bindings/network.py",
    "ridethrough/emulators/devices/bmc/model.py",
    "ridethrough/emulators/devices/bmc/users.py",
    "ridethrough/emulators/faces/ipmi_lan.py",
    "ridethrough/emulators/faces/plans.py",
    "ridethrough/emulators/faces/snmp_agent.py",
    "ridethrough/emulators/faces/udp.py",
    "ridethrough/emulators/hosts.py",
    "ridethrough/gateway/decode/snmp.py",
    "ridethrough/gateway/decode/timeless.py",
    "ridethrough/gateway/translate/translator.py",
    "ridethrough/gateway/correlate/batch.py",
    "ridethrough/gateway/correlate/correlator.py",
    "ridethrough/gateway/correlate/storms.py",
    "ridethrough/gateway/deliver/relay.py",
    "ridethrough/gateway/translate/inventory.py",
    "ridethrough/gateway/thinking.py",
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
        if version == "editable":  # there the links inside `ridethrough/` do it
            return
        if "STANDIN_COMPILE" in os.environ and "RIDETHROUGH_COMPILE" not in os.environ:
            self.app.abort("STANDIN_COMPILE is set, which is not read any more; its name is RIDETHROUGH_COMPILE")
        root = Path(self.root)
        build_data["force_include"].update({str(root / part): f"ridethrough/{part}" for part in PARTS})
        if not self.wanted:
            return
        from mypyc.build import mypycify
        from setuptools import Distribution

        work = root / "build" / "compiled"
        os.chdir(root)  # mypyc names modules by their paths from here
        sources = [str(path.relative_to(root)) for pattern in COMPILED for path in sorted(root.glob(pattern))]
        extensions = mypycify(["--no-error-summary", *sources], target_dir=str(work / "c"), group_name="ridethrough")
        command = Distribution({"name": "ridethrough", "ext_modules": extensions}).get_command_obj("build_ext")
        command.build_lib, command.build_temp = str(work / "lib"), str(work / "temp")
        command.ensure_finalized()
        command.run()
        made = {str(path): str(path.relative_to(work / "lib")) for path in (work / "lib").rglob("*.so")}
        build_data["force_include"].update(made)
        build_data["pure_python"], build_data["infer_tag"] = False, True
