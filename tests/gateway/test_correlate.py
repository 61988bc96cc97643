from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridethrough.gateway.correlate import BmcPolicy, Correlator, CorrelatorState, FlapPolicy, SitePolicy, UpsPolicy
from ridethrough.gateway.records import (
    ConditionClears,
    ConditionOpens,
    Event,
    Occurrence,
    Severity,
    Signal,
    encode_json,
)

POLICIES = {"UPS1": UpsPolicy(60_000, ("G1", "G2")), "UPS2": UpsPolicy(30_000)}


def said(device: str, condition: str, opens: bool, baseline: bool = False) -> Signal:
    kind = f"{condition}.{'lost' if opens else 'restored'}"
    if not condition:
        return Occurrence(kind, device, Severity.INFO, kind)
    if opens:
        return ConditionOpens(kind, device, Severity.INFO, kind, condition)
    return ConditionClears(kind, device, Severity.INFO, kind, condition, baseline=baseline)


def shown(events: list[Event]) -> list[tuple[str, str, str]]:
    return [(event.id, event.type, event.subject) for event in events]


def test_an_outage_is_confirmed_once_per_group_after_its_time_and_cleared() -> None:
    correlator = Correlator(POLICIES, "/t")
    assert shown(correlator.signals(1, 1000, [said("UPS1", "input", True)])) == [("1-0", "input.lost", "UPS1")]
    assert correlator.next_deadline_ms() == 61_000
    assert correlator.tick(2, 60_999) == []
    confirmed = correlator.tick(3, 61_000)
    assert shown(confirmed) == [
        ("3-0", "power.outage.confirmed", "UPS1"),
        ("3-1", "power.outage.confirmed", "UPS1"),
    ]
    assert [event.data["group"] for event in confirmed] == ["G1", "G2"]
    assert confirmed[0].data["evidence"]["opened_by"] == "1-0"
    assert correlator.next_deadline_ms() is None
    cleared = correlator.signals(4, 91_000, [said("UPS1", "input", False)])
    assert [event.type for event in cleared] == ["input.restored", "power.outage.cleared", "power.outage.cleared"]
    assert cleared[0].data["lasted_s"] == 90
    assert correlator.state.open["UPS1"] == {}


def test_an_outage_shorter_than_its_time_confirms_nothing() -> None:
    correlator = Correlator(POLICIES, "/t")
    correlator.signals(1, 0, [said("UPS2", "input", True)])
    assert [event.type for event in correlator.signals(2, 29_000, [said("UPS2", "input", False)])] == ["input.restored"]
    assert correlator.next_deadline_ms() is None
    assert correlator.tick(3, 10**9) == []


def test_trap_and_poll_of_one_fact_are_one_event() -> None:
    correlator = Correlator(POLICIES, "/t")
    assert len(correlator.signals(1, 0, [said("UPS1", "input", True)])) == 1
    assert correlator.signals(2, 3000, [said("UPS1", "input", True, baseline=True)]) == []
    assert correlator.next_deadline_ms() == 60_000  # the first evidence counts
    assert len(correlator.signals(3, 5000, [said("UPS1", "input", False, baseline=True)])) == 1
    assert correlator.signals(4, 5100, [said("UPS1", "input", False)]) == []


def test_a_first_reading_without_fault_says_nothing_but_a_trap_does() -> None:
    correlator = Correlator(POLICIES, "/t")
    assert correlator.signals(1, 0, [said("UPS1", "input", False, baseline=True)]) == []
    assert len(correlator.signals(2, 0, [said("UPS2", "input", False)])) == 1
    assert correlator.signals(3, 0, [said("UPS2", "input", False)]) == []


def test_events_are_cloudevents() -> None:
    (event,) = Correlator(POLICIES, "/ridethrough/t").signals(7, 1_767_225_600_123, [said("UPS1", "input", True)])
    body = msgspec.json.decode(encode_json(event))
    assert body["specversion"] == "1.0"
    assert (body["id"], body["source"], body["subject"]) == ("7-0", "/ridethrough/t", "UPS1")
    assert body["time"] == "2026-01-01T00:00:00.123Z"
    assert body["data"]["evidence"]["position"] == 7


steps = st.lists(
    st.tuples(
        st.sampled_from(["UPS1", "UPS2", "10.0.0.1"]),
        st.sampled_from(["input", "battery", "", "silence", "link"]),
        st.booleans(),
        st.booleans(),
        st.integers(0, 40_000),
        st.booleans(),
    ),
    max_size=40,
)


@given(steps, st.integers(0, 40))
def test_any_signals_in_any_order_and_a_restart_changes_nothing(
    plan: list[tuple[str, str, bool, bool, int, bool]], cut: int
) -> None:
    site = SitePolicy(
        flap=FlapPolicy(3, 100_000, 30_000), behind={"UPS1": "hub", "UPS2": "hub"}, segment_wait_ms=10_000
    )

    def run(restart_at: int | None) -> list[Event]:
        correlator = Correlator(POLICIES, "/t", site=site)
        events: list[Event] = []
        now = 0
        for position, (device, condition, opens, baseline, wait, tick) in enumerate(plan, start=1):
            if position == restart_at:
                correlator.tidy(now)
                state = msgspec.json.decode(encode_json(correlator.state), type=CorrelatorState)
                correlator = Correlator(POLICIES, "/t", state, site=site)
            now += wait
            if tick:
                events += correlator.tick(position, now)
            else:
                events += correlator.signals(position, now, [said(device, condition, opens, baseline)])
        return events

    events = run(None)
    assert events == run(cut)
    assert len({event.id for event in events}) == len(events)
    open_now: dict[tuple[str, str], bool] = {}
    for event in events:
        condition = event.data.get("condition")
        if condition == "outage" or not condition:
            continue
        if event.data.get("opens"):
            assert not open_now.get((event.subject, condition)), "opened twice"
            open_now[event.subject, condition] = True
        else:
            assert open_now.get((event.subject, condition)) is not False, "cleared twice"
            open_now[event.subject, condition] = False


def notice(incident: int, *, waits: bool = True) -> Signal:
    data = {"incident": incident, "waits": waits, "bmc_time_s": 99}
    return Occurrence("bmc.notice", "s.bmc", Severity.CRITICAL, "fault", data=data)


def step(kind: str, incident: int, **data: Any) -> Signal:
    return Occurrence(f"bmc.recovery.{kind}", "s.bmc", Severity.INFO, kind, data={"incident": incident, **data})


def waiting() -> Correlator:
    return Correlator({}, "/t", bmcs={"s.bmc": BmcPolicy(10_000, 120_000)})


def test_a_recovery_is_told_with_the_times_of_its_steps() -> None:
    correlator = waiting()
    (first,) = correlator.signals(1, 100_000, [notice(7)])
    correlator.signals(2, 105_000, [step("started", 7, granted_s=120, node="s")])
    (ended,) = correlator.signals(3, 150_000, [step("ended", 7, result="ok", action="")])
    assert ended.data["steps"] == {
        "fault": "1970-01-01T00:01:39.000Z",
        "received": "1970-01-01T00:01:40.000Z",
        "started": "1970-01-01T00:01:45.000Z",
        "ended": "1970-01-01T00:02:30.000Z",
    }
    assert ended.data["opened_by"] == first.id
    assert correlator.next_deadline_ms() is None


@pytest.mark.parametrize(("start", "due"), [(False, 111_000), (True, 226_000)])
def test_a_recovery_nobody_starts_or_ends_expires(start: bool, due: int) -> None:
    correlator = waiting()
    correlator.signals(1, 100_000, [notice(7)])
    if start:
        correlator.signals(2, 105_000, [step("started", 7, granted_s=120, node="s")])
    assert correlator.next_deadline_ms() == due
    assert correlator.tick(3, due - 1) == []
    (expired,) = correlator.tick(4, due)
    assert (expired.type, expired.data["incident"]) == ("bmc.recovery.expired", 7)
    assert ("ended" if start else "started") in expired.data["text"]
    assert correlator.tick(5, due + 1) == []


def test_what_does_not_wait_does_not_expire() -> None:
    correlator = waiting()
    correlator.signals(1, 100_000, [notice(7, waits=False)])
    assert correlator.next_deadline_ms() is None


def test_a_step_of_another_incident_changes_nothing() -> None:
    correlator = waiting()
    correlator.signals(1, 100_000, [notice(7)])
    correlator.signals(2, 101_000, [notice(8)])  # one outcome for both: the first decides when
    (event,) = correlator.signals(3, 105_000, [step("started", 9, granted_s=120, node="s")])
    assert "steps" not in event.data
    assert correlator.next_deadline_ms() == 111_000


def test_waiting_survives_a_restart_but_not_the_device() -> None:
    correlator = waiting()
    correlator.signals(1, 100_000, [notice(7)])
    kept = msgspec.json.decode(msgspec.json.encode(correlator.state), type=CorrelatorState)
    again = Correlator({}, "/t", kept, {"s.bmc": BmcPolicy(10_000, 120_000)})
    assert again.next_deadline_ms() == 111_000
    assert Correlator({}, "/t", kept, {}).next_deadline_ms() is None
