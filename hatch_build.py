"""Builds wheels whose codecs are compiled, where the environment says so: `RIDETHROUGH_COMPILE=1 pip install ...`."""

from __future__ import annotations

import os
import sys
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
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
    "ridethrough/emulators/devices/bmc/device.py",
    "ridethrough/emulators/devices/bmc/lifecycle.py",
    "ridethrough/emulators/devices/bmc/model.py",
    "ridethrough/emulators/devices/bmc/users.py",
    "ridethrough/emulators/faces/ipmi_lan.py",
    "ridethrough/emulators/faces/answer_cache.py",
    "ridethrough/emulators/faces/answer_items.py",
    "ridethrough/emulators/faces/snmp_agent.py",
    "ridethrough/emulators/faces/udp.py",
    "ridethrough/emulators/hosts/links.py",
    "ridethrough/emulators/hosts/ups.py",
    "ridethrough/emulators/hosts/bmc.py",
    "ridethrough/gateway/decode/snmp.py",
    "ridethrough/gateway/decode/without_time.py",
    "ridethrough/gateway/translate/translator.py",
    "ridethrough/gateway/correlate/batch.py",
    "ridethrough/gateway/correlate/correlator.py",
    "ridethrough/gateway/correlate/outages.py",
    "ridethrough/gateway/correlate/storms.py",
    "ridethrough/gateway/deliver/convert.py",
    "ridethrough/gateway/translate/inventory.py",
    "ridethrough/gateway/pipeline/notification_cache.py",
    "ridethrough/gateway/pipeline/stages.py",
)
LIBRARY = "ridethrough.native"
"""mypyc puts the code of all modules into one library, `ridethrough.native__mypyc`; each module's own file opens it."""


class CompiledWheel(BuildHookInterface[Any]):
    """Puts the five parts below `ridethrough/`; where asked to, extension modules beside the modules they are made of.

    Python prefers extension modules.
    """

    @property
    def compiles(self) -> bool:
        """Compiling is never done unasked: it wants a C compiler and Python's headers."""
        return os.environ.get("RIDETHROUGH_COMPILE") == "1" and self.target_name == "wheel"

    def dependencies(self) -> list[str]:
        """What the build needs beside hatchling: mypyc follows imports, so it has to see what the package imports."""
        if not self.compiles:
            return []
        core = self.metadata.core
        return ["mypy[mypyc]>=2.4", "setuptools>=77", *core.dependencies, *core.optional_dependencies["nats"]]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Say which files belong to the wheel. In an editable install the links inside `ridethrough/` do it."""
        root = Path(self.root)
        if version == "editable":
            for part in PARTS:  # a source distribution comes without them
                if not (link := root / "ridethrough" / part).exists():
                    link.symlink_to(Path("..") / part)
            return
        if "STANDIN_COMPILE" in os.environ and "RIDETHROUGH_COMPILE" not in os.environ:
            self.app.abort("STANDIN_COMPILE is set, which is not read any more; its name is RIDETHROUGH_COMPILE")
        build_data["force_include"].update({str(root / part): f"ridethrough/{part}" for part in PARTS})
        if not self.compiles:
            return
        self._work = TemporaryDirectory(
            prefix="ridethrough-"
        )  # of this build: one tree is built for several Pythons at once
        made = compiled(root, Path(self._work.name))
        build_data["force_include"].update({str(file): name for name, file in made.items()})
        build_data["pure_python"], build_data["infer_tag"] = False, True

    def finalize(self, _version: str, _build_data: dict[str, Any], _artifact_path: str) -> None:
        """The wheel has what was compiled."""
        if hasattr(self, "_work"):
            self._work.cleanup()


def compiled(root: Path, work: Path) -> dict[str, Path]:
    """Compile with mypyc in the empty folder `work`. Returns the extension modules by their paths in the wheel."""
    from mypyc.build import mypycify
    from setuptools import Distribution

    # mypyc names modules by their paths from the current folder. A source distribution has no links.
    tree = work / "tree"
    (tree / "ridethrough").mkdir(parents=True)
    for name in ("__init__.py", "__main__.py", "py.typed"):
        (tree / "ridethrough" / name).symlink_to(root / "ridethrough" / name)
    for part in PARTS:
        (tree / "ridethrough" / part).symlink_to(root / part)
    with chdir(tree):
        sources = [str(path.relative_to(tree)) for pattern in COMPILED for path in sorted(tree.glob(pattern))]
        options = ["--no-error-summary", "--config-file", str(root / "pyproject.toml"), "--python-executable"]
        settings: dict[str, Any] = {"target_dir": str(work / "c"), "group_name": LIBRARY, "debug_level": "0"}
        settings["opt_level"] = os.environ.get("MYPYC_OPT_LEVEL", "3")  # 0 compiles in two thirds of the time
        extensions = mypycify([*options, sys.executable, *sources], **settings)
        command = Distribution({"name": "ridethrough", "ext_modules": extensions}).get_command_obj("build_ext")
        command.build_lib, command.build_temp = str(work / "lib"), str(work / "temp")
        command.parallel = 2  # the library takes one core most of a minute; the modules' own files are made meanwhile
        command.ensure_finalized()
        command.run()
    return {str(path.relative_to(work / "lib")): path for path in (work / "lib").rglob("*.so")}
