"""The tutorial and the pages for each use, read as a new user does: every command pasted as written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.walk import ROOT, Walk, copy_of_the_tree

PAGES = ["docs/tutorial.md", "docs/explore.md", *(f"docs/how-to/{use}.md" for use in ("lab", "ci", "field"))]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_holds(page: str, tmp_path: Path) -> None:
    walk = Walk(copy_of_the_tree(tmp_path))
    try:
        walk.page(ROOT / page)
    finally:
        walk.close()
