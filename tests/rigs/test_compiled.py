"""What is kept compiled follows the tree: which file changes, how, and in which order."""

from __future__ import annotations

import shutil
import tempfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
FILES = (
    "ridethrough/__init__.py",
    "wire/ber.py",
    "gateway/translate/trap_rules.csv",
    "emulators/devices/ups/model.py",
    "emulators/devices/ups/profiles/smart.yaml",
    "rigs/cli/main.py",
    "rigs/scenarios/C1.yaml",
    "hatch_build.py",
    "pyproject.toml",
    "requirements.lock",
    "requirements-build.lock",
)
REMOVABLE = tuple(name for name in FILES if "/" in name and not name.endswith("__init__.py"))
NEW = ("wire/new.py", "rigs/new/deep.py", "mibs/new.json")
CHANGES = st.tuples(
    st.sampled_from(FILES + NEW), st.sampled_from(["write", "touch", "remove", "write"]), st.text("ab", max_size=2)
)


def compiled_by(tree: Path) -> Any:
    """The script as it stands in `tree`, with a compiler that notes what it was given."""
    spec = spec_from_file_location("compiled", ROOT / "rigs" / "deploy" / "compiled.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = module_from_spec(spec)
    spec.loader.exec_module(module)

    def compile_into(folder: Path, log: Path) -> int:
        log.write_text("")
        for part in module.PARTS:
            if (tree / part).exists():
                shutil.copytree(
                    tree / part, folder / "ridethrough" / part, ignore=shutil.ignore_patterns("__pycache__")
                )
        shutil.copy2(tree / "ridethrough" / "__init__.py", folder / "ridethrough")
        (folder / "ridethrough" / "native.so").write_text(sources_of(tree))
        return 0

    module.ROOT, module.compile_into, module.lacks = tree, compile_into, lambda: None
    return module


def laid(tree: Path) -> Path:
    """A tree with a file of each kind."""
    for name in FILES:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("first")
    return tree


def sources_of(tree: Path) -> str:
    """All that a compiled module may depend on."""
    parts = ("mibs", "wire", "emulators", "gateway")
    files = sorted(path for part in parts for path in (tree / part).rglob("*.py") if "__pycache__" not in path.parts)
    return "".join(f"{path.relative_to(tree)}: {path.read_text()}\n" for path in files)


def content(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in (".so", ".pyc")
    }


def package_of(tree: Path) -> dict[str, str]:
    parts = ("mibs", "wire", "emulators", "gateway", "rigs")
    files = {f"{part}/{name}": text for part in parts for name, text in content(tree / part).items()}
    return files | content(tree / "ridethrough")


@given(st.lists(st.lists(CHANGES, max_size=3), max_size=4))
def test_the_folder_is_what_the_tree_says(days: list[list[tuple[str, str, str]]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        tree = laid(Path(name) / "tree")
        folder = Path(name) / "compiled"
        module = compiled_by(tree)
        module.main(folder)
        for changes in days:
            for file, change, text in changes:
                path = tree / file
                if change == "write":
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(text)
                elif change == "touch" and path.exists():
                    path.touch()
                elif change == "remove" and path.exists() and file in NEW + REMOVABLE:
                    path.unlink()
            (tree / "wire" / "__pycache__").mkdir(parents=True, exist_ok=True)
            (tree / "wire" / "__pycache__" / "ber.pyc").write_text("left")
            module.main(folder)
            assert content(folder / "ridethrough") == package_of(tree)
            assert (folder / "ridethrough" / "native.so").read_text() == sources_of(tree)


@pytest.mark.parametrize(
    ("file", "compiles"),
    [
        ("wire/ber.py", True),
        ("emulators/devices/ups/model.py", True),
        ("hatch_build.py", True),
        ("requirements.lock", True),
        ("rigs/cli/main.py", False),
        ("rigs/scenarios/C1.yaml", False),
        ("emulators/devices/ups/profiles/smart.yaml", False),
        ("ridethrough/__init__.py", False),
    ],
)
def test_only_what_has_to_be_is_compiled(file: str, compiles: bool, tmp_path: Path) -> None:
    module = compiled_by(laid(tmp_path))
    folder = tmp_path / "compiled"
    module.main(folder)
    mark = folder / "ridethrough" / "native.so"
    mark.write_text("kept")
    (tmp_path / file).write_text("second")
    module.main(folder)
    assert (mark.read_text() != "kept") is compiles


def test_a_copy_that_was_cut_off_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = compiled_by(laid(tmp_path))
    folder = tmp_path / "compiled"
    module.main(folder)
    (tmp_path / "rigs" / "cli" / "main.py").write_text("second")
    whole = module.copy_into

    def cut_off(_folder: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "copy_into", cut_off)
    with pytest.raises(KeyboardInterrupt):
        module.main(folder)
    monkeypatch.setattr(module, "copy_into", whole)
    (tmp_path / "rigs" / "cli" / "main.py").write_text("first")
    module.main(folder)
    assert content(folder / "ridethrough") == package_of(tmp_path)


def test_what_failed_is_not_tried_again_until_something_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module = compiled_by(laid(tmp_path))
    tried: list[Path] = []

    def fails(folder: Path, _log: Path) -> int:
        tried.append(folder)
        return 1

    module.compile_into = fails
    folder = tmp_path / "compiled"
    for tries, then in (
        (1, "rigs/cli/main.py"),
        (1, "wire/ber.py"),
        (2, "rigs/scenarios/C1.yaml"),
        (2, "pyproject.toml"),
    ):
        module.main(folder)
        module.main(folder)
        assert len(tried) == tries
        assert not folder.exists()
        assert f"{folder}.log says why" in capsys.readouterr().out
        (tmp_path / then).write_text(f"changed {then}")
