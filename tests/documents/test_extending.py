"""The steps by which something is added, walked on a copy of the tree, which then passes the rules of the project."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.walk import ROOT, Walk, copy_of_the_tree

RULES = (
    "tests/architecture/test_circles.py",
    "tests/architecture/test_names.py",
    "tests/architecture/test_readmes.py",
    "tests/emulators/test_bmc_changes.py",
    "tests/emulators/test_ups_card.py",
    "tests/gateway/test_sink_kinds.py",
    "tests/gateway/test_translate.py",
)
"""Tests that look at every kind of something, whichever there are."""


@pytest.mark.timeout(500)
def test_everything_is_added_as_the_page_says(tmp_path: Path) -> None:
    tree = copy_of_the_tree(tmp_path)
    walk = Walk(tree)
    try:
        walk.page(ROOT / "docs/extending.md")
    finally:
        walk.close()
    for command in (["ruff", "check", "--no-cache", "-q", "."], ["pytest", "-q", "-p", "no:cacheprovider", *RULES]):
        done = subprocess.run(
            [tree / ".venv" / "bin" / command[0], *command[1:]],
            cwd=tree,
            env={**os.environ, "PYTHONPATH": str(tree)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
