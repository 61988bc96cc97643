"""The meaning of each trap: `trap_rules.csv`, one row a trap; platform events have a table of their own, `platform.py`.

Columns: name in the MIB texts, type of the event, severity, condition if any, effect on it, and text for people. The
rows stand by MIB (PowerNet-MIB, UPS-MIB of RFC 1628, SNMPv2-MIB of RFC 3418) and inside it by the traps' numbers. Of
several traps that open or clear one condition, the first stands for it where a reading shows the condition or a rule
of the site names the event.
"""

from __future__ import annotations

import csv
from importlib import resources
from typing import Final, NamedTuple

from ridethrough.gateway.records import Severity
from ridethrough.gateway.vocabulary import EventType
from ridethrough.mibs import standard_tree

TABLE: Final = "trap_rules.csv"
OPENS, CLEARS, IS_CLEAR = "opens", "clears", "is clear"
EFFECTS: Final = frozenset({"", OPENS, CLEARS, IS_CLEAR})


class TrapRule(NamedTuple):
    """`condition` with `opens` or not (then it clears); without a condition every such trap is an event.

    A `baseline` rule says that the condition is clear, not that it has just become so: it clears what was open and is
    no event else.
    """

    type: EventType
    severity: Severity
    text: str
    condition: str = ""
    opens: bool = False
    baseline: bool = False


def _rule(row: dict[str, str]) -> TrapRule:
    """Raises KeyError and ValueError for a spoilt row, which a test excludes."""
    effect, condition = row["effect"], row["condition"]
    if effect not in EFFECTS or bool(effect) != bool(condition):
        raise ValueError(f"{row['trap']}: effect {effect!r} on condition {condition!r}")
    return TrapRule(
        EventType(row["event"]),
        Severity(row["severity"]),
        row["text"],
        condition,
        opens=effect == OPENS,
        baseline=effect == IS_CLEAR,
    )


def _load() -> dict[str, TrapRule]:
    text = resources.files("ridethrough.gateway.translate").joinpath(TABLE).read_text(encoding="utf-8")
    tree = standard_tree()
    return {str(tree.named(row["trap"]).oid): _rule(row) for row in csv.DictReader(text.splitlines())}


RULES: Final[dict[str, TrapRule]] = _load()
"""The meaning of each trap, by its OID as SNMPv2 has it, in the order of the table."""
