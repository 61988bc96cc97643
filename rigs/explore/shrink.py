"""Makes a plan as short and simple as it can be while it still shows the same. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ridethrough.rigs.explore.timeline import Plan, Spell

ROUND_S = (600.0, 60.0, 10.0, 2.0, 1.0, 0.1)
"""Steps to which times are rounded, the simplest first."""
SHORT_S = (10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0)
LIMIT = 40  # runs


class Shrunk(NamedTuple):
    """A plan that has been made simpler, and how many runs that took."""

    plan: Plan
    runs: int


def shrink(plan: Plan, shows: Callable[[Plan], bool], limit: int = LIMIT) -> Shrunk:
    """Return the simplest plan found for which `shows` is true, which is asked `limit` times at most.

    Whatever is found is no longer than `plan`: it has none but its spells, each as long or shorter, or rounded.
    """
    runs = 0
    refused: set[str] = set()
    simpler = True
    while simpler:
        simpler = False
        for candidate in candidates(plan):
            if runs >= limit:
                return Shrunk(plan, runs)
            if (key := repr(candidate)) in refused:
                continue
            runs += 1
            if shows(candidate):
                plan, simpler = candidate, True
                break
            refused.add(key)
    return Shrunk(plan, runs)


def candidates(plan: Plan) -> Iterator[Plan]:
    """Yield plans that are a little simpler than this one, the greatest steps first."""
    spells = plan.spells
    if plan.patch:
        yield plan._replace(patch={})
    if len(spells) > 3:  # halves first
        half = len(spells) // 2
        yield plan._replace(spells=spells[half:])
        yield plan._replace(spells=spells[:half])
    for number in reversed(range(len(spells))):
        yield plan._replace(spells=(*spells[:number], *spells[number + 1 :]))
    earliest = min((spell.at_s for spell in spells), default=0.0)
    if earliest > 0:
        yield plan._replace(spells=tuple(_moved(spell, -earliest) for spell in spells))
    for number, spell in enumerate(spells):
        for simple in _simpler(spell):
            yield plan._replace(spells=(*spells[:number], simple, *spells[number + 1 :]))


def _moved(spell: Spell, by_s: float) -> Spell:
    at_s = round(spell.at_s + by_s, 3)
    return spell._replace(at_s=at_s, until_s=round(spell.until_s + by_s, 3) if spell.end else spell.until_s)


def _simpler(spell: Spell) -> Iterator[Spell]:
    """The same spell at rounder times, or shorter without being less round."""
    if spell.end:
        lasting_s = spell.until_s - spell.at_s
        for short_s in SHORT_S:
            until_s = round(spell.at_s + short_s, 3)
            if short_s < lasting_s and rank(until_s) <= rank(spell.until_s):
                yield spell._replace(until_s=until_s)
    for at_s in _rounder(spell.at_s):
        if not spell.end or at_s < spell.until_s:
            yield spell._replace(at_s=at_s)
    if spell.end:
        for until_s in _rounder(spell.until_s):
            if until_s > spell.at_s:
                yield spell._replace(until_s=until_s)


def rank(at_s: float) -> int:
    """Return how far a time is from round: 0 is best."""
    milliseconds = round(at_s * 1000)
    return next((number for number, step in enumerate(ROUND_S) if milliseconds % round(step * 1000) == 0), len(ROUND_S))


def _rounder(at_s: float) -> Iterator[float]:
    """Yield times near one that are rounder, the roundest first."""
    for step in ROUND_S[: rank(at_s)]:
        below = at_s // step * step
        nearer = [below, below + step] if at_s - below < step / 2 else [below + step, below]
        for mark in nearer:
            yield round(mark, 3)
