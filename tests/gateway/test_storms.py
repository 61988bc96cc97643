"""Noisy sources: held back, counted, and never in the way of the others."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ridethrough.gateway.build.stages import stage_config
from ridethrough.gateway.config.site import Site
from ridethrough.gateway.correlate import Correlator, CorrelatorState, SitePolicy, StormPolicy
from ridethrough.gateway.pipeline.stages import Stages
from ridethrough.gateway.receive import FairQueue
from ridethrough.gateway.records import Arrival, Event, Occurrence, Record, RecordKind, Severity, encode_json
from ridethrough.mibs import standard_tree
from tests.support.vectors import vector

TREE = standard_tree()


def storm(correlator: Correlator, position: int, at_ms: int, source: str, subject: str) -> Sequence[Event] | None:
    """None for what passes, else what is told of the storm."""
    admission = correlator.admit(source, position, at_ms, lambda _source: subject)
    return None if admission.admitted else admission.events


POLICY = SitePolicy(storm=StormPolicy(per_s=10, burst=5))


def at(now_ms: int, source: str) -> Arrival:
    return Arrival(now_ms, RecordKind.DATAGRAM, b"", source=source)


def test_what_goes_beyond_burst_and_rate_is_held_and_told_once() -> None:
    correlator = Correlator({}, "/t", site=POLICY)
    told = [storm(correlator, position, 1000, "10.0.0.1", "UPS1") for position in range(1, 11)]
    assert told[:5] == [None] * 5
    assert told[5] is not None
    (begun,) = told[5]
    assert (begun.id, begun.type, begun.subject, begun.data["source"]) == ("6-0", "trap.storm", "UPS1", "10.0.0.1")
    assert told[6:] == [()] * 4
    assert storm(correlator, 11, 1000, "10.0.0.2", "UPS2") is None  # another source has its own measure
    assert storm(correlator, 12, 1100, "10.0.0.1", "UPS1") is None  # one more each tenth of a second
    assert storm(correlator, 13, 1100, "10.0.0.1", "UPS1") == ()
    assert correlator.next_deadline_ms() == 11_100
    assert correlator.tick(14, 11_099) == []
    (over,) = correlator.tick(15, 11_100)
    assert (over.type, over.subject, over.data["opened_by"]) == ("trap.storm_ended", "UPS1", "6-0")
    assert (over.data["held"], over.data["first_position"], over.data["last_position"]) == (6, 6, 13)
    assert correlator.next_deadline_ms() is None


KINDS = st.sampled_from([vector("net-snmp-trap-v2c"), vector("net-snmp-inform-v2c"), b"no message"])
SENT = st.tuples(
    st.sampled_from(["10.0.0.1", "10.0.0.2"]), st.sampled_from([0, 0, 0, 100, 20_000]), KINDS, st.integers(1, 8)
)


@given(st.lists(SENT, max_size=12))
def test_what_is_held_back_together_is_what_is_held_back_one_by_one(
    sent: list[tuple[str, int, bytes, int]],
) -> None:
    site = Site.model_validate({"correlate": {"storms": {"per_s": 10, "burst": 3}}})
    records: list[Record] = []
    now_ms = 1_000
    for source, later_ms, data, count in sent:
        now_ms += later_ms
        arrival = Arrival(now_ms, RecordKind.DATAGRAM, data, "127.0.0.1:162", source, 999)
        records += [Record(len(records) + 1 + number, arrival) for number in range(count)]
    single, together = Stages(stage_config(site), TREE), Stages(stage_config(site), TREE)
    alone = [single.process((record,)) for record in records]
    assert all(one.count == 1 for one in alone)
    found: list[tuple[list[Event], bytes | None, bool]] = []
    while len(found) < len(records):
        one = together.process(records, len(found))
        found += [(list(one.events), one.ack, one.suppressed)] * one.count
    assert found == [(list(one.events), one.ack, one.suppressed) for one in alone]
    assert together.dump_state(now_ms) == single.dump_state(now_ms)


def test_a_clock_set_back_silences_nobody() -> None:
    correlator = Correlator({}, "/t", site=POLICY)
    for position in range(1, 6):
        assert storm(correlator, position, 10_000_000, "10.0.0.1", "x") is None
    assert storm(correlator, 6, 1000, "10.0.0.1", "x") is None


def test_without_a_policy_everything_passes() -> None:
    correlator = Correlator({}, "/t")
    assert all(storm(correlator, position, 0, "10.0.0.1", "x") is None for position in range(1, 10_000))


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 300), st.booleans()), max_size=120), st.integers(0, 120)
)
def test_a_restart_changes_no_decision(plan: list[tuple[str, int, bool]], cut: int) -> None:
    def run(restart_at: int | None) -> list[Sequence[Event] | None]:
        correlator = Correlator({}, "/t", site=POLICY)
        now, said = 0, list[Sequence[Event] | None]()
        for position, (source, wait, tick) in enumerate(plan, start=1):
            if position == restart_at:
                correlator.tidy(now)
                state = msgspec.json.decode(encode_json(correlator.state), type=CorrelatorState)
                correlator = Correlator({}, "/t", state, site=POLICY)
            now += wait
            said.append(correlator.tick(position, now) if tick else storm(correlator, position, now, source, source))
        return said

    whole = run(None)
    assert whole == run(cut)
    # What passed within any second is never more than the burst and a second's share.
    times: dict[str, list[int]] = {}
    now = 0
    for (source, wait, tick), answer in zip(plan, whole, strict=True):
        now += wait
        if not tick and answer is None:
            times.setdefault(source, []).append(now)
    for passed in times.values():
        for first in passed:
            assert sum(first <= one < first + 1000 for one in passed) <= 5 + 10


def test_the_same_refusal_is_told_once_and_then_with_its_count() -> None:
    correlator = Correlator({}, "/t")
    signal = Occurrence("security.refused", "10.0.0.9", Severity.WARNING, "no", repeat="community")
    assert len(correlator.signals(1, 0, [signal])) == 1
    assert correlator.signals(2, 1000, [signal, signal]) == []
    other = msgspec.structs.replace(signal, repeat="wrong_digests")
    assert len(correlator.signals(3, 1000, [other])) == 1
    (again,) = correlator.signals(4, 600_000, [signal])
    assert again.data["more_since_last_told"] == 2


def test_refusals_of_any_number_of_sources_are_bounded() -> None:
    correlator = Correlator({}, "/t")
    events = 0
    for number in range(5000):
        signal = Occurrence("security.refused", f"10.{number}", Severity.WARNING, "no", repeat="community")
        events += len(correlator.signals(number + 1, 0, [signal]))
    assert events == 1001
    assert len(correlator.state.repeats) == 1001


def test_sources_take_turns_and_keep_their_order() -> None:
    queue = FairQueue()
    queue.extend(at(number, "noisy") for number in range(1000))
    queue.extend([at(1, "quiet"), at(2, "quiet")])
    first = queue.take(10)
    assert [item.at_ms for item in first if item.source == "quiet"] == [1, 2]
    assert [item.at_ms for item in first if item.source == "noisy"] == list(range(8))
    assert len(queue) == 992
    queue.put_back(first)
    assert len(queue) == 1002
    assert [item.at_ms for item in queue.take(2000) if item.source == "noisy"] == list(range(1000))
    assert len(queue) == 0
    assert queue.take(10) == []


@given(st.lists(st.one_of(st.integers(1, 20), st.tuples(st.sampled_from("abcd"), st.integers(1, 30)))))
def test_nothing_is_lost_or_doubled_in_the_queue(plan: list[int | tuple[str, int]]) -> None:
    queue = FairQueue()
    put: list[Arrival] = []
    taken: list[Arrival] = []
    for step in plan:
        if isinstance(step, int):
            got = queue.take(step)
            assert len(got) == min(step, len(put) - len(taken))
            taken += got
        else:
            new = [at(len(put) + number, step[0]) for number in range(step[1])]
            put += new
            queue.extend(new)
    taken += queue.take(len(put))
    for source in "abcd":
        assert [item for item in taken if item.source == source] == [item for item in put if item.source == source]
