"""No module imports itself by way of others, imports for types included."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = ("mibs", "wire", "emulators", "gateway", "rigs")


def modules(root: Path) -> dict[str, Path]:
    """Every module of the product by its dotted name."""
    found = {}
    for part in PARTS:
        for path in (root / part).rglob("*.py"):
            if "starter" not in path.parts:
                dotted = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
                found[f"ridethrough.{dotted}"] = path
    return found


def arrows(known: dict[str, Path]) -> dict[str, set[str]]:
    """What each module imports, wherever the import stands."""
    graph: dict[str, set[str]] = {}
    for name, path in known.items():
        targets = graph.setdefault(name, set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    targets |= {inner if inner in known else node.module} & known.keys()
            elif isinstance(node, ast.Import):
                targets |= {alias.name for alias in node.names} & known.keys()
        targets.discard(name)
    return graph


def circle(graph: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_there_is_no_circle() -> None:
    assert circle(arrows(modules(ROOT))) == []


def test_a_circle_for_types_is_one(tmp_path: Path) -> None:
    for part in PARTS:
        (tmp_path / part).mkdir()
    (tmp_path / "wire" / "a.py").write_text("from ridethrough.wire import b\n")
    (tmp_path / "wire" / "b.py").write_text("if TYPE_CHECKING:\n    from ridethrough.wire.c import C\n")
    (tmp_path / "wire" / "c.py").write_text("def f():\n    import ridethrough.wire.a\n")
    found = circle(arrows(modules(tmp_path)))
    assert set(found) == {f"ridethrough.wire.{name}" for name in "abc"}
