"""The rigs and scenarios that come with Ridethrough, by name, wherever a file of theirs may be given."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from ridethrough.rigs.rigfile.yaml import FileError

Kind = Literal["rig", "scenario"]
FOLDER = Path(__file__).parents[1] / "samples"
FOLDERS: dict[Kind, Path] = {"rig": FOLDER, "scenario": Path(__file__).parents[1] / "scenarios"}
TAKEN_BY: dict[Kind, str] = {"rig": "run", "scenario": "replay"}  # a verb that takes one
NEAR = 4
ALIKE = 0.6


def names(kind: Kind = "rig") -> list[str]:
    """Return the names of a kind, sorted."""
    return sorted(path.stem for path in FOLDERS[kind].glob("*.yaml"))


def resolve(text: str, *kinds: Kind, base: Path = Path(), folders: bool = False) -> Path:
    """Return the file that is meant: one that exists, or what comes with Ridethrough under that name.

    Paths count from `base`; with `folders` one of those may be meant, too. Raises FileError with what is near.
    """
    wanted = " or ".join(kinds)
    if not text:
        raise FileError([f"'': expected a {wanted}, by its file or its name"])
    path = base / text
    found = _of_name(text, kinds)
    if _is_there(path) and (not path.is_dir() or (folders and (found is None or any(path.glob("*.yaml"))))):
        return path
    if found is not None:
        return found
    if _is_there(path) and path.is_dir():
        raise FileError([f"{text}: a folder; expected a {wanted}, by its file or its name"])
    of_name = f", and no {wanted} of that name" if _is_name(text) else ""
    raise FileError([f"{text}: there is no such file{of_name}{_other(text, kinds)}{_near(text, kinds)}"])


def _is_there(path: Path) -> bool:
    """Return True for an existing path; False also for a name that the system refuses."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def close_names(text: str, known: list[str]) -> list[str]:
    """Return those of `known` that are similar to `text`, whatever the case of its letters."""
    lowered = {name.lower(): name for name in known}
    return [lowered[name] for name in get_close_matches(text.lower(), lowered, NEAR, ALIKE)]


def _is_name(text: str) -> bool:
    path = Path(text)
    return not path.suffix and len(path.parts) == 1


def _of_name(text: str, kinds: tuple[Kind, ...]) -> Path | None:
    files = (FOLDERS[kind] / f"{text}.yaml" for kind in kinds if text in names(kind))
    return next(files, None)


def _other(text: str, kinds: tuple[Kind, ...]) -> str:
    """Return a hint when the name is one of another kind."""
    found = next((kind for kind in FOLDERS if kind not in kinds and text in names(kind)), None)
    return "" if found is None else f"; {text} is a {found} (ridethrough {TAKEN_BY[found]} {text})"


def _near(text: str, kinds: tuple[Kind, ...]) -> str:
    """Return the end of a message with similar names, or with all names where none is similar."""
    known = [name for kind in kinds for name in names(kind)]
    if close := close_names(Path(text).stem, known):
        return f"; near: {', '.join(close)}"
    if _other(text, kinds) or not _is_name(text):
        return ""
    return "".join(f"; {kind}s: {', '.join(names(kind))}" for kind in kinds)


def summary(path: Path) -> str:
    """Return the comment at the beginning of a file."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip())
    return " ".join(lines)
