"""The rigs that come with Ridethrough, by name."""

from __future__ import annotations

from pathlib import Path

from ridethrough.rigs.files import FileError

FOLDER = Path(__file__).parent / "samples"


def names() -> list[str]:
    """In the order of the alphabet."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def place(text: str) -> Path:
    """The file that is meant: one that is there, or the sample of that name. Raises FileError."""
    path = Path(text)
    if path.exists() or path.suffix or len(path.parts) > 1:
        return path
    if text in names():
        return FOLDER / f"{text}.yaml"
    raise FileError([f"{text}: there is no such file, and no sample of that name; samples: {', '.join(names())}"])


def summary(path: Path) -> str:
    """The first sentences of a file, which say what it is."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip())
    return " ".join(lines)
