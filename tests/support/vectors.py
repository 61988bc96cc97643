"""Golden octets from files that say where they come from."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent.parent / "vectors"


def vector(name: str) -> bytes:
    lines = (FOLDER / f"{name}.hex").read_text().splitlines()
    return bytes.fromhex(" ".join(line for line in lines if not line.startswith("#")))


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.hex"))
