"""Whatever holds in whatever order: each trap of a condition comes once when it begins and once when it ends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ridethrough.emulators.devices.ups.conditions import AVR_BEGINS, AVR_ENDS, ConditionMonitor, Facts, LastingCondition
from ridethrough.emulators.devices.ups.line import Avr
from ridethrough.emulators.devices.ups.traps import Trap

FACTS = st.builds(
    Facts,
    outage=st.booleans(),
    output_on=st.booleans(),
    avr=st.sampled_from(Avr),
    overloaded=st.booleans(),
    discharged=st.booleans(),
    too_warm=st.booleans(),
    replace=st.booleans(),
    abnormal=st.sets(st.integers(1, 32), max_size=3),
)
NOTHING = Facts(
    outage=False,
    output_on=True,
    avr=Avr.NONE,
    overloaded=False,
    discharged=False,
    too_warm=False,
    replace=False,
    abnormal=set(),
)
# Begin and end of everything that lasts, by its name in `_holding`.
PAIRS: dict[object, tuple[Trap, Trap]] = {
    **{condition: condition.value for condition in LastingCondition},
    **{avr: (AVR_BEGINS[avr], AVR_ENDS[avr]) for avr in AVR_BEGINS},
    **dict.fromkeys(range(1, 33), (Trap.ABNORMAL, Trap.ABNORMAL_CLEARED)),
    "outage": (Trap.ON_BATTERY, Trap.POWER_RESTORED),
}


def _holding(facts: Facts, *, in_outage: bool) -> set[object]:
    """By the words of the references: an outage ends when the output is fed from the line, not when it is off."""
    conditions = zip(LastingCondition, (facts.overloaded, facts.discharged, facts.too_warm, facts.replace), strict=True)
    holding: set[object] = {condition for condition, holds in conditions if holds} | facts.abnormal
    if facts.avr is not Avr.NONE:
        holding.add(facts.avr)
    if facts.outage or (in_outage and not facts.output_on):
        holding.add("outage")
    return holding


@given(st.lists(FACTS, max_size=12))
def test_every_change_is_told_once(history: list[Facts]) -> None:
    monitor = ConditionMonitor()
    before: set[object] = set()
    for facts in [*history, NOTHING]:
        holding = _holding(facts, in_outage="outage" in before)
        told = sorted((notice.trap, notice.number) for notice in monitor.update(facts))
        expected = [(PAIRS[what][0], what if isinstance(what, int) else 0) for what in holding - before]
        expected += [(PAIRS[what][1], what if isinstance(what, int) else 0) for what in before - holding]
        assert told == sorted(expected)
        assert monitor.update(facts) == []
        before = holding
    assert before == set()
