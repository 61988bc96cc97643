"""The steps by which something is added, walked on a copy of the tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.walk import ROOT, Walk, copy_of_the_tree


@pytest.mark.timeout(300)
def test_everything_is_added_as_the_page_says(tmp_path: Path) -> None:
    walk = Walk(copy_of_the_tree(tmp_path))
    try:
        walk.page(ROOT / "docs/extending.md")
    finally:
        walk.close()
