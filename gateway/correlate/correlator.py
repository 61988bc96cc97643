"""Conditions of devices: an event when one opens and when it clears, none for what only repeats it.

Pure: signals and instants in, events out. Deadlines are reported, and fire only when a `tick` says so, so that a
replay of the journal, which holds the ticks too, gives the same events. What has a state of its own (outages,
recoveries, storms, flapping, segments, repeats) is a module beside this one; its state is part of `CorrelatorState`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ridethrough.gateway.correlate.batch import EventBatch
from ridethrough.gateway.correlate.flaps import Disposition, Flap, FlapPolicy, Flaps, SuppressedChange
from ridethrough.gateway.correlate.outages import Outages, UpsPolicy
from ridethrough.gateway.correlate.recoveries import STARTED, BmcPolicy, Recoveries, times
from ridethrough.gateway.correlate.repeats import RepeatLimiter
from ridethrough.gateway.correlate.segments import Segments
from ridethrough.gateway.correlate.state import CorrelatorState, Open
from ridethrough.gateway.correlate.storms import StormPolicy, Storms
from ridethrough.gateway.records import (
    ConditionChange,
    ConditionClears,
    ConditionOpens,
    Event,
    Occurrence,
    Severity,
    Signal,
)
from ridethrough.gateway.vocabulary import Condition, EventType

# Plain texts: a member of an enumeration costs a look-up each time, here where every signal passes.
SEGMENT: Final = Condition.SEGMENT.value
SILENCE: Final = Condition.SILENCE.value
EXPIRED: Final = EventType.RECOVERY_EXPIRED.value
FLAPPING: Final = EventType.CONDITION_FLAPPING.value
SETTLED: Final = EventType.CONDITION_SETTLED.value
STORM: Final = EventType.TRAP_STORM.value
STORM_ENDED: Final = EventType.TRAP_STORM_ENDED.value
SEGMENT_LOST: Final = EventType.SEGMENT_LOST.value
SEGMENT_RESTORED: Final = EventType.SEGMENT_RESTORED.value


class SitePolicy(NamedTuple):
    """Policies of all devices of a site. `behind` maps each device to its segment."""

    storm: StormPolicy | None = None
    flap: FlapPolicy | None = None
    behind: Mapping[str, str] = {}
    segment_wait_ms: int = 10_000


DEFAULT_POLICY = SitePolicy()


class Admission(NamedTuple):
    """The decision on a datagram: to be read, or only kept in the journal, with the event that says so."""

    admitted: bool
    events: Sequence[Event] = ()


ADMITTED: Final = Admission(admitted=True)
SUPPRESSED: Final = Admission(admitted=False)  # with nothing to say


class Correlator:
    """Turns signals into events. `state` is all it remembers: to be read at any time, and changed by nobody else."""

    def __init__(
        self,
        policies: Mapping[str, UpsPolicy],
        source: str,
        state: CorrelatorState | None = None,
        bmcs: Mapping[str, BmcPolicy] | None = None,
        site: SitePolicy = DEFAULT_POLICY,
    ) -> None:
        self.state = state or CorrelatorState()
        self._outages = Outages(policies, self.state)
        self._recoveries = Recoveries(self.state.held, bmcs or {})
        self._flaps = Flaps(site.flap, self.state.flaps)
        self._segments = Segments(site.behind, site.segment_wait_ms, self.state.segments)
        self._storms = Storms(site.storm, self.state.storm)
        self._repeats = RepeatLimiter(self.state.repeats)
        self._source = source

    def next_deadline_ms(self) -> int | None:
        """Unix time at which `tick` is to be called; None while nothing waits."""
        held = (item.expires_ms for item in self.state.held.values())
        others = (self._flaps.deadline_ms(), self._segments.deadline_ms(), self._storms.deadline_ms())
        return min(
            (*self._outages.deadlines_ms(), *held, *(other for other in others if other is not None)), default=None
        )

    def admit(self, source: str, position: int, at_ms: int, subject: Callable[[str], str]) -> Admission:
        """Decide on a datagram of `source`; `subject` gives the subject of the event that a storm begins with."""
        if self._storms.within_rate(source, at_ms):
            return ADMITTED
        if self._storms.suppress(source, 1, position, at_ms):
            return SUPPRESSED
        batch = EventBatch(self._source, position, at_ms)
        text = f"{source} sends faster than the site allows; the journal keeps what is not told"
        device = subject(source)
        event_id = batch.append(STORM, device, Severity.WARNING, text, {"source": source, "opens": True}, {})
        self._storms.begin(source, device, event_id, position, at_ms)
        return Admission(admitted=False, events=batch.events)

    def suppress(self, source: str, count: int, position: int, at_ms: int) -> None:
        """Suppress `count` more datagrams of a storm, up to `position`, of the instant of the one before."""
        self._storms.suppress(source, count, position, at_ms)

    def signals(self, position: int, at_ms: int, signals: Sequence[Signal]) -> list[Event]:
        """Return the events that follow from the signals of the record at `position`, received at `at_ms`."""
        batch = EventBatch(self._source, position, at_ms)
        for signal in signals:
            if isinstance(signal, Occurrence):
                self._happen(batch, signal)
            elif isinstance(signal, ConditionOpens):
                self._open(batch, signal)
            else:
                self._clear(batch, signal)
        return batch.events

    def tick(self, position: int, at_ms: int) -> list[Event]:
        """Return the events of the deadlines up to `at_ms`."""
        batch = EventBatch(self._source, position, at_ms)
        self._outages.due(batch)
        for device, expired in self._recoveries.expired(at_ms):
            missing = "ended" if STARTED in expired.steps else "started"
            text = f"no recovery of incident {expired.incident} {missing} in time"
            data: dict[str, Any] = {"incident": expired.incident, "steps": times(expired.steps)}
            data["opened_by"] = expired.event_id
            batch.append(EXPIRED, device, Severity.WARNING, text, data, {})
        for device, silent in self._segments.due(at_ms):
            known = self.state.open[device][SILENCE]
            data = {"condition": SILENCE, "opens": True, "waited_s": (at_ms - known.since_ms) / 1000}
            known.event_id = batch.append(silent.type, device, Severity(silent.severity), silent.text, data, {})
        for device, condition, flap in self._flaps.settled(at_ms):
            self._settle(batch, device, condition, flap)
        for source, storm in self._storms.over(at_ms):
            text = f"the storm from {source} is over; {storm.held} datagrams were kept and not told"
            data = {"source": source, "clears": True, "opened_by": storm.event_id, "held": storm.held}
            data |= {"first_position": storm.first, "last_position": storm.last}
            data["lasted_s"] = (storm.last_ms - storm.since_ms) / 1000
            batch.append(STORM_ENDED, storm.subject, Severity.INFO, text, data, {})
        return batch.events

    def tidy(self, at_ms: int) -> None:
        """Forget what can change no event any more. To be called before `state` is stored."""
        self._storms.forget(at_ms)
        self._flaps.tidy(at_ms)

    def _happen(self, batch: EventBatch, signal: Occurrence) -> None:
        data = {**signal.data, **self._recoveries.annotate(signal, batch.at_ms)}
        if signal.repeat:
            more = self._repeats.admit(f"{signal.type} {signal.device} {signal.repeat}", batch.at_ms)
            if more is None:
                return
            if more:
                data["more_since_last_told"] = more
        event_id = batch.append(signal.type, signal.device, signal.severity, signal.text, data, signal.evidence)
        self._recoveries.track(signal, event_id, batch.at_ms)

    def _open(self, batch: EventBatch, signal: ConditionOpens) -> None:
        device, condition = signal.device, signal.condition
        known = self.state.open.setdefault(device, {})
        if condition in known:
            known[condition].said += 1
            return  # the same fact said again
        opened = known[condition] = Open(batch.at_ms, "", signal.type, signal.text, signal.severity)
        clear = self.state.clear.get(device, [])
        if condition in clear:
            clear.remove(condition)
        event_id = self._append_change(batch, signal, {**signal.data, "condition": condition, "opens": True})
        opened.event_id = event_id or opened.event_id
        self._outages.opened(batch, device, condition)

    def _clear(self, batch: EventBatch, signal: ConditionClears) -> None:
        device, condition = signal.device, signal.condition
        opened = self.state.open.get(device, {}).pop(condition, None)
        clear = self.state.clear.setdefault(device, [])
        unknown = opened is None and condition not in clear
        if condition not in clear:
            clear.append(condition)
        if opened is None and (not unknown or signal.baseline):
            return  # said before, or a first reading that shows nothing wrong
        data: dict[str, Any] = {**signal.data, "condition": condition, "clears": True}
        if opened is None:
            batch.append(signal.type, device, signal.severity, signal.text, data, signal.evidence)
        else:
            data |= {"opened_by": opened.event_id, "lasted_s": (batch.at_ms - opened.since_ms) / 1000}
            self._append_change(batch, signal, data)
        self._outages.cleared(batch, device, condition)

    def _append_change(self, batch: EventBatch, signal: ConditionChange, data: Mapping[str, Any]) -> str:
        """Append the event of a change, or the one that takes its place, or none. The identifier of its own event."""
        device, condition = signal.device, signal.condition
        change = SuppressedChange(signal.type, signal.severity, signal.text)
        opens = isinstance(signal, ConditionOpens)
        disposition = self._flaps.change(device, condition, batch.at_ms, change, opens=opens)
        if disposition is Disposition.SUPPRESS_FROM_NOW:
            text = f"{condition} of {device} comes and goes; its changes are held back until it settles"
            batch.append(FLAPPING, device, Severity.WARNING, text, {"flapping": condition}, signal.evidence)
        if disposition is not Disposition.EMIT:
            return ""
        segment = self._segments.of(device) if condition == SILENCE else ""
        if segment and isinstance(signal, ConditionOpens):
            self._device_silent(batch, signal, segment)
            return ""
        if segment and (lost_by := self._segments.lost_by(segment)):
            self._restore_segment(batch, device, segment, lost_by)
            return ""
        if segment and self._segments.withdraw(device):
            return ""  # its silence was not announced
        return batch.append(signal.type, device, signal.severity, signal.text, data, signal.evidence)

    def _settle(self, batch: EventBatch, device: str, condition: str, flap: Flap) -> None:
        opened = self.state.open.get(device, {}).get(condition)
        text = f"{condition} of {device} has settled"
        data: dict[str, Any] = {"flapping": condition, "open": opened is not None, "changes": flap.changes}
        batch.append(SETTLED, device, Severity.INFO, text, data, {})
        if flap.held is None or (opened is not None) == flap.told_open:
            return
        data = {"condition": condition, "opens" if opened else "clears": True, "held_back": True}
        event_id = batch.append(flap.held.type, device, Severity(flap.held.severity), flap.held.text, data, {})
        if opened is not None:
            opened.event_id = event_id

    def _device_silent(self, batch: EventBatch, signal: ConditionOpens, segment: str) -> None:
        """Append the loss of a segment when all of it is silent now; until then the device's own event is delayed."""
        silent = [name for name in self._segments.members(segment) if SILENCE in self.state.open.get(name, {})]
        if self._segments.lost_by(segment) or len(silent) < len(self._segments.members(segment)):
            self._segments.delay(signal.device, batch.at_ms, signal.type, signal.severity, signal.text)
            return
        text = f"nothing behind {segment} answers: {', '.join(silent)}"
        data = {"devices": silent, "condition": SEGMENT, "opens": True}
        event_id = batch.append(SEGMENT_LOST, segment, Severity.CRITICAL, text, data, signal.evidence)
        self._segments.mark_lost(segment, event_id)
        for name in silent:
            known = self.state.open[name][SILENCE]
            known.event_id = known.event_id or event_id

    def _restore_segment(self, batch: EventBatch, device: str, segment: str, lost_by: str) -> None:
        """Append the return of a segment that `lost_by` had announced as lost, of which one device answers again."""
        self._segments.mark_restored(segment)
        text = f"{device} behind {segment} answers again"
        data = {"condition": SEGMENT, "clears": True, "opened_by": lost_by}
        batch.append(SEGMENT_RESTORED, segment, Severity.INFO, text, data, {})
        for name in self._segments.members(segment):
            known = self.state.open.get(name, {}).get(SILENCE)
            if known is not None and known.event_id == lost_by:  # still silent: perhaps for a reason of its own
                self._segments.delay(name, batch.at_ms, known.type, known.severity, known.text)
