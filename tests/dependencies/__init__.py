"""What is locked, and what is asked about it: `make audit`, `make sbom`, `make floors`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCKS = sorted(ROOT.glob("requirements*.lock"))
_PACKAGE = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>[^ ;\\]+)(?: ; (?P<marker>[^\\]+?))? *\\?$")
_HASH = re.compile(r"^    --hash=sha256:([0-9a-f]{64})(?: \\)?$")


@dataclass(frozen=True)
class Locked:
    """One package of a lock; its hashes are SHA-256 of every file that may be installed."""

    name: str
    version: str
    marker: str | None
    hashes: tuple[str, ...]


def read_lock(path: Path) -> list[Locked]:
    """All packages of a lock, those for other systems and Pythons, too; ValueError names a line that is neither."""
    found: list[tuple[re.Match[str], list[str]]] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if package := _PACKAGE.match(line):
            found.append((package, []))
        elif found and (digest := _HASH.match(line)):
            found[-1][1].append(digest[1])
        else:
            raise ValueError(f"{path}:{number}: neither a package nor a hash: {line}")
    return [Locked(it["name"], it["version"], it["marker"], tuple(hashes)) for it, hashes in found]
