"""The power path of a UPS: input, battery, inverter, bypass and outlets.

Nothing here knows the network card or SNMP: both show this state, and call the model with what a user wants. The world
asks twice. `advance` does what is due at an instant (a delay is over, a test ends). `react` looks at the input and
follows it: first the line is judged, then what it ends (software bypass, a test), then the battery, then the return of
the outlets, then the conditions and their traps, and at last the outlets, whose loads the battery then feels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ridethrough.emulators.devices.ups.battery import Battery
from ridethrough.emulators.devices.ups.bypass import BYPASS_TRAPS, Bypass
from ridethrough.emulators.devices.ups.conditions import ConditionMonitor, Facts, LastingCondition
from ridethrough.emulators.devices.ups.diagnostics import Diagnostics, SelfTestResult, TestKind
from ridethrough.emulators.devices.ups.faults import FAULTS, Effect
from ridethrough.emulators.devices.ups.line import Avr, LineMonitor
from ridethrough.emulators.devices.ups.outlet_groups import GroupDelays, OutletGroups
from ridethrough.emulators.devices.ups.profile import Profile
from ridethrough.emulators.devices.ups.settings import Settings
from ridethrough.emulators.devices.ups.shutdown_modes import OutputStatus, Precondition, ShutdownMode
from ridethrough.emulators.devices.ups.switching import Switching
from ridethrough.emulators.devices.ups.traps import Notify, Trap
from ridethrough.emulators.kernel.instant import START, Instant, soonest
from ridethrough.emulators.kernel.power import DEAD, Inlet, Outlet, Supply

AVR_STATUS = {
    Avr.NONE: OutputStatus.ON_LINE,
    Avr.BOOST: OutputStatus.ON_SMART_BOOST,
    Avr.TRIM: OutputStatus.ON_SMART_TRIM,
}


class Callbacks(NamedTuple):
    """The ways out of the model: traps to send, and values that are kept elsewhere."""

    notify: Notify
    shutdown_time_s: Callable[[], float]
    """The time that the slowest PowerChute client needs to shut down."""
    date: Callable[[Instant], str]
    """The date with which tests are marked."""
    group_delays: Callable[[int], GroupDelays]


class Ups:
    """Input on `inlet`, loads on `outlets`. `settings` are first values, by object name and in the object's unit."""

    def __init__(self, name: str, profile: Profile, callbacks: Callbacks, settings: dict[str, int]) -> None:
        self.name = name
        self.profile: Profile = profile
        self._callbacks = callbacks
        self._notify = callbacks.notify
        self.inlet: Inlet = Inlet(name, "inlet")
        # Switched on in peace: until its wire says otherwise, the line is good.
        self.inlet.supply.value = Supply(float(profile.rating.volts), float(profile.rating.hertz))
        self.outlets: list[tuple[Outlet, int | None]] = []  # with the group that each belongs to
        self.settings: Settings = Settings(profile)
        for label, value in settings.items():
            self.settings.preset(label, value)
        self.line: LineMonitor = LineMonitor(profile)
        self.diagnostics: Diagnostics = Diagnostics(profile)
        self.battery: Battery = Battery(profile)
        self.bypass: Bypass = Bypass.NONE
        self.faults: set[str] = set()
        self.abnormal_marked: set[int] = set()  # positions that no fault accounts for
        self.link_up: bool = True  # the serial link to the card
        self.conditions = ConditionMonitor()
        self.outlet_groups = OutletGroups(profile.outlet_groups, callbacks.group_delays, callbacks.notify)
        self.switching: Switching = Switching(profile, self.settings, self._clients_s, callbacks.notify)
        self._now: Instant = START

    def outlet(self, consumer: str, group: int | None = None) -> Outlet:
        """Make a socket for `consumer`, in an outlet group or in none."""
        outlet = Outlet(self.name, consumer)
        outlet.supply.value = self._supply(group)
        self.outlets.append((outlet, group))
        return outlet

    @property
    def load_w(self) -> float:
        """The power that the live outlets give out."""
        return sum(outlet.demand_w.value for outlet, group in self.outlets if self._supply(group).live)

    @property
    def load(self) -> float:
        """Share of the rating."""
        return self.load_w / self.profile.rating.watts

    @property
    def output_on(self) -> bool:
        """True while the outlets are on; a group may be off nevertheless."""
        return not self.switching.off

    def has_effect(self, effect: Effect) -> bool:
        """Return whether a fault has this effect now."""
        return any(FAULTS[word].effect is effect for word in self.faults)

    @property
    def on_battery(self) -> bool:
        """True while the battery feeds the outlets."""
        if self.switching.off or self.bypass:
            return False
        return not self.line.good or self.diagnostics.active or self.has_effect(Effect.ON_BATTERY)

    @property
    def in_outage(self) -> bool:
        """True while on battery because the line failed, or seemed to."""
        pretended = self.diagnostics.running is TestKind.SIMULATED_FAILURE
        return self.on_battery and (not self.line.good or pretended)

    @property
    def shutdown_pending(self) -> bool:
        """True while a shutdown waits for its delay."""
        return self.switching.off_at is not None

    @property
    def status(self) -> OutputStatus:
        """The state of the output; unknown to everybody while the serial link is down."""
        if not self.link_up:
            return OutputStatus.UNKNOWN
        if self.switching.off:
            return self.switching.status
        if self.bypass:
            return OutputStatus(int(self.bypass))
        return OutputStatus.ON_BATTERY if self.on_battery else AVR_STATUS[self.line.avr]

    @property
    def output(self) -> Supply:
        """The voltage at the outlets that are on."""
        if self.switching.off:
            return DEAD
        if self.bypass:
            return self.line.supply
        rated = Supply(self.settings.rated_output_volts, float(self.profile.rating.hertz))
        return rated if self.on_battery else self.line.regulated

    def _supply(self, group: int | None) -> Supply:
        return self.output if self.outlet_groups.feeds(group) else DEAD

    def runtime_s(self, now: Instant) -> float:
        """Return how long the battery would carry the present load."""
        return 0.0 if self.has_effect(Effect.NO_BATTERY) else self.battery.runtime_s(self.load, now)

    @property
    def on_battery_since(self) -> Instant | None:
        """The instant at which the line was lost, while the battery feeds the outlets instead; None at other times."""
        since = self.line.lost_since
        return since if since is not None and self.on_battery else None

    @property
    def overloaded(self) -> bool:
        """True while the load exceeds the rating."""
        return LastingCondition.OVERLOADED in self.conditions.present

    @property
    def discharged(self) -> bool:
        """True while too empty to carry the load through another failure, though on line."""
        return LastingCondition.DISCHARGED in self.conditions.present

    @property
    def too_warm(self) -> bool:
        """True while the battery temperature is at its limit or above."""
        return LastingCondition.TOO_WARM in self.conditions.present

    @property
    def replace_battery(self) -> bool:
        """The indicator: set by a failed test or by age, until the battery is exchanged."""
        return LastingCondition.REPLACE in self.conditions.present

    @property
    def abnormal(self) -> set[int]:
        """The numbers of the abnormal conditions, as upsAdvStateAbnormalConditions counts them."""
        return self.abnormal_marked | {FAULTS[word].abnormal for word in self.faults} - {0}

    def applies(self, mode: ShutdownMode) -> bool:
        """Return whether a shutdown of this mode can begin now."""
        match mode.precondition:
            case Precondition.ON_BATTERY:
                return self.on_battery
            case Precondition.OUTPUT_ON:
                return self.output_on
            case Precondition.NONE:
                return True

    def switch_off(self, mode: ShutdownMode, now: Instant) -> None:
        """Begin a shutdown; one that does not apply now has no effect."""
        if self.applies(mode):
            self.switching.begin(mode, now)

    def switch_on(self, now: Instant, *, delayed: bool) -> None:
        """Switch the outlets on, at once or after the return delay; without effect while they are on."""
        if self.switching.off:
            self.switching.turn_on(now, self.settings.return_delay_s if delayed else 0)

    def _clients_s(self) -> float:
        margin_s = self.profile.card.clients_margin_s
        return self._callbacks.shutdown_time_s() if margin_s is None else self.settings.low_battery_runtime_s + margin_s

    def start_test(self, kind: TestKind, now: Instant) -> None:
        """Begin a test of the battery, if it can run now."""
        on_line = self.output_on and self.line.good and not self.on_battery and not self.bypass
        if self.diagnostics.start(kind, now, self.battery.charge.at(now), on_line=on_line):
            self.line.tested()
            if kind is TestKind.CALIBRATION:
                self._notify(Trap.CALIBRATION_START, now)

    def abort_test(self, now: Instant) -> None:
        """End the test under way without a result."""
        if self.diagnostics.abort(now):
            self._notify(Trap.CALIBRATION_END, now)

    def cancel_calibration(self, now: Instant) -> None:
        """End a calibration without a result; other tests go on."""
        if self.diagnostics.running is TestKind.CALIBRATION:
            self.abort_test(now)

    def _scheduled_test(self) -> Instant | None:
        return self.diagnostics.scheduled(self.settings.self_test_schedule)

    def _end_tests(self, now: Instant) -> None:
        trap = self.diagnostics.advance(now, self.battery.charge.at(now), self._callbacks.date(now))
        if trap is not None:
            self._notify(trap, now)

    def enter_bypass(self, bypass: Bypass, now: Instant) -> None:
        """Feed the load from the bare line."""
        if bypass is not self.bypass:
            self.abort_test(now)
            self.bypass = bypass
            self._notify(BYPASS_TRAPS[bypass], now)

    def leave_bypass(self, now: Instant) -> None:
        """Feed the load through the UPS again."""
        if self.bypass:
            self.bypass = Bypass.NONE
            self._notify(Trap.RETURN_FROM_BYPASS, now)

    def advance(self, now: Instant) -> None:
        """Do what is due at `now`, except for the outlet groups."""
        self._now = now
        self.settings.advance(now)
        self.line.advance(now)
        self._end_tests(now)
        due = self._scheduled_test()
        if due is not None and due <= now:
            self.start_test(TestKind.SELF_TEST, now)
        self.switching.advance(now)

    def react(self, now: Instant) -> None:
        """Follow the input and the loads. Changes nothing when nothing changed."""
        self._now = now
        self.line.observe(
            self.inlet.supply.value,
            self.settings.transfer_window_volts,
            now,
            sensitivity=self.settings.sensitivity,
            regulates=not self.has_effect(Effect.NO_REGULATION),
        )
        if self.has_effect(Effect.OUTPUT_OFF) and self.output_on:
            self.switching.mode = None
            self.switching.turn_off(now)
        if self.bypass is Bypass.SOFTWARE and not self.line.good:
            self.leave_bypass(now)
        if self.diagnostics.active and (not self.line.good or self.switching.off):
            self.abort_test(now)
        self._update_battery(now)
        self.switching.update_return(now, line_good=self.line.good, charge=self.battery.charge.at(now))
        for notice in self.conditions.update(self._facts(now)):
            self._notify(notice.trap, now, notice.number)
        for outlet, group in self.outlets:
            outlet.supply.value = self._supply(group)
        self._update_battery(now)
        self.inlet.demand_w.value = self.load_w if self.line.good and not self.on_battery else 0.0

    def _facts(self, now: Instant) -> Facts:
        load, on_line = self.load, self.line.good and not self.on_battery
        failed = self.diagnostics.battery_bad and self.diagnostics.result is SelfTestResult.FAILED
        return Facts(
            outage=self.in_outage,
            output_on=self.output_on,
            avr=self.line.avr if self.output_on else Avr.NONE,
            overloaded=load > 1,
            discharged=on_line and self.battery.runtime_s(load, now) <= self.settings.low_battery_runtime_s,
            too_warm=self.battery.too_warm(now),
            replace=failed or self.battery.too_old(now),
            abnormal=self.abnormal,
        )

    def _update_battery(self, now: Instant) -> None:
        discharging = self.on_battery
        charging = self.line.good and not discharging and not self.has_effect(Effect.NO_CHARGING)
        self.battery.flow(now, self.load, discharging=discharging, charging=charging)
        if discharging and self.runtime_s(now) <= 0:
            self.switching.exhaust(now)
        low_s = self.settings.low_battery_runtime_s
        if self.battery.judge(now, self.load, low_s, discharging=self.on_battery, charging=charging):
            self._notify(Trap.LOW_BATTERY if self.battery.low else Trap.RETURN_FROM_LOW_BATTERY, now)

    def next_deadline(self) -> Instant | None:
        """Return when something happens here by itself."""
        levels: list[float] = []
        if self.on_battery:
            calibrated = self.diagnostics.calibration_level
            levels = [0.0] if calibrated is None else [0.0, calibrated]
        elif self.switching.off:
            levels = [self.settings.min_return_capacity]
        return soonest(
            self.switching.off_at,
            self.switching.sleep_until,
            self.switching.wake_at,
            self.settings.next_deadline(),
            self.line.next_deadline(),
            *self.outlet_groups.deadlines(),
            self.diagnostics.due,
            self._scheduled_test(),
            *self.battery.deadlines(self._now, self.load, self.settings.low_battery_runtime_s, levels),
        )
