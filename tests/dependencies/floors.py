"""`make floors`: whether the oldest versions that pyproject.toml declares do.

uv resolves every declared dependency, extras too, to its floor, and the rest to the newest. With these every module is
imported, a scenario is replayed and the tests of the parts that lean on libraries most are run.
"""

from __future__ import annotations

import os
import pkgutil
import subprocess
import sys
import warnings
from importlib import import_module
from pathlib import Path

from tests.dependencies import ROOT, read_lock

EXTRAS = ("--extra", "nats", "--extra", "test")
# What the tests themselves need, as the development lock has it.
WITNESSES = ("hypothesis", "jsonschema", "pytest-timeout")
TESTS = (
    "tests/wire",
    "tests/mibs",
    "tests/emulators/test_answer_cache.py",
    "tests/gateway/test_store.py",
    "tests/gateway/test_translate.py",
    "tests/gateway/test_usm.py",
    "tests/gateway/test_user_rules.py",
    "tests/rigs/test_files.py",
)


def import_everything() -> None:
    """Every module of the package, with warnings as errors: what a floor deprecates, a later version removes."""
    import ridethrough

    warnings.simplefilter("error")
    names = [it.name for it in pkgutil.walk_packages(ridethrough.__path__, "ridethrough.")]
    for name in names:
        if not name.endswith("__main__"):
            import_module(name)
    print(f"{len(names)} modules imported")


def main(uv: str, environment: str) -> None:
    python = Path(environment, "bin/python")
    floors = Path(environment, "floors.txt")
    locked = {it.name: it.version for it in read_lock(ROOT / "requirements-dev.lock")}
    witnesses = [f"{name}=={locked[name]}" for name in WITNESSES]
    everything = dict(os.environ, PYTHONPATH=str(ROOT))
    resolve = [uv, "pip", "compile", "-q", "--resolution", "lowest-direct", "--python", python]
    for command in (
        [sys.executable, "-m", "venv", "--clear", "--without-pip", environment],
        [*resolve, *EXTRAS, "--no-header", "--no-annotate", "pyproject.toml", "-o", floors],
        [uv, "pip", "install", "-q", "--python", python, "-r", floors, *witnesses],
        [python, "-m", "tests.dependencies.floors"],
        [python, "-m", "ridethrough", "replay", "rigs/scenarios/C1.yaml", "--ports", "free"],
        [python, "-m", "pytest", "-q", "-m", "not network", *TESTS],
    ):
        words = list(map(str, command))
        print("$", *words, flush=True)
        if status := subprocess.run(words, cwd=ROOT, env=everything, check=False).returncode:
            sys.exit(status)


if __name__ == "__main__":
    main(*sys.argv[1:]) if sys.argv[1:] else import_everything()
