"""The READMEs of the parts name files, folders and functions that are there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.architecture.test_circles import PARTS, ROOT

READMES = sorted(path for part in PARTS for path in (ROOT / part).rglob("README.md") if "samples" not in path.parts)
CODE = re.compile(r"`([^`\n]+)`")
PLACE = re.compile(r"[\w./{},-]+(\.(py|js|csv|yaml|md|html|css)|/)$")
STEP = re.compile(r"`([\w./-]+\.py)` `((?:\w+\.)?\w+)`(?<!\.py`)")


def spread(place: str) -> Iterator[str]:
    """The places that `a/{b,c}.py` stands for."""
    if (found := re.search(r"\{([^}]*)\}", place)) is None:
        yield place
        return
    for choice in found.group(1).split(","):
        yield from spread(place[: found.start()] + choice + place[found.end() :])


def located(readme: Path, place: str) -> Path | None:
    """A place as a reader looks for it: from the README's own folder, from the part's, from the root, then below."""
    part = ROOT / readme.relative_to(ROOT).parts[0]
    for base in (readme.parent, part, ROOT):
        if (base / place).exists():
            return base / place
    return next(
        (
            path
            for path in sorted(readme.parent.rglob(place.strip("/").rsplit("/", 1)[-1]))
            if str(path).endswith(place.rstrip("/"))
        ),
        None,
    )


def wrong(readme: Path) -> list[str]:
    """Places that do not exist, and functions that are not where the text says."""
    text = readme.read_text(encoding="utf-8")
    places = [place for code in CODE.findall(text) if PLACE.fullmatch(code) for place in spread(code)]
    found = [f"there is no {place}" for place in places if located(readme, place) is None]
    for place, name in STEP.findall(text):
        path = located(readme, place)
        last = name.rsplit(".", 1)[-1]
        if (
            path is not None
            and re.search(
                rf"\b(def|class) {last}\b|^{last}\b.*=|^    {last}:", path.read_text(encoding="utf-8"), re.MULTILINE
            )
            is None
        ):
            found.append(f"{place} has no {name}")
    return found


def test_every_part_has_one() -> None:
    assert {path.parent.name for path in READMES} >= set(PARTS)


@pytest.mark.parametrize("readme", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_named_is_there(readme: Path) -> None:
    assert wrong(readme) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("`ber.py` reads", []),
        ("`snmp/{codec,values}.py` and `ipmi/`", []),
        ("`snmp/{codec,nothing}.py`", ["there is no snmp/nothing.py"]),
        ("`elsewhere/`", ["there is no elsewhere/"]),
        ("`snmp/codec.py` `nowhere`", ["snmp/codec.py has no nowhere"]),
        ("`wire/primitives.py` `nowhere.other`", ["wire/primitives.py has no nowhere.other"]),
    ],
)
def test_what_is_not_there_is_found(monkeypatch: pytest.MonkeyPatch, text: str, found: list[str]) -> None:
    monkeypatch.setattr(Path, "read_text", _reading(text))
    assert wrong(ROOT / "wire" / "README.md") == found


def _reading(text: str) -> Callable[..., str]:
    read = Path.read_text
    return lambda path, **words: text if path.name == "README.md" else read(path, **words)
