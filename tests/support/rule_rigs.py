"""Samples with patches, and the rules of `check` that they break."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from ridethrough.rigs.checks import RULES
from ridethrough.rigs.rigfile.schema import RigFile
from ridethrough.rigs.rigfile.yaml import merged

SAMPLES = Path(__file__).parents[2] / "rigs" / "samples"


@cache
def document(name: str) -> Any:
    """A sample as it is written; not to be changed."""
    return YAML(typ="safe", pure=True).load((SAMPLES / f"{name}.yaml").read_text())


def rig(name: str, *patches: dict[str, Any]) -> RigFile:
    """A sample with patches laid over it, one after the other."""
    changed = document(name)
    for patch in patches:
        changed = merged(changed, patch)
    return RigFile.model_validate(changed)


def broken(found: RigFile) -> set[str]:
    """The names of the rules that it breaks, errors and warnings."""
    return {rule.name for rule in RULES if next(rule.find(found), None) is not None}
