"""The remaining traps of the maker: faults, environment, outlet groups, the card itself and PowerChute.

Those with a part in power management have rules of their own in `traps.py`. The table, `fault_traps.csv`, has a row for
each of the others, in the order of their numbers: name in PowerNet-MIB, kind, severity, the condition it concerns if
any, whether it opens that condition, and text.
"""

from __future__ import annotations

import csv
from importlib import resources
from typing import NamedTuple

from ridethrough.gateway.records import Severity
from ridethrough.gateway.vocabulary import EventType as E

TABLE = "fault_traps.csv"


class Kind(NamedTuple):
    """Event types of one kind of trap: opening a condition, clearing one, and neither."""

    opens: E
    clears: E
    happens: E


KINDS: dict[str, Kind] = {
    "fault": Kind(E.FAULT_RAISED, E.FAULT_CLEARED, E.UPS_NOTICE),
    "environment": Kind(E.ENVIRONMENT_RAISED, E.ENVIRONMENT_CLEARED, E.ENVIRONMENT_NOTICE),
    "group": Kind(E.GROUP_OFF, E.GROUP_ON, E.GROUP_COMMAND),
    "card": Kind(E.CARD_RAISED, E.CARD_CLEARED, E.CARD_NOTICE),
    "powerchute": Kind(E.POWERCHUTE_RAISED, E.POWERCHUTE_CLEARED, E.POWERCHUTE_NOTICE),
}


class Row(NamedTuple):
    """One trap, by its name in PowerNet-MIB."""

    trap: str
    type: E
    severity: Severity
    text: str
    condition: str
    opens: bool


def rows() -> list[Row]:
    """The table. Raises KeyError and ValueError when the file is spoilt, which a test excludes."""
    text = resources.files("ridethrough.gateway.translate").joinpath(TABLE).read_text(encoding="utf-8")
    return [_row(line) for line in csv.DictReader(text.splitlines())]


def _row(line: dict[str, str]) -> Row:
    kind, condition, opens = KINDS[line["kind"]], line["condition"], bool(line["opens"])
    event = kind.happens if not condition else kind.opens if opens else kind.clears
    return Row(line["trap"], event, Severity[line["severity"].upper()], line["text"], condition, opens)
