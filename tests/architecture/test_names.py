"""One word for one thing: class names, and the first words of docstrings."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.test_circles import ROOT, modules

OF_THE_FOLDER = frozenset({"Config", "Settings"})
"""Names that mean what their folder says they belong to."""

QUESTIONS = ("What ", "Whether ", "How ", "Where ", "Who ", "When ", "Which ", "Why ")
"""A docstring states; it does not ask."""


def classes(known: dict[str, Path]) -> dict[str, list[str]]:
    """The modules in which each class name is defined, local classes included."""
    found = defaultdict(list)
    for module, path in known.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(module)
    return found


def ambiguous(known: dict[str, Path]) -> dict[str, list[str]]:
    return {name: where for name, where in classes(known).items() if len(where) > 1 and name not in OF_THE_FOLDER}


def questions(known: dict[str, Path]) -> Iterator[str]:
    """Docstrings, attributes' included, that begin with a question word."""
    for module, path in known.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Expr(value=ast.Constant(value=str(text))) if text.startswith(QUESTIONS):
                    yield f"{module}:{node.lineno} {text.splitlines()[0]}"


def test_a_class_name_has_one_meaning() -> None:
    assert ambiguous(modules(ROOT)) == {}


def test_docstrings_state() -> None:
    assert list(questions(modules(ROOT))) == []


@pytest.mark.parametrize(
    ("text", "names", "asked"),
    [
        ("class Target:\n    '''One device.'''\n", {"Target"}, 0),
        ("class Config:\n    host: str\n    '''Where it is.'''\n", set(), 1),
        ("def f():\n    class Target:\n        pass\n", {"Target"}, 0),
        ("async def f():\n    '''How long, in s.'''\n", set(), 1),
        ("def f():\n    '''\n    Whether.'''\n", set(), 0),
    ],
)
def test_the_rules_can_be_broken(tmp_path: Path, text: str, names: set[str], asked: int) -> None:
    for part in ("wire", "gateway"):
        (tmp_path / part).mkdir()
    (tmp_path / "gateway" / "__init__.py").write_text("class Target:\n    pass\nclass Config:\n    pass\n")
    (tmp_path / "wire" / "a.py").write_text(text)
    assert set(ambiguous(modules(tmp_path))) == names
    assert len(list(questions(modules(tmp_path)))) == asked
