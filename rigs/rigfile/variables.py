"""Variables in documents."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ridethrough.rigs.rigfile.yaml import FileError

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def substituted(value: Any, variables: Mapping[str, Any], path: Path) -> Any:
    """`${name}` replaced; a text that is nothing else becomes the variable's value itself. Raises FileError."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(value, dict):
                value[key] = substituted(item, variables, path)
        return value
    if isinstance(value, list):
        value[:] = [substituted(item, variables, path) for item in value]
        return value
    if not isinstance(value, str) or "${" not in value:
        return value

    def find(name: str) -> Any:
        if name not in variables:
            raise FileError([f"{path}: there is no variable {name!r}; accepted: {', '.join(variables) or 'none'}"])
        return variables[name]

    if whole := VARIABLE.fullmatch(value):
        return find(whole[1])
    return VARIABLE.sub(lambda match: str(find(match[1])), value)
