"""The plans that a search tries, in order: lessons, systematic combinations, seeded chance. Pure.

The order depends on the rig and the seed alone: plans come in batches, and what a batch taught is known to the next.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from random import Random

from ridethrough.rigs.explore.dimensions import DIMENSIONS, Disturbance
from ridethrough.rigs.explore.timeline import Plan

OUTAGE_S = 1500.0  # of the lessons: beyond every delay and most batteries
BRIEF_S = 10.0
BATCH = 24
LESSONS = (0.25, 0.5, 0.75)  # parts of the instants of an outage, at which the mains return in a lesson
MOST_SPELLS = 4
KEPT = 64  # runs that chance goes on from
AT_START = frozenset(row.name for row in DIMENSIONS if row.at_start)

Instants = tuple[float, ...]
Found = Mapping[str, Sequence[Disturbance]]


def search(found: Found, seed: int) -> Generator[list[Plan], list[Instants], None]:
    """Yield batches of plans without end, each plan once; to be sent the instants of each run of the last batch.

    `found` are the disturbances of the rig by dimension. Ends when nothing can happen to it.
    """
    outages = list(found.get("mains", ()))
    if not any(found.values()):
        return
    tried: set[str] = set()
    known: dict[int, list[tuple[float, Instants]]] = {}
    # What each outage does when it is long, then when the mains return in the middle of it.
    first = [_plan(outage, 0.0, OUTAGE_S) for outage in outages]
    taught = (yield first) if first else []
    lessons: list[tuple[int, float]] = []
    for number, instants in enumerate(taught):
        known[number] = [(OUTAGE_S, instants)]
        during = [at_s for at_s in instants if at_s < OUTAGE_S] or [BRIEF_S]
        lessons += dict.fromkeys((number, during[int(part * len(during))]) for part in LESSONS)
    tried.update(map(_key, first))
    if lessons:
        batch = [_plan(outages[number], 0.0, until_s) for number, until_s in lessons]
        tried.update(map(_key, batch))
        taught = yield batch
        for (number, until_s), instants in zip(lessons, taught, strict=True):
            known[number].append((until_s, instants))
    corpus = [(_plan(outages[number], 0.0, until_s), at) for number, runs in known.items() for until_s, at in runs]
    chance = Random(seed)  # it has to be repeatable
    sources = _systematic(found, outages, known)
    while True:
        batch = []
        while len(batch) < BATCH:
            plan = next(sources, None) if len(batch) % 4 != 3 else None
            plan = plan or _by_chance(found, corpus, chance)
            if (key := _key(plan)) not in tried:
                tried.add(key)
                batch.append(plan)
        taught = yield batch
        corpus = [*corpus, *zip(batch, taught, strict=True)][-KEPT:]


def _plan(disturbance: Disturbance, at_s: float, until_s: float, plan: Plan | None = None) -> Plan:
    """A disturbance, alone or added to what is planned."""
    spells = () if plan is None else plan.spells
    patch = {} if plan is None else plan.patch
    return Plan((*spells, *disturbance.spells(at_s, until_s)), {**patch, **disturbance.patch})


def _key(plan: Plan) -> str:
    return json.dumps([plan.timeline, plan.patch], sort_keys=True)


# --- systematic combinations --------------------------------------------------------------------------------------


def _systematic(
    found: Found, outages: Sequence[Disturbance], known: Mapping[int, Sequence[tuple[float, Instants]]]
) -> Iterator[Plan]:
    """Take turns between the kinds of combinations, so that a short search has some of each."""
    turns = [_returns(outages, known), _beside(found, outages, known), _again(outages, known), _alone(found)]
    while turns:
        for turn in list(turns):
            if (plan := next(turn, None)) is None:
                turns.remove(turn)
            else:
                yield plan


def _returns(outages: Sequence[Disturbance], known: Mapping[int, Sequence[tuple[float, Instants]]]) -> Iterator[Plan]:
    """Each outage ends at each instant of its own."""
    yield from _in_turn([_ending(outage, known[number][0][1]) for number, outage in enumerate(outages)])


def _ending(outage: Disturbance, instants: Instants) -> Iterator[Plan]:
    for until_s in spread([at_s for at_s in instants if at_s < OUTAGE_S]):
        yield _plan(outage, 0.0, until_s)


def _again(outages: Sequence[Disturbance], known: Mapping[int, Sequence[tuple[float, Instants]]]) -> Iterator[Plan]:
    """A second outage, of the same mains or of others, begins at each instant behind the first return."""
    yield from _in_turn(
        [
            _repeated(_plan(outage, 0.0, until_s), until_s, second, lasting_s, instants)
            for number, outage in enumerate(outages)
            for until_s, instants in known[number]
            for second in outages
            for lasting_s in (BRIEF_S, OUTAGE_S)
        ]
    )


def _repeated(plan: Plan, until_s: float, second: Disturbance, lasting_s: float, instants: Instants) -> Iterator[Plan]:
    for at_s in spread([at_s for at_s in instants if at_s >= until_s]):
        yield _plan(second, at_s, at_s + lasting_s, plan)


def _beside(
    found: Found, outages: Sequence[Disturbance], known: Mapping[int, Sequence[tuple[float, Instants]]]
) -> Iterator[Plan]:
    """Everything else, beside each outage: from each instant on, until one that comes later."""
    lines = []
    for name, items in found.items():
        if name == "mains":
            continue
        for item in items:
            for number, outage in enumerate(outages):
                for until_s, instants in known[number]:
                    plan = _plan(outage, 0.0, until_s)
                    if name in AT_START:
                        lines.append(iter([_plan(item, 0.0, 0.0, plan)]))
                    else:
                        lines.append(_during(plan, item, instants))
    yield from _in_turn(lines)


def _during(plan: Plan, item: Disturbance, instants: Instants) -> Iterator[Plan]:
    for at_s in spread(instants):
        later = [mark for mark in instants if mark > at_s]
        for until_s in (later[len(later) // 2] if later else at_s + BRIEF_S, at_s + BRIEF_S):
            yield _plan(item, at_s, until_s, plan)


def _alone(found: Found) -> Iterator[Plan]:
    """Everything else, with good mains: briefly, and for long."""
    for name, items in found.items():
        if name != "mains" and name not in AT_START:
            for item in items:
                yield _plan(item, BRIEF_S, 2 * BRIEF_S)
                yield _plan(item, BRIEF_S, OUTAGE_S)


def _in_turn(lines: Sequence[Iterator[Plan]]) -> Iterator[Plan]:
    """One of each, then the next of each."""
    left = list(lines)
    while left:
        for line in list(left):
            if (plan := next(line, None)) is None:
                left.remove(line)
            else:
                yield plan


def spread(marks: Sequence[float]) -> list[float]:
    """Return the marks in an order of which every beginning is spread over all of them: middles before their sides."""
    found: list[float] = []
    parts = [(0, len(marks))]
    while parts:
        below = []
        for low, high in parts:
            if low < high:
                middle = (low + high) // 2
                found.append(marks[middle])
                below += [(low, middle), (middle + 1, high)]
        parts = below
    return found


# --- chance -------------------------------------------------------------------------------------------------------


def _by_chance(found: Found, corpus: Sequence[tuple[Plan, Instants]], chance: Random) -> Plan:
    """A run that was made goes on otherwise from one of its instants; or something quite new."""
    plan, instants = chance.choice(corpus) if corpus and chance.random() < 0.8 else (Plan(()), ())
    if len(plan.spells) >= MOST_SPELLS:
        gone = chance.randrange(len(plan.spells))
        plan = plan._replace(spells=(*plan.spells[:gone], *plan.spells[gone + 1 :]))
    if plan.spells and chance.random() < 0.3:
        return _moved(plan, instants, chance)
    names = list(found)
    name = "mains" if "mains" in found and chance.random() < 0.4 else chance.choice(names)
    item = chance.choice(list(found[name]))
    at_s = 0.0 if name in AT_START else _instant(instants, chance)
    return _plan(item, at_s, at_s + _length(instants, at_s, chance), plan)


def _moved(plan: Plan, instants: Instants, chance: Random) -> Plan:
    """One of its spells begins or ends at another instant."""
    number = chance.randrange(len(plan.spells))
    spell = plan.spells[number]
    mark = _instant(instants, chance)
    if not spell.end:
        moved = spell
    elif chance.random() < 0.5 and mark < spell.until_s:
        moved = spell._replace(at_s=mark)
    else:
        moved = spell._replace(until_s=max(mark, spell.at_s + 1))
    return plan._replace(spells=(*plan.spells[:number], moved, *plan.spells[number + 1 :]))


def _instant(instants: Instants, chance: Random) -> float:
    if instants and chance.random() < 0.8:
        return chance.choice(instants)
    return float(chance.randrange(int(OUTAGE_S)))


def _length(instants: Instants, at_s: float, chance: Random) -> float:
    later = [mark - at_s for mark in instants if mark > at_s]
    if later and chance.random() < 0.6:
        return chance.choice(later)
    return float(chance.choice([1, 2, 5, 10, 30, 60, 120, 300, 600, 1200]))
