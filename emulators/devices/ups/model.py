"""The physics and the state of a UPS. Everything a client sees is a view of this."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from emulators.bindings.snmp import UsmUser
from emulators.devices.ups.battery import Battery
from emulators.devices.ups.card import Card
from emulators.devices.ups.diagnostics import Diagnostics, Kind, Outcome, SelfTestResult
from emulators.devices.ups.inputs import inputs_of
from emulators.devices.ups.line import Avr, FailCause, LineMonitor
from emulators.devices.ups.orders import (
    BYPASS,
    CALIBRATE,
    CANCEL_CALIBRATION,
    EXHAUSTED,
    SELF_TEST,
    SIMULATE_FAILURE,
    SWITCH_OFF,
    SWITCH_ON,
    Order,
    Return,
    Status,
    Trap,
    When,
)
from emulators.devices.ups.profile import AccessRow, Profile
from emulators.devices.ups.settings import Settings
from emulators.kernel.instant import START, Instant, after, soonest, ticks_between
from emulators.kernel.power import DEAD, Inlet, Outlet, Supply
from emulators.kernel.world import Port
from wire.snmp import ErrorStatus


class Ups:
    """Input on `inlet`, loads on the outlets, the network on `card`."""

    kind = "ups"

    def __init__(
        self,
        name: str,
        profile: Profile,
        address: str,
        access: tuple[AccessRow, ...] = (),
        receivers: tuple[tuple[str, str], ...] = (),
        settings: dict[str, int] | None = None,
        users: tuple[UsmUser, ...] = (),
    ) -> None:
        """`receivers` are (address, community); `settings` object names to values in the object's unit."""
        self.name = name
        self.profile: Profile = profile
        self.inlet: Inlet = Inlet(f"{name}.inlet")
        # Switched on in peace: until its wire says otherwise, the line is good.
        self.inlet.supply.value = Supply(float(profile.rating.volts), float(profile.rating.hertz))
        self.outlets: list[Outlet] = []
        self.settings: Settings = Settings(profile)
        for label, value in (settings or {}).items():
            self.settings.preset(label, value)
        self.line: LineMonitor = LineMonitor(profile)
        self.diagnostics: Diagnostics = Diagnostics(profile)
        self.battery: Battery = Battery(profile)
        self.link_up: bool = True
        self._order: Order | None = None  # being carried out
        self._grace_until: Instant | None = None
        self._off = False
        self._sleep_until: Instant | None = None
        self._wake_at: Instant | None = None
        self._outage_told = False
        self._avr_told = Avr.NONE
        self.overloaded: bool = False
        self.card: Card = Card(self, address, access or profile.access, receivers, users)
        self.inputs = inputs_of(self)
        self._now: Instant = START

    # --- what the outside sees ------------------------------------------------------------------------------

    @property
    def address(self) -> str:
        return self.card.address

    def outlet(self, consumer: str) -> Outlet:
        """A new socket for `consumer`."""
        outlet = Outlet(f"{self.name}.{consumer}")
        outlet.supply.value = self.output
        self.outlets.append(outlet)
        return outlet

    @property
    def load_w(self) -> float:
        return sum(outlet.demand_w.value for outlet in self.outlets) if self.output_on else 0.0

    @property
    def load(self) -> float:
        """Share of the rating."""
        return self.load_w / self.profile.rating.watts

    @property
    def output_on(self) -> bool:
        return not self._off

    @property
    def on_battery(self) -> bool:
        """Whether the battery feeds the outlets now."""
        return not self._off and (not self.line.good or self.diagnostics.active)

    @property
    def in_outage(self) -> bool:
        """On battery because the line failed, or seemed to."""
        pretended = self.diagnostics.running is Kind.SIMULATED_FAILURE
        return not self._off and (not self.line.good or pretended)

    @property
    def status(self) -> Status:
        if not self.link_up:
            return Status.UNKNOWN
        if self._off:
            order = self._order
            if order is None:
                return Status.OFF
            slept_out = order.status is Status.TIMED_SLEEPING and self._sleep_until is None and self._wake_at is None
            return Status.SLEEPING_UNTIL_POWER_RETURN if slept_out else order.status
        return Status.ON_BATTERY if self.on_battery else AVR_STATUS[self.line.avr]

    @property
    def output(self) -> Supply:
        if self._off:
            return DEAD
        rating = self.profile.rating
        return Supply(float(rating.volts), float(rating.hertz)) if self.on_battery else self.line.regulated

    def runtime_s(self, now: Instant) -> float:
        """How long the battery would carry the present load."""
        return self.battery.runtime_s(self.load, now)

    @property
    def in_grace(self) -> bool:
        """Whether an order to switch off is waiting for the shutoff delay."""
        return self._grace_until is not None

    def ticks_on_battery(self, now: Instant) -> int:
        since = self.line.lost_since
        return ticks_between(since, now) if since is not None and self.on_battery else 0

    def memory(self) -> dict[str, Any]:
        """What managers set, as JSON."""
        return {"settings": self.settings.memory(), "card": self.card.memory()}

    def recall(self, memory: dict[str, Any]) -> None:
        """Take up what `memory` returned in an earlier life. Raises KeyError, TypeError and ValueError."""
        for name, value in memory["settings"].items():
            self.settings.preset(name, value)
        self.card.recall(memory["card"])

    # --- orders ---------------------------------------------------------------------------------------------

    def judge(self, control: str, value: int) -> ErrorStatus:
        """Whether the order would be taken now."""
        if control == BYPASS and value != 1:
            return ErrorStatus.WRONG_VALUE
        order = SWITCH_OFF.get((control, value))
        if order is None or order.refusal is None or self._applies(order.when):
            return ErrorStatus.NO_ERROR
        return order.refusal

    def obey(self, control: str, value: int, now: Instant) -> None:
        """Carry out an order; one that does not apply now has no effect."""
        if (order := SWITCH_OFF.get((control, value))) is not None:
            if self._applies(order.when) and not (self._off and order.returns is not Return.NEVER):
                self._begin(order, now)
        elif (control, value) in TESTS:
            self._test(TESTS[control, value], now)
        elif (control, value) == CANCEL_CALIBRATION and self.diagnostics.running is Kind.CALIBRATION:
            self._abort_test(now)
        elif (delayed := SWITCH_ON.get((control, value))) is not None and self._off:
            wait = self.settings["upsAdvConfigReturnDelay"] / 100 if delayed else 0
            self._sleep_until = None
            self._wake_at = after(now, wait)
            if not wait:
                self.switch_on(now)

    def _test(self, kind: Kind, now: Instant) -> None:
        on_line = self.output_on and self.line.good and not self.diagnostics.active
        if self.diagnostics.start(kind, now, self.battery.charge.at(now), on_line=on_line):
            self.line.tested()
            if kind is Kind.CALIBRATION:
                self.card.send(Trap.CALIBRATION_START, now)

    def _scheduled_test(self) -> Instant | None:
        return self.diagnostics.scheduled(self.settings["upsAdvTestDiagnosticSchedule"])

    def _abort_test(self, now: Instant) -> None:
        if self.diagnostics.abort():
            self.card.send(Trap.CALIBRATION_END, now)

    def _end_tests(self, now: Instant) -> None:
        charge = self.battery.charge.at(now)
        match self.diagnostics.advance(now, charge, self.card.clock(now)[0].decode()):
            case Outcome.PASSED:
                self.card.send(Trap.DIAGNOSTICS_PASSED, now)
            case Outcome.FAILED:
                self.card.send(Trap.DIAGNOSTICS_FAILED, now)
                self.card.send(Trap.REPLACE_BATTERY, now)
            case Outcome.CALIBRATED:
                self.card.send(Trap.CALIBRATION_END, now)

    @property
    def replace_battery(self) -> bool:
        """The indicator: set by a failed test, until the battery is exchanged."""
        return self.diagnostics.battery_bad and self.diagnostics.result is SelfTestResult.FAILED

    def _applies(self, when: When) -> bool:
        match when:
            case When.ON_BATTERY:
                return self.on_battery
            case When.OUTPUT_ON:
                return self.output_on
            case When.OUTPUT_OFF:
                return not self.output_on
            case When.ANY:
                return True

    def _begin(self, order: Order, now: Instant) -> None:
        self._order = order
        delay = self.settings["upsAdvConfigShutoffDelay"] / 100 if order.grace else 0
        self._grace_until = after(now, delay)
        if not delay:
            self._turn_off(now)

    def _turn_off(self, now: Instant) -> None:
        order = self._order or EXHAUSTED
        self._grace_until = None
        self._off = True
        self._wake_at = None
        self._sleep_until = None
        if order.returns is Return.SLEEP:
            self._sleep_until = after(now, self.settings["upsAdvConfigUpsSleepTime"] / 100)
        self.card.send(order.off_trap, now)

    def switch_on(self, now: Instant) -> None:
        """Outlets on, by order, by button or by themselves."""
        trap = self._order.on_trap if self._order else Trap.TURNED_ON
        self._off = False
        self._order = None
        self._wake_at = self._sleep_until = self._grace_until = None
        self.card.send(trap, now)

    # --- time -----------------------------------------------------------------------------------------------

    def advance(self, now: Instant) -> None:
        self._now = now
        self.settings.advance(now)
        self.line.advance(now)
        self.card.advance(now)
        self._end_tests(now)
        due = self._scheduled_test()
        if due is not None and due <= now:
            self._test(Kind.SELF_TEST, now)
        if self._grace_until is not None and self._grace_until <= now:
            self._turn_off(now)
        if self._sleep_until is not None and self._sleep_until <= now:
            self._sleep_until = None
        if self._wake_at is not None and self._wake_at <= now:
            self.switch_on(now)

    def react(self, now: Instant) -> None:
        self._now = now
        self.line.observe(self.inlet.supply.value, self._window(), now)
        if self.diagnostics.active and (not self.line.good or self._off):
            self._abort_test(now)
        self._update_battery(now)
        self._update_return(now)
        self._tell_line(now)
        output = self.output
        for outlet in self.outlets:
            outlet.supply.value = output
        self._update_battery(now)
        self.inlet.demand_w.value = self.load_w if self.line.good and not self.on_battery else 0.0

    def _window(self) -> tuple[int, int]:
        return self.settings["upsAdvConfigLowTransferVolt"], self.settings["upsAdvConfigHighTransferVolt"]

    def _low_s(self) -> float:
        return self.settings["upsAdvConfigLowBatteryRunTime"] / 100

    def _update_battery(self, now: Instant) -> None:
        discharging, charging = self.on_battery, self.line.good and not self.on_battery
        self.battery.flow(now, self.load, discharging=discharging, charging=charging)
        if discharging and self.battery.charge.at(now) <= 0:
            self._order = EXHAUSTED
            self._turn_off(now)
        if self.battery.judge(now, self.load, self._low_s(), discharging=self.on_battery, charging=charging):
            self.card.send(Trap.LOW_BATTERY if self.battery.low else Trap.RETURN_FROM_LOW_BATTERY, now)

    def _update_return(self, now: Instant) -> None:
        """Input good, then charge enough, then the return delay, then on."""
        order = self._order
        if not self._off or order is None or order.returns is Return.NEVER:
            return
        ready = self.line.good and self._sleep_until is None and self.battery.charge.at(now) >= self._return_charge()
        if ready and self._wake_at is None:
            delay_s = self.settings["upsAdvConfigReturnDelay"] / 100
            self._wake_at = after(now, delay_s)
            if not delay_s:
                self.switch_on(now)
        elif not ready:
            self._wake_at = None

    def _return_charge(self) -> float:
        return self.settings["upsAdvConfigMinReturnCapacity"] / 100

    def _tell_line(self, now: Instant) -> None:
        avr = Avr.NONE if self._off else self.line.avr
        if avr is not self._avr_told:
            for trap in (AVR_ENDS.get(self._avr_told), AVR_BEGINS.get(avr)):
                if trap is not None:
                    self.card.send(trap, now)
            self._avr_told = avr
        if (self.load > 1) is not self.overloaded:
            self.overloaded = not self.overloaded
            self.card.send(Trap.OVERLOAD if self.overloaded else Trap.OVERLOAD_CLEARED, now)
        if self.in_outage and not self._outage_told:
            self._outage_told = True
            self.card.send(Trap.ON_BATTERY, now)
        elif self._outage_told and not self.in_outage and self.output_on:
            self._outage_told = False
            self.card.send(Trap.POWER_RESTORED, now)

    def next_deadline(self) -> Instant | None:
        now = self._now
        levels: list[float] = []
        if self.on_battery:
            calibrated = self.diagnostics.calibration_level
            levels = [0.0] if calibrated is None else [0.0, calibrated]
        elif self._off:
            levels = [self._return_charge()]
        return soonest(
            self._grace_until,
            self._sleep_until,
            self._wake_at,
            self.settings.next_deadline(),
            self.line.next_deadline(),
            self.card.next_deadline(),
            self.diagnostics.due,
            self._scheduled_test(),
            *self.battery.deadlines(now, self.load, self._low_s(), levels),
        )

    def ports(self) -> Iterable[Port[Any]]:
        return [self.inlet.demand_w, *(outlet.supply for outlet in self.outlets)]

    def snapshot(self, now: Instant) -> dict[str, Any]:
        return {
            "state": STATE_WORDS[self.status],
            "output": "on" if self.output_on else "off",
            "input_volts": self.inlet.supply.value.volts,
            "output_volts": self.output.volts,
            "load_percent": round(100 * self.load, 1),
            "load_w": self.load_w,
            "charge_percent": round(100 * self.battery.charge.at(now), 1),
            "runtime_s": round(self.runtime_s(now)),
            "battery_low": self.battery.low,
            "fail_cause": FailCause(self.line.cause).name.lower(),
            "off_in_s": (self._grace_until - now) / 1000 if self._grace_until is not None else None,
        }


AVR_STATUS = {Avr.NONE: Status.ON_LINE, Avr.BOOST: Status.ON_SMART_BOOST, Avr.TRIM: Status.ON_SMART_TRIM}
AVR_BEGINS = {Avr.BOOST: Trap.BOOST_ON, Avr.TRIM: Trap.TRIM_ON}
AVR_ENDS = {Avr.BOOST: Trap.BOOST_OFF, Avr.TRIM: Trap.TRIM_OFF}
TESTS = {SELF_TEST: Kind.SELF_TEST, SIMULATE_FAILURE: Kind.SIMULATED_FAILURE, CALIBRATE: Kind.CALIBRATION}
STATE_WORDS: dict[Status, str] = {
    Status.ON_SMART_BOOST: "boosting",
    Status.ON_SMART_TRIM: "trimming",
    Status.UNKNOWN: "unknown",
    Status.ON_LINE: "on-line",
    Status.ON_BATTERY: "on-battery",
    Status.TIMED_SLEEPING: "sleeping",
    Status.OFF: "off",
    Status.REBOOTING: "rebooting",
    Status.SLEEPING_UNTIL_POWER_RETURN: "waiting-for-power",
}
