"""The path of an event: into the log, past the filters, to the destinations, and to the chassis or its hold.

The order is that of IPMI 2.0 section 17: the record is in the log before a trap reports it, and the trap has left
before anything is done to the chassis. Whatever brings an event here (a sensor, an injected fault, a command) begins
with `raise_event` or `log_event`.
"""

from __future__ import annotations

from typing import Protocol

from ridethrough.emulators.bindings.chassis import ChassisControl, RestartCause
from ridethrough.emulators.devices.bmc import pef
from ridethrough.emulators.devices.bmc.alerts import Alerts
from ridethrough.emulators.devices.bmc.lan import CHANNEL, Lan
from ridethrough.emulators.devices.bmc.pef import Pef, PlatformEvent
from ridethrough.emulators.devices.bmc.pet import PetSource, build_pet
from ridethrough.emulators.devices.bmc.recovery_hold import ChassisAction, Incident, RecoveryHold
from ridethrough.emulators.devices.bmc.sel import ALMOST_FULL, FULL, EventLog
from ridethrough.emulators.devices.bmc.sensors import SensorBank
from ridethrough.emulators.kernel.instant import Instant, after
from ridethrough.wire.sdr import THRESHOLD, Sensor
from ridethrough.wire.sel import SelRecord

NO_DATA = 0xFF
PEF_ACTION_OFFSET = 4  # of the system event sensor: "PEF action about to be taken"
CAUSES = {ChassisControl.HARD_RESET: RestartCause.PEF_RESET, ChassisControl.POWER_CYCLE: RestartCause.PEF_CYCLE}


class EventHost(Protocol):
    """The controller as the event path needs it."""

    sensors: SensorBank
    lan: Lan
    hold: RecoveryHold
    now: Instant
    """The instant of the datagram or deadline being handled."""

    @property
    def started(self) -> Instant:
        """The instant at which the controller started last."""

    @property
    def reachable(self) -> bool:
        """True while anything can leave the controller."""

    @property
    def host_powered(self) -> bool:
        """True while the server is on."""

    @property
    def pet_source(self) -> PetSource:
        """The sender that traps name."""

    def clock_s(self) -> int:
        """Unix time by the controller's own clock."""

    def mark_changed(self, now: Instant) -> None:
        """Say that something changes at `now`."""

    def command_chassis(self, action: ChassisControl, cause: RestartCause) -> None:
        """Order the server to do something."""


class EventPath:
    """Log, filters and alerts of one controller."""

    def __init__(self, host: EventHost, capacity: int, destinations: int) -> None:
        """`capacity` is of the log, in records; the factory's policy names so many `destinations`."""
        self._host = host
        self.log = EventLog(capacity)
        self.pef = Pef.alerting(destinations, CHANNEL)
        self.alerts = Alerts()
        self.sequence = 0  # number of the last event that was alerted or held

    def raise_event(
        self,
        sensor: Sensor,
        event_data: tuple[int, int, int],
        now: Instant,
        *,
        deasserted: bool = False,
        lasting: bool = True,
        action: ChassisAction | None = None,
    ) -> None:
        """Let a sensor of the controller's own raise an event; `action` comes on top of what the filters ask for.

        A state that is not `lasting` is not shown afterwards. Nothing is logged where the event is disabled.
        """
        offset = event_data[0] & 0x0F
        sensors = self._host.sensors
        if sensor.event_type != THRESHOLD and lasting:
            bit, states = 1 << offset, sensors.states
            states[sensor.number] = states[sensor.number] & ~bit | (0 if deasserted else bit)
        if not sensors.enabled(sensor.number, offset, deasserted=deasserted):
            return
        event = PlatformEvent(sensor.sensor_type, sensor.number, sensor.event_type, event_data)
        self.log_event(event, now, deasserted=deasserted, action=action)

    def log_event(
        self, event: PlatformEvent, now: Instant, *, deasserted: bool = False, action: ChassisAction | None = None
    ) -> int | None:
        """Log an event, filter it, alert and act on it. The record's number; None when the log is full."""
        self._host.mark_changed(now)
        clock_s = self._host.clock_s()
        record = SelRecord(
            0,
            clock_s,
            event.generator[0] | event.generator[1] << 8,
            event.sensor_type,
            event.sensor_number,
            deasserted,
            event.event_type,
            bytes(event.event_data),
        )
        record_id = self.log.add(record, clock_s)
        self.pef.last_controller = self.log.last_id
        verdict = self.pef.judge(event)
        number = 0
        if self._delayed(pef.CONTROL_ALERT_DELAY, self.pef.alert_delay_s, now):
            verdict = verdict._replace(policies=frozenset())
        if self._delayed(pef.CONTROL_DELAY, self.pef.startup_delay_s, now):
            verdict = verdict._replace(action=None)
        if verdict.policies:
            severity = pef.OK if deasserted else verdict.severity
            number = self._alert_policies(event, verdict.policies, severity, now, deasserted=deasserted)
        if not deasserted:
            wanted = action
            if wanted is None and verdict.action is not None:
                wanted = ChassisAction(verdict.action, CAUSES.get(verdict.action, RestartCause.UNKNOWN))
            if wanted is not None:
                self._act_or_hold(event, wanted, number, verdict.severity, record_id or 0, now)
        self.check_log_space(now)
        return record_id

    def check_log_space(self, now: Instant) -> None:
        """Raise an event when the log is nearly full, and when it is: once each, until it is emptied."""
        sensor = self._host.sensors.of_type(pef.LOG)
        if sensor is None:
            return
        for offset, holds in ((ALMOST_FULL, self.log.almost_full), (FULL, not self.log.free)):
            if holds and not self._host.sensors.states[sensor.number] >> offset & 1:
                self.raise_event(sensor, (offset, NO_DATA, NO_DATA), now)

    def clear_log(self) -> None:
        """Empty the log; whatever said that it was full no longer holds."""
        self.log.clear(self._host.clock_s())
        sensor = self._host.sensors.of_type(pef.LOG)
        if sensor is not None:
            self._host.sensors.states[sensor.number] = 0

    def test_alert(self, selector: int, event: PlatformEvent) -> None:
        """Alert one destination, whatever the filters say (section 30.7)."""
        self._alert(selector, event, pef.INFORMATION, self._next_number(), self._host.now, deasserted=False)

    def carry_out(self, action: ChassisAction | None, now: Instant) -> None:
        """Do to the chassis what a filter or the watchdog asked for, after the event that says so; None is nothing."""
        if action is None:
            return
        sensor = self._host.sensors.of_type(pef.SYSTEM)
        if action.cause is not RestartCause.WATCHDOG and sensor is not None and self.pef.control & pef.CONTROL_LOG:
            bits = next(bit for bit, known in pef.CHASSIS if known is action.action)
            self.raise_event(sensor, (0x40 | PEF_ACTION_OFFSET, bits | pef.ALERT, NO_DATA), now, lasting=False)
        self._host.command_chassis(action.action, action.cause)

    def _delayed(self, bit: int, seconds: int, now: Instant) -> bool:
        """True while filtering still rests after a start of the controller (table 30-6, parameters 1, 3 and 4)."""
        return bool(self.pef.control & bit) and now < after(self._host.started, seconds)

    def _act_or_hold(
        self, event: PlatformEvent, action: ChassisAction, number: int, severity: int, record_id: int, now: Instant
    ) -> None:
        if not self._host.hold.on or pef.never_held(event) or not self._host.host_powered:
            self.carry_out(action, now)
            return
        number = number or self._next_number()
        offset = event.event_data[0] & 0x0F
        self._host.hold.detect(Incident(number, record_id, event.sensor_number, offset, severity, action), now)

    def _next_number(self) -> int:
        self.sequence = self.sequence % 0xFFFF + 1
        return self.sequence

    def _alert_policies(
        self, event: PlatformEvent, policies: frozenset[int], severity: int, now: Instant, *, deasserted: bool
    ) -> int:
        """Alert the destinations of some policies. The sequence number of the event."""
        number = self._next_number()
        if self._host.lan.alerting:
            for selector in self.pef.destinations(policies, CHANNEL):
                self._alert(selector, event, severity, number, now, deasserted=deasserted)
        return number

    def _alert(
        self, selector: int, event: PlatformEvent, severity: int, number: int, now: Instant, *, deasserted: bool
    ) -> None:
        """Send a trap to one destination, if there is one and the controller is on the network."""
        host, lan = self._host, self._host.lan
        if selector >= len(lan.destinations) or not host.reachable:
            return
        source = host.pet_source
        source = source._replace(guid=self.pef.own_guid or source.guid)
        sensor = host.sensors.by_number.get(event.sensor_number)
        pet, trap = build_pet(source, event, sensor, severity, number, host.clock_s(), now, deasserted=deasserted)
        self.alerts.send(selector, lan.destinations[selector], lan.community, pet, trap, now)
