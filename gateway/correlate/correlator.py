"""Conditions with memory, and the outage that must last to be believed.

Pure: signals and instants in, events out. Deadlines are reported, and fire only when a `tick` says so, so that a
replay of the journal, which holds the ticks too, gives the same events. What has a memory of its own (recoveries,
storms, flapping, segments, repeats) is a module beside this one; its memory is part of `State`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ridethrough.gateway.correlate.batch import EventBatch
from ridethrough.gateway.correlate.flaps import Disposition, Flap, FlapPolicy, Flaps, SuppressedChange
from ridethrough.gateway.correlate.memory import Open, State
from ridethrough.gateway.correlate.recoveries import STARTED, BmcPolicy, Recoveries, times
from ridethrough.gateway.correlate.repeats import RepeatLimiter
from ridethrough.gateway.correlate.segments import Segments
from ridethrough.gateway.correlate.storms import StormPolicy, Storms
from ridethrough.gateway.records import Event, Severity, Signal
from ridethrough.gateway.vocabulary import Condition, EventType

# Plain texts: a member of an enumeration costs a look-up each time, here where every signal passes.
INPUT: Final = Condition.INPUT.value
OUTAGE: Final = Condition.OUTAGE.value
SILENCE: Final = Condition.SILENCE.value
LINK: Final = Condition.LINK.value
COMMUNICATION: Final = Condition.COMMUNICATION.value
CONFIRMED: Final = EventType.OUTAGE_CONFIRMED.value
CLEARED: Final = EventType.OUTAGE_CLEARED.value
EXPIRED: Final = EventType.RECOVERY_EXPIRED.value
COMMUNICATION_LOST: Final = EventType.COMMUNICATION_LOST.value
COMMUNICATION_RESTORED: Final = EventType.COMMUNICATION_RESTORED.value
FLAPPING: Final = EventType.CONDITION_FLAPPING.value
SETTLED: Final = EventType.CONDITION_SETTLED.value
STORM: Final = EventType.TRAP_STORM.value
STORM_ENDED: Final = EventType.TRAP_STORM_ENDED.value
SEGMENT_LOST: Final = EventType.SEGMENT_LOST.value
SEGMENT_RESTORED: Final = EventType.SEGMENT_RESTORED.value


class UpsPolicy(NamedTuple):
    """Confirmation time of a UPS and the power-control groups that hang on it.

    `silence_ms` without word of the UPS during an outage is a loss of communication (requirements N1 and N2), at which
    the servers go on (`shutdown` false: policy 0) or are shut down (policy 1).
    """

    confirm_ms: int
    groups: tuple[str, ...] = ()
    silence_ms: int = 50_000
    shutdown: bool = False


class SitePolicy(NamedTuple):
    """What holds for all devices. `behind` says which segment each hangs on."""

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
    """One for the gateway. `state` may be read at any time and is never shared."""

    def __init__(
        self,
        policies: Mapping[str, UpsPolicy],
        source: str,
        state: State | None = None,
        bmcs: Mapping[str, BmcPolicy] | None = None,
        site: SitePolicy = DEFAULT_POLICY,
    ) -> None:
        self.state = state or State()
        self._policies = policies
        self._recoveries = Recoveries(self.state.held, bmcs or {})
        self._flaps = Flaps(site.flap, self.state.flaps)
        self._segments = Segments(site.behind, site.segment_wait_ms, self.state.segments)
        self._storms = Storms(site.storm, self.state.storm)
        self._repeats = RepeatLimiter(self.state.repeats)
        # A UPS that has left the site since the state was kept is confirmed no more.
        for deadlines in (self.state.confirm_at_ms, self.state.unheard_at_ms):
            for device in set(deadlines) - set(policies):
                del deadlines[device]
        self._source = source

    def next_deadline_ms(self) -> int | None:
        """Unix time at which `tick` is due."""
        held = (item.expires_ms for item in self.state.held.values())
        own = (*self.state.confirm_at_ms.values(), *self.state.unheard_at_ms.values(), *held)
        others = (self._flaps.deadline_ms(), self._segments.deadline_ms(), self._storms.deadline_ms())
        return min((*own, *(other for other in others if other is not None)), default=None)

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
        """Events that follow from the signals of one journal record."""
        batch = EventBatch(self._source, position, at_ms)
        for signal in signals:
            if not signal.condition:
                self._happen(batch, signal)
            elif signal.opens:
                self._open(batch, signal)
            else:
                self._clear(batch, signal)
        return batch.events

    def tick(self, position: int, at_ms: int) -> list[Event]:
        """Events of the deadlines up to `at_ms`."""
        batch = EventBatch(self._source, position, at_ms)
        for device in _due(self.state.confirm_at_ms, at_ms):
            self._confirm(batch, device)
        for device in _due(self.state.unheard_at_ms, at_ms):
            self._lose_communication(batch, device)
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
        """Let go of memory that changes nothing any more, before it is kept."""
        self._storms.forget(at_ms)
        self._flaps.tidy(at_ms)

    # --- what happens -----------------------------------------------------------------------------------------

    def _happen(self, batch: EventBatch, signal: Signal) -> None:
        data = {**signal.data, **self._recoveries.annotate(signal, batch.at_ms)}
        if signal.repeat:
            more = self._repeats.admit(f"{signal.type} {signal.device} {signal.repeat}", batch.at_ms)
            if more is None:
                return
            if more:
                data["more_since_last_told"] = more
        event_id = batch.append(signal.type, signal.device, signal.severity, signal.text, data, signal.evidence)
        self._recoveries.track(signal, event_id, batch.at_ms)

    # --- what is ----------------------------------------------------------------------------------------------

    def _open(self, batch: EventBatch, signal: Signal) -> None:
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
        policy = self._policies.get(device)
        if policy is None:
            return
        if condition == INPUT:
            self.state.confirm_at_ms[device] = batch.at_ms + policy.confirm_ms
        elif condition == LINK:
            self.state.unheard_at_ms[device] = batch.at_ms + policy.silence_ms
        elif condition == SILENCE:
            self._lose_communication(batch, device)

    def _clear(self, batch: EventBatch, signal: Signal) -> None:
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
        if condition == INPUT:
            self.state.confirm_at_ms.pop(device, None)
            self._end_outage(batch, device)
        elif condition == LINK:
            self.state.unheard_at_ms.pop(device, None)
        if condition in (SILENCE, LINK):
            self._regain_communication(batch, device)

    def _append_change(self, batch: EventBatch, signal: Signal, data: Mapping[str, Any]) -> str:
        """Append the event of a change, or the one that takes its place, or none. The identifier of its own event."""
        device, condition = signal.device, signal.condition
        change = SuppressedChange(signal.type, signal.severity, signal.text)
        disposition = self._flaps.change(device, condition, batch.at_ms, change, opens=signal.opens)
        if disposition is Disposition.SUPPRESS_FROM_NOW:
            text = f"{condition} of {device} comes and goes; its changes are held back until it settles"
            batch.append(FLAPPING, device, Severity.WARNING, text, {"flapping": condition}, signal.evidence)
        if disposition is not Disposition.EMIT:
            return ""
        segment = self._segments.of(device) if condition == SILENCE else ""
        if segment and signal.opens:
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

    # --- segments ---------------------------------------------------------------------------------------------

    def _device_silent(self, batch: EventBatch, signal: Signal, segment: str) -> None:
        """Append the loss of a segment when all of it is silent now; until then the device's own event is delayed."""
        silent = [name for name in self._segments.members(segment) if SILENCE in self.state.open.get(name, {})]
        if self._segments.lost_by(segment) or len(silent) < len(self._segments.members(segment)):
            self._segments.delay(signal.device, batch.at_ms, signal.type, signal.severity, signal.text)
            return
        text = f"nothing behind {segment} answers: {', '.join(silent)}"
        data = {"devices": silent, "condition": "segment", "opens": True}
        event_id = batch.append(SEGMENT_LOST, segment, Severity.CRITICAL, text, data, signal.evidence)
        self._segments.mark_lost(segment, event_id)
        for name in silent:
            known = self.state.open[name][SILENCE]
            known.event_id = known.event_id or event_id

    def _restore_segment(self, batch: EventBatch, device: str, segment: str, lost_by: str) -> None:
        """Append the return of a segment that `lost_by` had announced as lost, of which one device answers again."""
        self._segments.mark_restored(segment)
        text = f"{device} behind {segment} answers again"
        data = {"condition": "segment", "clears": True, "opened_by": lost_by}
        batch.append(SEGMENT_RESTORED, segment, Severity.INFO, text, data, {})
        for name in self._segments.members(segment):
            known = self.state.open.get(name, {}).get(SILENCE)
            if known is not None and known.event_id == lost_by:  # still silent: perhaps for a reason of its own
                self._segments.delay(name, batch.at_ms, known.type, known.severity, known.text)

    # --- outages ----------------------------------------------------------------------------------------------

    def _lose_communication(self, batch: EventBatch, device: str) -> None:
        """Nothing is heard of a UPS in an outage (requirements 5.6, N1); without an outage it says nothing (N3)."""
        policy, known = self._policies[device], self.state.open.get(device, {})
        if INPUT not in known or COMMUNICATION in known:
            return
        text = f"nothing is heard of {device}, whose input power is lost: "
        text += "its servers are to be shut down" if policy.shutdown else "its servers go on"
        severity = Severity.CRITICAL if policy.shutdown else Severity.WARNING
        data = {"policy": "shutdown" if policy.shutdown else "continue", "condition": COMMUNICATION, "opens": True}
        event_id = self._for_groups(batch, COMMUNICATION_LOST, device, severity, text, data)
        known[COMMUNICATION] = Open(batch.at_ms, event_id, COMMUNICATION_LOST, text, severity)

    def _regain_communication(self, batch: EventBatch, device: str) -> None:
        known = self.state.open.get(device, {})
        if COMMUNICATION not in known or SILENCE in known or LINK in known:
            return
        self._end(batch, device, COMMUNICATION, COMMUNICATION_RESTORED, f"{device} is heard again")

    def _confirm(self, batch: EventBatch, device: str) -> None:
        policy = self._policies[device]
        lost = self.state.open[device][INPUT]
        text = f"input power of {device} has been lost for {policy.confirm_ms / 1000:g} s"
        data = {"condition": OUTAGE, "opens": True, "confirm_s": policy.confirm_ms / 1000}
        evidence = {"opened_by": lost.event_id}
        event_id = self._for_groups(batch, CONFIRMED, device, Severity.CRITICAL, text, data, evidence)
        self.state.open[device][OUTAGE] = Open(batch.at_ms, event_id, CONFIRMED, text, Severity.CRITICAL)

    def _end_outage(self, batch: EventBatch, device: str) -> None:
        self._end(batch, device, OUTAGE, CLEARED, f"the outage of {device} is over")

    def _end(self, batch: EventBatch, device: str, condition: str, event_type: str, text: str) -> None:
        opened = self.state.open.get(device, {}).pop(condition, None)
        if opened is None or device not in self._policies:
            return
        data: dict[str, Any] = {"condition": condition, "clears": True, "opened_by": opened.event_id}
        data["lasted_s"] = (batch.at_ms - opened.since_ms) / 1000
        self._for_groups(batch, event_type, device, Severity.INFO, text, data)

    def _for_groups(
        self,
        batch: EventBatch,
        event_type: str,
        device: str,
        severity: Severity,
        text: str,
        data: Mapping[str, Any],
        evidence: Mapping[str, Any] = {},
    ) -> str:
        """One event for each power-control group of a UPS; the identifier of the last."""
        event_id = ""
        for group in self._policies[device].groups or ("",):
            event_id = batch.append(event_type, device, severity, text, {"group": group or None, **data}, evidence)
        return event_id


def _due(deadlines: dict[str, int], at_ms: int) -> list[str]:
    """The devices whose deadline has come, in the order of the deadlines, which are forgotten here."""
    due = [
        device
        for deadline, device in sorted((deadline, device) for device, deadline in deadlines.items())
        if deadline <= at_ms
    ]
    for device in due:
        del deadlines[device]
    return due
