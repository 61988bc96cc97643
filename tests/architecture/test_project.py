"""What holds for the whole tree."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest

from docs.build import REFERENCE, pages

ROOT = Path(__file__).parents[2]
PARTS = ("mibs", "wire", "emulators", "gateway", "rigs")
SOURCES = sorted(path for part in PARTS for path in (ROOT / part).rglob("*.py"))


def test_imports_keep_their_direction() -> None:
    tool = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([tool, "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert " kept, 0 broken" in done.stdout


@pytest.mark.parametrize("part", PARTS)
def test_a_part_has_one_name_only(part: str) -> None:
    """Loaded under two names, a module has two of each class: what one makes is not what the other takes."""
    with pytest.raises(ImportError, match=f"this folder is the package ridethrough.{part}"):
        import_module(part)
    assert not [name for name in sys.modules if name.partition(".")[0] == part]
    assert (ROOT / "ridethrough" / part).resolve() == ROOT / part


def test_the_linter_refuses_the_bare_names(tmp_path: Path) -> None:
    (tmp_path / "sample.py").write_text("".join(f"from {part}.x import y\nimport {part}\n" for part in PARTS))
    command = [sys.executable, "-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml")]
    command += ["--select", "TID251", "--output-format", "json", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert len(json.loads(done.stdout)) == 2 * len(PARTS)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_say_what_they_are_and_leave_nothing_open(path: Path) -> None:
    text = path.read_text()
    assert text.startswith('"""'), "a module begins with its docstring"
    assert not re.search(r"\b(TODO|FIXME|XXX|NotImplementedError)\b", text)
    assert len(text.splitlines()) <= 400


@pytest.mark.parametrize(
    "name",
    ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Dockerfile", "compose.yaml", "docs/benchmarks.md"],
)
def test_required_files(name: str) -> None:
    assert (ROOT / name).stat().st_size > 200


def _slug(title: str) -> str:
    """As readers of Markdown make an anchor of a title."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def test_links_in_documents_lead_somewhere() -> None:
    for document in [
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").rglob("*.md"),
        *ROOT.glob("emulators/**/*.md"),
    ]:
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", document.read_text()):
            page = document.parent / target if target else document
            assert page.exists(), f"{document}: {target}"
            if anchor:
                titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
                assert anchor in {_slug(title) for title in titles}, f"{document}: {target}#{anchor}"


def test_the_reference_is_that_of_the_code() -> None:
    for name, text in pages().items():
        assert (REFERENCE / name).read_text() == text, f"docs/reference/{name} is out of date: make docs"
    assert {path.name for path in REFERENCE.glob("*.md")} == set(pages())


def test_links_inside_the_reference_lead_to_its_sections() -> None:
    for name, text in pages().items():
        sections = {line.lstrip("# ").lower() for line in text.splitlines() if line.startswith("##")}
        for anchor in re.findall(r"\]\(#([^)]+)\)", text):
            assert anchor in sections, f"{name}: {anchor}"


def test_the_readme_has_the_two_commands_and_they_are_targets() -> None:
    readme, makefile = (ROOT / "README.md").read_text(), (ROOT / "Makefile").read_text()
    for target in ("run", "test", "bench", "fuzz", "soak", "lint"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    assert "make run" in readme
    assert "make test" in readme
    assert "make test" in (ROOT / ".ci/run").read_text()


_PROGRAMS = (".venv/bin/pytest", ".venv/bin/ridethrough", ".venv/bin/python")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
TOLD = re.findall(r"`([^`\n]+)`", CONTRIBUTING.replace("```", "")) + [
    command.strip()
    for block in re.findall(r"^```sh\n(.*?)^```", CONTRIBUTING, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
    for command in line.partition(" #")[0].split("&&")
]


def test_commands_for_contributors_are_told() -> None:
    assert {command.split()[0] for command in TOLD} >= {"make", ".venv/bin/pytest", ".venv/bin/ridethrough"}
    assert len(TOLD) > 20


@pytest.mark.parametrize("command", sorted({it for it in TOLD if it.split()[0] in {"make", *_PROGRAMS}}))
def test_a_command_for_contributors_exists(command: str) -> None:
    """Targets, programs, files that they name, verbs and options; nothing is run but `--help` and a collection."""
    program, *words = shlex.split(command)
    for word in words:
        assert "/" not in word or (ROOT / word).exists() or word.startswith(".venv"), word
    if program == "make":
        targets = [word for word in words if "=" not in word]
        done = subprocess.run(["make", "--dry-run", *words], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        makefile = (ROOT / "Makefile").read_text().replace("$(VENV)", ".venv")
        for target in targets:
            assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), target
        return
    tail = {
        "pytest": ["--collect-only", "-q", "-p", "no:cacheprovider"],
        "ridethrough": ["--help"],
        "python": ["--help"],
    }
    name = Path(program).name
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    inner = [word for word in words if word != "--compiled"]  # there may be no compiled wheel
    call: list[str | Path] = [Path(sys.executable).parent / name, *inner, *tail[name]]
    done = subprocess.run(call, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_locks_are_hashed_and_cover_what_is_declared() -> None:
    declared = re.findall(r'^    "([A-Za-z0-9.-]+)>=', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    for lock in ("requirements.lock", "requirements-dev.lock"):
        lines = (ROOT / lock).read_text().splitlines()
        for line, following in pairwise(lines):
            if "==" in line:
                assert following.startswith("    --hash=sha256:"), line
    everything = (ROOT / "requirements-dev.lock").read_text()
    for name in declared:
        canonical = re.sub(r"[-_.]+", "-", name).lower()
        assert re.search(rf"^{canonical}==", everything, re.MULTILINE), name


def test_the_stages_load_nothing_that_waits() -> None:
    code = "import sys, ridethrough.gateway.pipeline.stages; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert not loaded & {"asyncio", "aiohttp", "pydantic", "pysnmp", "socket", "sqlite3", "ssl", "structlog"}
    assert len(loaded) < 260  # 214 with Python 3.11; 953 when the site file came along
