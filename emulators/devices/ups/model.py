"""The physics and the state of a UPS. Everything a client sees is a view of this."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ridethrough.emulators.bindings.snmp import UsmUser
from ridethrough.emulators.devices.ups.battery import Battery
from ridethrough.emulators.devices.ups.bypass import BEGINS, Bypass
from ridethrough.emulators.devices.ups.card.card import Card, Receiver
from ridethrough.emulators.devices.ups.conditions import Condition, News
from ridethrough.emulators.devices.ups.controls import (
    BYPASS,
    CALIBRATE,
    CANCEL_CALIBRATION,
    INTO_BYPASS,
    OUT_OF_BYPASS,
    SELF_TEST,
    SIMULATE_FAILURE,
    SWITCH_OFF,
    SWITCH_ON,
    Status,
    When,
)
from ridethrough.emulators.devices.ups.diagnostics import Diagnostics, Kind, Outcome
from ridethrough.emulators.devices.ups.faults import TROUBLES, Effect
from ridethrough.emulators.devices.ups.inputs import inputs_of
from ridethrough.emulators.devices.ups.line import Avr, FailCause, LineMonitor
from ridethrough.emulators.devices.ups.panel import lamps
from ridethrough.emulators.devices.ups.profile import AccessRow, Profile
from ridethrough.emulators.devices.ups.settings import Settings
from ridethrough.emulators.devices.ups.switching import Switching
from ridethrough.emulators.devices.ups.traps import Trap
from ridethrough.emulators.kernel.instant import START, Instant, soonest, ticks_between
from ridethrough.emulators.kernel.power import DEAD, Inlet, Outlet, Supply
from ridethrough.emulators.kernel.world import Port
from ridethrough.wire.snmp import ErrorStatus


class Ups:
    """Input on `inlet`, loads on the outlets, the network on `card`."""

    kind = "ups"

    def __init__(
        self,
        name: str,
        profile: Profile,
        address: str,
        access: tuple[AccessRow, ...] = (),
        receivers: tuple[Receiver, ...] = (),
        settings: dict[str, int] | None = None,
        users: tuple[UsmUser, ...] = (),
    ) -> None:
        """`settings` maps object names to values in the object's unit."""
        self.name = name
        self.profile: Profile = profile
        self.inlet: Inlet = Inlet(name, "inlet")
        # Switched on in peace: until its wire says otherwise, the line is good.
        self.inlet.supply.value = Supply(float(profile.rating.volts), float(profile.rating.hertz))
        self.outlets: list[tuple[Outlet, int | None]] = []  # with the group that each belongs to
        self.settings: Settings = Settings(profile)
        for label, value in (settings or {}).items():
            self.settings.preset(label, value)
        self.line: LineMonitor = LineMonitor(profile)
        self.diagnostics: Diagnostics = Diagnostics(profile)
        self.battery: Battery = Battery(profile)
        self.bypass: Bypass = Bypass.NONE
        self.troubles: set[str] = set()
        self.abnormal_marked: set[int] = set()  # positions that no trouble accounts for
        self.link_up: bool = True
        self.news: News = News(self)
        self._now: Instant = START
        self.card: Card = Card(self, address, access or profile.access, receivers, users)
        self.switching: Switching = Switching(profile, self.settings, self._clients_s, self.card.send)
        self.inputs = inputs_of(self)

    # --- what the outside sees ------------------------------------------------------------------------------

    @property
    def address(self) -> str:
        return self.card.address

    def outlet(self, consumer: str, group: int | None = None) -> Outlet:
        """A new socket for `consumer`, in an outlet group or in none."""
        outlet = Outlet(self.name, consumer)
        outlet.supply.value = self._supply(group)
        self.outlets.append((outlet, group))
        return outlet

    @property
    def load_w(self) -> float:
        return sum(outlet.demand_w.value for outlet, group in self.outlets if self._supply(group).live)

    @property
    def load(self) -> float:
        """Share of the rating."""
        return self.load_w / self.profile.rating.watts

    @property
    def output_on(self) -> bool:
        return not self.switching.off

    def suffers(self, effect: Effect) -> bool:
        """Whether a trouble has this effect now."""
        return any(TROUBLES[word].effect is effect for word in self.troubles)

    @property
    def on_battery(self) -> bool:
        """Whether the battery feeds the outlets now."""
        if self.switching.off or self.bypass:
            return False
        return not self.line.good or self.diagnostics.active or self.suffers(Effect.ON_BATTERY)

    @property
    def in_outage(self) -> bool:
        """On battery because the line failed, or seemed to."""
        pretended = self.diagnostics.running is Kind.SIMULATED_FAILURE
        return self.on_battery and (not self.line.good or pretended)

    @property
    def in_grace(self) -> bool:
        """Whether an order to switch off is waiting for the shutoff delay."""
        return self.switching.grace_until is not None

    @property
    def status(self) -> Status:
        if not self.link_up:
            return Status.UNKNOWN
        if self.switching.off:
            return self.switching.status
        if self.bypass:
            return Status(int(self.bypass))
        return Status.ON_BATTERY if self.on_battery else AVR_STATUS[self.line.avr]

    @property
    def output(self) -> Supply:
        if self.switching.off:
            return DEAD
        if self.bypass:
            return self.line.supply
        rated = Supply(float(self.settings["upsAdvConfigRatedOutputVoltage"]), float(self.profile.rating.hertz))
        return rated if self.on_battery else self.line.regulated

    def _supply(self, group: int | None) -> Supply:
        return self.output if self.card.groups.feeds(group) else DEAD

    def runtime_s(self, now: Instant) -> float:
        """How long the battery would carry the present load."""
        return 0.0 if self.suffers(Effect.NO_BATTERY) else self.battery.runtime_s(self.load, now)

    def ticks_on_battery(self, now: Instant) -> int:
        since = self.line.lost_since
        return ticks_between(since, now) if since is not None and self.on_battery else 0

    @property
    def overloaded(self) -> bool:
        return Condition.OVERLOADED in self.news.conditions

    @property
    def discharged(self) -> bool:
        """Too empty to carry the load through another failure, though on line."""
        return Condition.DISCHARGED in self.news.conditions

    @property
    def too_warm(self) -> bool:
        """Battery temperature at its limit or above."""
        return Condition.TOO_WARM in self.news.conditions

    @property
    def replace_battery(self) -> bool:
        """The indicator: set by a failed test or by age, until the battery is exchanged."""
        return Condition.REPLACE in self.news.conditions

    @property
    def abnormal(self) -> set[int]:
        """Positions that are set in upsAdvStateAbnormalConditions."""
        return self.abnormal_marked | {TROUBLES[word].abnormal for word in self.troubles} - {0}

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
        if control == BYPASS and value != 1 and not self.profile.bypass:
            return ErrorStatus.WRONG_VALUE
        order = SWITCH_OFF.get((control, value))
        if order is None or order.refusal is None or self._applies(order.when):
            return ErrorStatus.NO_ERROR
        return order.refusal

    def obey(self, control: str, value: int, now: Instant) -> None:
        """Carry out an order; one that does not apply now has no effect."""
        if (order := SWITCH_OFF.get((control, value))) is not None:
            if self._applies(order.when):
                self.switching.begin(order, now)
        elif (control, value) in TESTS:
            self.test(TESTS[control, value], now)
        elif (control, value) == CANCEL_CALIBRATION and self.diagnostics.running is Kind.CALIBRATION:
            self.abort_test(now)
        elif control == BYPASS and value == INTO_BYPASS and self.output_on and not self.bypass:
            self.enter_bypass(Bypass.SOFTWARE, now)
        elif control == BYPASS and value == OUT_OF_BYPASS and self.bypass is Bypass.SOFTWARE:
            self.leave_bypass(now)
        elif (delayed := SWITCH_ON.get((control, value))) is not None and self.switching.off:
            self.switching.turn_on(now, self.switching.return_delay_s if delayed else 0)

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

    def _clients_s(self) -> float:
        margin_s = self.profile.card.clients_margin_s
        return self.low_s + margin_s if margin_s is not None else self.card.number("upsAdvConfigMaxShutdownTime.0") * 60

    def test(self, kind: Kind, now: Instant) -> None:
        """Begin a test of the battery, if it can run now."""
        on_line = self.output_on and self.line.good and not self.on_battery and not self.bypass
        if self.diagnostics.start(kind, now, self.battery.charge.at(now), on_line=on_line):
            self.line.tested()
            if kind is Kind.CALIBRATION:
                self.card.send(Trap.CALIBRATION_START, now)

    def abort_test(self, now: Instant) -> None:
        """End the test under way without a result."""
        if self.diagnostics.abort(now):
            self.card.send(Trap.CALIBRATION_END, now)

    def _scheduled_test(self) -> Instant | None:
        return self.diagnostics.scheduled(self.settings["upsAdvTestDiagnosticSchedule"])

    def _end_tests(self, now: Instant) -> None:
        charge = self.battery.charge.at(now)
        match self.diagnostics.advance(now, charge, self.card.clock.date(now)):
            case Outcome.PASSED:
                self.card.send(Trap.DIAGNOSTICS_PASSED, now)
            case Outcome.FAILED:
                self.card.send(Trap.DIAGNOSTICS_FAILED, now)
            case Outcome.CALIBRATED:
                self.card.send(Trap.CALIBRATION_END, now)

    def enter_bypass(self, bypass: Bypass, now: Instant) -> None:
        """Feed the load from the bare line."""
        if bypass is not self.bypass:
            self.abort_test(now)
            self.bypass = bypass
            self.card.send(BEGINS[bypass], now)

    def leave_bypass(self, now: Instant) -> None:
        """Feed the load through the UPS again."""
        if self.bypass:
            self.bypass = Bypass.NONE
            self.card.send(Trap.RETURN_FROM_BYPASS, now)

    # --- time -----------------------------------------------------------------------------------------------

    def advance(self, now: Instant) -> None:
        self._now = now
        self.settings.advance(now)
        self.line.advance(now)
        self.card.advance(now)
        self._end_tests(now)
        due = self._scheduled_test()
        if due is not None and due <= now:
            self.test(Kind.SELF_TEST, now)
        self.switching.advance(now)

    def react(self, now: Instant) -> None:
        self._now = now
        self.line.observe(
            self.inlet.supply.value,
            self._window(),
            now,
            sensitivity=self.settings["upsAdvConfigSensitivity"],
            regulates=not self.suffers(Effect.NO_REGULATION),
        )
        if self.suffers(Effect.OUTPUT_OFF) and self.output_on:
            self.switching.order = None
            self.switching.turn_off(now)
        if self.bypass is Bypass.SOFTWARE and not self.line.good:
            self.leave_bypass(now)
        if self.diagnostics.active and (not self.line.good or self.switching.off):
            self.abort_test(now)
        self._update_battery(now)
        self.switching.update_return(now, line_good=self.line.good, charge=self.battery.charge.at(now))
        self.news.tell(now)
        for outlet, group in self.outlets:
            outlet.supply.value = self._supply(group)
        self._update_battery(now)
        self.card.environment.judge(now)
        if self.card.alarms.update(self, self.card.uptime_ticks(now)):
            self.card.refresh()
        self.inlet.demand_w.value = self.load_w if self.line.good and not self.on_battery else 0.0

    def _window(self) -> tuple[int, int]:
        return self.settings["upsAdvConfigLowTransferVolt"], self.settings["upsAdvConfigHighTransferVolt"]

    @property
    def low_s(self) -> float:
        return self.settings["upsAdvConfigLowBatteryRunTime"] / 100

    def _update_battery(self, now: Instant) -> None:
        discharging = self.on_battery
        charging = self.line.good and not discharging and not self.suffers(Effect.NO_CHARGING)
        self.battery.flow(now, self.load, discharging=discharging, charging=charging)
        if discharging and self.runtime_s(now) <= 0:
            self.switching.exhaust(now)
        if self.battery.judge(now, self.load, self.low_s, discharging=self.on_battery, charging=charging):
            self.card.send(Trap.LOW_BATTERY if self.battery.low else Trap.RETURN_FROM_LOW_BATTERY, now)

    def next_deadline(self) -> Instant | None:
        now = self._now
        levels: list[float] = []
        if self.on_battery:
            calibrated = self.diagnostics.calibration_level
            levels = [0.0] if calibrated is None else [0.0, calibrated]
        elif self.switching.off:
            levels = [self.switching.return_charge]
        return soonest(
            self.switching.grace_until,
            self.switching.sleep_until,
            self.switching.wake_at,
            self.settings.next_deadline(),
            self.line.next_deadline(),
            *self.card.deadlines(),
            self.diagnostics.due,
            self._scheduled_test(),
            *self.battery.deadlines(now, self.load, self.low_s, levels),
        )

    def ports(self) -> Iterable[Port[Any]]:
        return [self.inlet.demand_w, *(outlet.supply for outlet, _ in self.outlets)]

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
            "battery_celsius": round(self.battery.celsius.at(now), 1),
            "fail_cause": FailCause(self.line.cause).name.lower(),
            "off_in_s": self.switching.off_in_s(now),
            "troubles": sorted(self.troubles),
            "lamps": lamps(self),
        }


AVR_STATUS = {Avr.NONE: Status.ON_LINE, Avr.BOOST: Status.ON_SMART_BOOST, Avr.TRIM: Status.ON_SMART_TRIM}
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
    Status.SOFTWARE_BYPASS: "bypass",
    Status.SWITCHED_BYPASS: "bypass",
    Status.HARDWARE_BYPASS: "bypass",
}
