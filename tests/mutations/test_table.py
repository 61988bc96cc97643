from __future__ import annotations

from collections import Counter

from tests.mutations.__main__ import ROOT
from tests.mutations.table import MUTATIONS

SCENARIOS = ROOT / "rigs" / "scenarios"


def test_every_rule_stands_where_the_table_says_and_is_told_in_the_document() -> None:
    told = (ROOT / "docs" / "mutations.md").read_text()
    for item in MUTATIONS:
        text = (ROOT / item.file).read_text()
        assert text.count(item.old) == 1, f"{item.section} {item.rule}: {item.file} has {text.count(item.old)} of it"
        assert item.new != item.old
        assert f"| {item.section} | {item.rule} | `{item.file}` |" in told
        for name in item.scenarios:
            assert (SCENARIOS / f"{name}.yaml").exists(), f"{item.rule}: there is no scenario {name}"
    assert "| none: " not in told
    assert Counter((item.section, item.rule) for item in MUTATIONS).most_common(1)[0][1] == 1
