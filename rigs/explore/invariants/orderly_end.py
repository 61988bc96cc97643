"""The conditions of an orderly end (001 section 9.1): battery, delays, and somebody to act. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ridethrough.rigs.explore.invariants.history import Span
from ridethrough.rigs.explore.invariants.lookup import UP, RunLookup
from ridethrough.rigs.explore.invariants.times import (
    POLL_S,
    end_s,
    off_delay_s,
    orders_s,
    plan_s,
    powerchutes,
    settings_of,
)

ENDS_UPS = frozenset({"button_off", "off"})


def battery_short(lookup: RunLookup, subject: str, at_s: float) -> bool:
    """C8: the battery, and not an order, ended the output before ① + ② + ③ could pass."""
    return _is_empty(lookup, subject, at_s) and _carried_s(lookup, subject, at_s, []) < _needed_s(lookup, subject)


def delay_short(lookup: RunLookup, subject: str, _at_s: float) -> bool:
    """③, 電源切断猶予時間, is shorter than the operating system takes."""
    ups = [feed for feed in lookup.feeds(subject) if feed in lookup.rig.ups]
    delays_s = [settings_of(lookup.rig, feed).shutoff_delay_s for feed in ups]
    others = [lookup.rig.intelligent_ups.get(feed) for feed in lookup.feeds(subject)]
    delays_s += [other.off_delay_s for other in others if other is not None]
    return bool(delays_s) and max(delays_s) < end_s(lookup.rig.servers[subject])


def unwatched(lookup: RunLookup, subject: str, at_s: float) -> bool:
    """C7, N1: nobody could hear of the outage, or act on it, for long enough, and the battery ran empty."""
    if not _is_empty(lookup, subject, at_s):
        return False
    gaps = [span for feed in lookup.feeds(subject) for span in lookup.deaf(feed)]
    gaps += [item.span for item in lookup.broken if item.place in lookup.actors]
    gaps += without_terminal(lookup, subject)
    left_s = _carried_s(lookup, subject, at_s, gaps)
    return left_s < min(_needed_s(lookup, subject), _carried_s(lookup, subject, at_s, []))


def without_terminal(lookup: RunLookup, subject: str) -> list[Span]:
    """Return when no control terminal ran; a terminal is its own."""
    terminals = lookup.topology.terminals
    if subject in terminals:
        return []
    down = [lookup.history.spans(name, lambda state: state.get("state") not in UP) for name in terminals]
    common = down[0] if down else []
    for spans in down[1:]:
        common = [
            Span(max(one.begin_s, other.begin_s), min(one.end_s, other.end_s))
            for one in common
            for other in spans
            if one.overlaps(*other)
        ]
    return common


def output_ended_by_person(lookup: RunLookup, subject: str, at_s: float) -> bool:
    """An action switched the output off, or said so to a controller."""
    longest_s = plan_s(lookup.rig) + max((off_delay_s(lookup.rig, feed) for feed in lookup.feeds(subject)), default=0)
    places = {*lookup.feeds(subject)}
    return any(
        deed.place in places and deed.word in (*ENDS_UPS, "trouble", "switch") and 0 <= at_s - deed.at_s <= longest_s
        for deed in lookup.deeds
    )


def _is_empty(lookup: RunLookup, subject: str, at_s: float) -> bool:
    ups = [feed for feed in lookup.feeds(subject) if lookup.is_ups(feed)]
    return bool(ups) and any(lookup.is_exhausted(feed, at_s) for feed in ups)


def _carried_s(lookup: RunLookup, subject: str, at_s: float, gaps: Sequence[Span]) -> float:
    """Return for how long its last battery carried it until an instant, counted from the end of the last gap."""
    longest_s = 0.0
    for feed in filter(lookup.is_ups, lookup.feeds(subject)):
        begins = [one.span.begin_s for one in lookup.outages(feed) if one.span.begin_s <= at_s <= one.span.end_s]
        if not begins:
            continue
        begin_s = max(begins)
        for gap in sorted(gaps):
            if gap.overlaps(begin_s, at_s):
                begin_s = max(begin_s, gap.end_s)
        longest_s = max(longest_s, at_s - begin_s)
    return longest_s


def _needed_s(lookup: RunLookup, subject: str) -> float:
    """① + ② + ③ in the rig's numbers, with polling: from the outage until the server is off."""
    confirm_s = max((lookup.confirm_s(feed) for feed in lookup.feeds(subject)), default=0.0)
    return confirm_s + 2 * POLL_S + plan_s(lookup.rig) + end_s(lookup.rig.servers[subject])


def runtime_limit(lookup: RunLookup, subject: str, at_s: float) -> bool:
    """PowerChute begins at low battery, and what is left then is shorter than ② + ③."""
    limited = [agent for agent in powerchutes(lookup.rig) if subject in agent.ups and agent.begin == "runtime_limit"]
    needed_s = orders_s(lookup.rig) + end_s(lookup.rig.servers[subject])
    left_s = [settings_of(lookup.rig, agent.ups[subject]).low_battery_runtime_s for agent in limited]
    return bool(left_s) and max(left_s) < needed_s and _is_empty(lookup, subject, at_s)
