"""The plan of a run: spells that begin and end, and the timeline that they make. Pure.

Whatever begins also ends, so every timeline ends with the mains good and nothing disturbed, however it was shortened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ridethrough.rigs.explore.run import Action


class Spell(NamedTuple):
    """Something that begins and ends: an outage, a silent card, a program that is killed."""

    begin: str
    """Words of its beginning, as `do` of a scenario has them."""
    end: str
    """Words of its end; empty for something that only happens, such as a battery that is half empty."""
    at_s: float
    until_s: float = 0.0
    """Counts only where there are words of an end."""


class Plan(NamedTuple):
    """A run to be made: what happens, on a rig with what is laid over its file."""

    spells: tuple[Spell, ...]
    patch: Mapping[str, Any] = {}

    @property
    def timeline(self) -> tuple[Action, ...]:
        """Everything that happens, in order."""
        return actions_of(self.spells)


def actions_of(spells: Iterable[Spell]) -> tuple[Action, ...]:
    """Return the timeline of some spells; times are whole milliseconds.

    Spells that overlap and end with the same words are one disturbance that changes: it ends with the last of them.
    """
    marks: list[tuple[float, bool, str]] = []
    families: dict[str, list[Spell]] = {}
    for spell in spells:
        if spell.end:
            families.setdefault(spell.end, []).append(spell)
        else:
            marks.append((_milliseconds(spell.at_s), True, spell.begin))
    for end, family in families.items():
        until_s, last = -1.0, ""
        for spell in sorted(family, key=lambda spell: (spell.at_s, spell.until_s, spell.begin)):
            if spell.until_s <= spell.at_s:
                continue
            if spell.at_s > until_s:
                if until_s >= 0:
                    marks.append((_milliseconds(until_s), False, end))
                until_s, last = spell.until_s, ""
            if spell.begin != last:
                marks.append((_milliseconds(spell.at_s), True, spell.begin))
            until_s, last = max(until_s, spell.until_s), spell.begin
        if until_s >= 0:
            marks.append((_milliseconds(until_s), False, end))
    # What ends at an instant does so before something else begins.
    return tuple(Action(at_s, words) for at_s, _, words in sorted(marks, key=lambda mark: (mark[0], mark[1])))


def _milliseconds(at_s: float) -> float:
    return round(max(0.0, at_s), 3)
