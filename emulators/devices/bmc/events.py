"""The way of an event: into the log, past the filters, to the destinations, and to the chassis or its hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ridethrough.emulators.bindings.chassis import Action, RestartCause
from ridethrough.emulators.devices.bmc import pef
from ridethrough.emulators.devices.bmc.alerts import Alerts
from ridethrough.emulators.devices.bmc.lan import CHANNEL
from ridethrough.emulators.devices.bmc.pef import Event, Pef
from ridethrough.emulators.devices.bmc.pet import composed
from ridethrough.emulators.devices.bmc.recovery_hold import Incident, Order
from ridethrough.emulators.devices.bmc.sel import ALMOST_FULL, FULL, EventLog
from ridethrough.emulators.kernel.instant import Instant, after
from ridethrough.wire.sdr import THRESHOLD, Sensor
from ridethrough.wire.sel import SelRecord

if TYPE_CHECKING:
    from ridethrough.emulators.devices.bmc.model import Bmc

NO_DATA = 0xFF
PEF_ACTION_OFFSET = 4  # of the system event sensor: "PEF action about to be taken"
CAUSES = {Action.HARD_RESET: RestartCause.PEF_RESET, Action.POWER_CYCLE: RestartCause.PEF_CYCLE}


class Eventing:
    """Log, filters and alerts of one controller."""

    def __init__(self, bmc: Bmc, capacity: int, destinations: int) -> None:
        self._bmc = bmc
        self.log = EventLog(capacity)
        self.pef = Pef.alerting(destinations, CHANNEL)
        self.alerts = Alerts()
        self.sequence = 0  # number of the last event that was told

    def record(
        self,
        sensor: Sensor,
        event_data: tuple[int, int, int],
        now: Instant,
        *,
        deasserted: bool = False,
        lasting: bool = True,
        action: Order | None = None,
    ) -> None:
        """Log an event of ours and let the filters judge it; `action` comes on top of theirs.

        A state that is not `lasting` is not shown afterwards.
        """
        offset = event_data[0] & 0x0F
        if sensor.event_type != THRESHOLD and lasting:
            bit, states = 1 << offset, self._bmc.bank.states
            states[sensor.number] = states[sensor.number] & ~bit | (0 if deasserted else bit)
        if not self._bmc.bank.enabled(sensor.number, offset, deasserted=deasserted):
            return
        event = Event(sensor.sensor_type, sensor.number, sensor.event_type, event_data)
        self.take(event, now, deasserted=deasserted, action=action)

    def take(self, event: Event, now: Instant, *, deasserted: bool = False, action: Order | None = None) -> int | None:
        """Log an event from anywhere, then filter it: the record can be read before the trap leaves."""
        self._bmc.at(now)
        generator = event.generator[0] | event.generator[1] << 8
        record = SelRecord(
            0,
            self._bmc.clock_s(),
            generator,
            event.sensor_type,
            event.sensor_number,
            deasserted,
            event.event_type,
            bytes(event.event_data),
        )
        record_id = self.log.add(record, self._bmc.clock_s())
        self.pef.last_controller = self.log.last_id
        verdict = self.pef.judge(event)
        number = 0
        if self._delayed(pef.CONTROL_ALERT_DELAY, self.pef.alert_delay_s, now):
            verdict = verdict._replace(policies=frozenset())
        if self._delayed(pef.CONTROL_DELAY, self.pef.startup_delay_s, now):
            verdict = verdict._replace(action=None)
        if verdict.policies:
            severity = pef.OK if deasserted else verdict.severity
            number = self._tell(event, verdict.policies, severity, now, deasserted=deasserted)
        if not deasserted:
            order = action
            if order is None and verdict.action is not None:
                order = Order(verdict.action, CAUSES.get(verdict.action, RestartCause.UNKNOWN))
            if order is not None:
                self._act_or_hold(event, order, number, verdict.severity, record_id or 0, now)
        self.look_at_log(now)
        return record_id

    def look_at_log(self, now: Instant) -> None:
        """Tell when the log is nearly full, and when it is: once each, until it is emptied."""
        sensor = self._bmc.bank.of_type(pef.LOG)
        if sensor is None:
            return
        for offset, holds in ((ALMOST_FULL, self.log.almost_full), (FULL, not self.log.free)):
            if holds and not self._bmc.bank.states[sensor.number] >> offset & 1:
                self.record(sensor, (offset, NO_DATA, NO_DATA), now)

    def _delayed(self, bit: int, seconds: int, now: Instant) -> bool:
        """Whether filtering still rests after a start of the controller (table 30-6, parameters 1, 3 and 4)."""
        return bool(self.pef.control & bit) and now < after(self._bmc.started, seconds)

    def _act_or_hold(
        self, event: Event, order: Order, number: int, severity: int, record_id: int, now: Instant
    ) -> None:
        if not self._bmc.link.on or pef.never_held(event) or not self._bmc.host.value.powered:
            self.act(order, now)
            return
        number = number or self._next_number()
        offset = event.event_data[0] & 0x0F
        self._bmc.link.detect(Incident(number, record_id, event.sensor_number, offset, severity, order), now)

    def log_cleared(self) -> None:
        """Somebody emptied the log: whatever said that it was full no longer holds."""
        sensor = self._bmc.bank.of_type(pef.LOG)
        if sensor is not None:
            self._bmc.bank.states[sensor.number] = 0

    def test_alert(self, selector: int, event: Event) -> None:
        """Alert one destination, whatever the filters say."""
        self.alert(selector, event, pef.INFORMATION, self._next_number(), self._bmc.now, deasserted=False)

    def _next_number(self) -> int:
        self.sequence = self.sequence % 0xFFFF + 1
        return self.sequence

    def _tell(self, event: Event, policies: frozenset[int], severity: int, now: Instant, *, deasserted: bool) -> int:
        """Tell the destinations of some policies; the number of the event."""
        number = self._next_number()
        if self._bmc.lan.alerting:
            for selector in self.pef.destinations(policies, CHANNEL):
                self.alert(selector, event, severity, number, now, deasserted=deasserted)
        return number

    def alert(self, selector: int, event: Event, severity: int, number: int, now: Instant, *, deasserted: bool) -> None:
        """Send a trap to one destination, if there is one."""
        if selector >= len(self._bmc.lan.destinations) or not self._bmc.on_air:
            return
        told, trap = composed(self._bmc, event, severity, number, now, deasserted=deasserted)
        self.alerts.send(selector, self._bmc.lan.destinations[selector], self._bmc.lan.community, told, trap, now)

    def act(self, order: Order | None, now: Instant) -> None:
        """Do to the chassis what a filter or the watchdog asked for, and say so first."""
        if order is None:
            return
        sensor = self._bmc.bank.of_type(pef.SYSTEM)
        if order.cause is not RestartCause.WATCHDOG and sensor is not None and self.pef.control & pef.CONTROL_LOG:
            bits = next(bit for bit, action in pef.CHASSIS if action is order.action)
            self.record(sensor, (0x40 | PEF_ACTION_OFFSET, bits | pef.ALERT, NO_DATA), now, lasting=False)
        self._bmc.command_chassis(order.action, order.cause)
