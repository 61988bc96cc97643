"""The physics and the state of a UPS. Everything a client sees is a view of this."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from emulators.bindings.inputs import Inputs, numeric, plain
from emulators.devices.ups.card import Card
from emulators.devices.ups.line import FailCause, LineMonitor
from emulators.devices.ups.orders import EXHAUSTED, SWITCH_OFF, SWITCH_ON, Order, Return, Status, Trap, When
from emulators.devices.ups.profile import AccessRow, Profile
from emulators.devices.ups.settings import Settings
from emulators.kernel.instant import START, Instant, after, soonest, ticks_between
from emulators.kernel.power import DEAD, Inlet, Outlet, Supply
from emulators.kernel.quantity import Quantity
from emulators.kernel.world import Port
from wire.snmp import ErrorStatus

# Share of its float voltage that a lead-acid battery shows under load, full and empty.
LOADED_FULL = 0.92
LOADED_EMPTY = 0.78


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
        self.charge: Quantity = Quantity(1.0, START)
        self.battery_low: bool = False
        self.link_up: bool = True
        self._order: Order | None = None  # being carried out
        self._grace_until: Instant | None = None
        self._off = False
        self._sleep_until: Instant | None = None
        self._wake_at: Instant | None = None
        self._outage_told = False
        self.card: Card = Card(self, address, access or profile.access, receivers)
        self.inputs = Inputs(
            {
                "button_on": plain("the power button is pressed: outlets on", self._button_on),
                "button_off": plain("the power button is pressed: outlets off", self._button_off),
                "charge": numeric("the battery is set to PERCENT", "PERCENT", 0, 100, self._set_charge),
                "link_down": plain("the serial link between card and UPS breaks", self._link_down),
                "link_up": plain("the serial link is mended", self._link_mended),
                "mute": plain("the card hears nothing and says nothing", self._mute),
                "unmute": plain("the card is back on the network", self._unmute),
            }
        )
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
        return not self._off and not self.line.good

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
        return Status.ON_LINE if self.line.good else Status.ON_BATTERY

    @property
    def output(self) -> Supply:
        if self._off:
            return DEAD
        rating = self.profile.rating
        return self.inlet.supply.value if self.line.good else Supply(float(rating.volts), float(rating.hertz))

    def runtime_s(self, now: Instant) -> float:
        """How long the battery would carry the present load."""
        return self._full_runtime_s() * self.charge.at(now)

    def battery_volts(self, now: Instant) -> float:
        """Voltage of the battery: at float on line, sagging with its charge under load."""
        battery = self.profile.battery
        if not self.on_battery:
            return battery.float_volts
        return battery.float_volts * (LOADED_EMPTY + (LOADED_FULL - LOADED_EMPTY) * self.charge.at(now))

    @property
    def in_grace(self) -> bool:
        """Whether an order to switch off is waiting for the shutoff delay."""
        return self._grace_until is not None

    def ticks_on_battery(self, now: Instant) -> int:
        since = self.line.lost_since
        return ticks_between(since, now) if since is not None and self.on_battery else 0

    def _full_runtime_s(self) -> float:
        battery = self.profile.battery
        return battery.full_load_runtime_s * float(max(self.load, battery.lowest_load) ** -battery.exponent)

    # --- orders ---------------------------------------------------------------------------------------------

    def judge(self, control: str, value: int) -> ErrorStatus:
        """Whether the order would be taken now."""
        order = SWITCH_OFF.get((control, value))
        if order is None or order.refusal is None or self._applies(order.when):
            return ErrorStatus.NO_ERROR
        return order.refusal

    def obey(self, control: str, value: int, now: Instant) -> None:
        """Carry out an order; one that does not apply now has no effect."""
        if (order := SWITCH_OFF.get((control, value))) is not None:
            if self._applies(order.when) and not (self._off and order.returns is not Return.NEVER):
                self._begin(order, now)
        elif (delayed := SWITCH_ON.get((control, value))) is not None and self._off:
            wait = self.settings["upsAdvConfigReturnDelay"] / 100 if delayed else 0
            self._sleep_until = None
            self._wake_at = after(now, wait)
            if not wait:
                self._turn_on(now)

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

    def _turn_on(self, now: Instant) -> None:
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
        if self._grace_until is not None and self._grace_until <= now:
            self._turn_off(now)
        if self._sleep_until is not None and self._sleep_until <= now:
            self._sleep_until = None
        if self._wake_at is not None and self._wake_at <= now:
            self._turn_on(now)

    def react(self, now: Instant) -> None:
        self._now = now
        self.line.observe(self.inlet.supply.value, self._window(), now)
        self._update_battery(now)
        self._update_return(now)
        self._tell_line(now)
        output = self.output
        for outlet in self.outlets:
            outlet.supply.value = output
        self._update_battery(now)
        self.inlet.demand_w.value = self.load_w if self.line.good else 0.0

    def _window(self) -> tuple[int, int]:
        return self.settings["upsAdvConfigLowTransferVolt"], self.settings["upsAdvConfigHighTransferVolt"]

    def _update_battery(self, now: Instant) -> None:
        if self.on_battery:
            rate = -1 / self._full_runtime_s()
        elif self.line.good:
            rate = 1 / self.profile.battery.recharge_s
        else:
            rate = 0.0
        if rate != self.charge.rate:
            self.charge.change(now, rate)
        if self.on_battery and self.charge.at(now) <= 0:
            self._order = EXHAUSTED
            self._turn_off(now)
        low_s = self.settings["upsAdvConfigLowBatteryRunTime"] / 100
        if not self.battery_low and self.on_battery and self.runtime_s(now) <= low_s:
            self.battery_low = True
            self.card.send(Trap.LOW_BATTERY, now)
        elif self.battery_low and self.line.good and self.runtime_s(now) > low_s:
            self.battery_low = False
            self.card.send(Trap.RETURN_FROM_LOW_BATTERY, now)

    def _update_return(self, now: Instant) -> None:
        """Input good, then charge enough, then the return delay, then on."""
        order = self._order
        if not self._off or order is None or order.returns is Return.NEVER:
            return
        ready = self.line.good and self._sleep_until is None and self.charge.at(now) >= self._return_charge()
        if ready and self._wake_at is None:
            delay_s = self.settings["upsAdvConfigReturnDelay"] / 100
            self._wake_at = after(now, delay_s)
            if not delay_s:
                self._turn_on(now)
        elif not ready:
            self._wake_at = None

    def _return_charge(self) -> float:
        return self.settings["upsAdvConfigMinReturnCapacity"] / 100

    def _tell_line(self, now: Instant) -> None:
        if self.on_battery and not self._outage_told:
            self._outage_told = True
            self.card.send(Trap.ON_BATTERY, now)
        elif self._outage_told and self.line.good and self.output_on:
            self._outage_told = False
            self.card.send(Trap.POWER_RESTORED, now)

    def next_deadline(self) -> Instant | None:
        now = self._now
        battery: list[Instant | None] = []
        if self.on_battery:
            battery.append(self.charge.crossing(0.0, now))
            if not self.battery_low:
                low = self.settings["upsAdvConfigLowBatteryRunTime"] / 100 / self._full_runtime_s()
                battery.append(self.charge.crossing(low, now))
        elif self.charge.rate > 0:
            if self.battery_low:
                low = self.settings["upsAdvConfigLowBatteryRunTime"] / 100 / self._full_runtime_s()
                battery.append(self.charge.crossing(low + 1e-9, now))
            if self._off:
                battery.append(self.charge.crossing(self._return_charge(), now))
        return soonest(
            self._grace_until,
            self._sleep_until,
            self._wake_at,
            self.settings.next_deadline(),
            self.line.next_deadline(),
            self.card.next_deadline(),
            *battery,
        )

    def ports(self) -> Iterable[Port[Any]]:
        return [self.inlet.demand_w, *(outlet.supply for outlet in self.outlets)]

    # --- inputs ---------------------------------------------------------------------------------------------

    def _button_on(self, now: Instant) -> None:
        if self._off:
            self._turn_on(now)

    def _button_off(self, now: Instant) -> None:
        self.obey("upsAdvControlUpsOff", 2, now)

    def _set_charge(self, percent: float, now: Instant) -> None:
        self.charge = Quantity(percent / 100, now, self.charge.rate)

    def _link_down(self, now: Instant) -> None:
        if self.link_up:
            self.link_up = False
            self.card.send(Trap.COMMUNICATION_LOST, now)

    def _link_mended(self, now: Instant) -> None:
        if not self.link_up:
            self.link_up = True
            self.card.send(Trap.COMMUNICATION_ESTABLISHED, now)

    def _mute(self, _now: Instant) -> None:
        self.card.muted = True

    def _unmute(self, _now: Instant) -> None:
        self.card.muted = False

    def snapshot(self, now: Instant) -> dict[str, Any]:
        return {
            "state": STATE_WORDS[self.status],
            "output": "on" if self.output_on else "off",
            "input_volts": self.inlet.supply.value.volts,
            "output_volts": self.output.volts,
            "load_percent": round(100 * self.load, 1),
            "load_w": self.load_w,
            "charge_percent": round(100 * self.charge.at(now), 1),
            "runtime_s": round(self.runtime_s(now)),
            "battery_low": self.battery_low,
            "fail_cause": FailCause(self.line.cause).name.lower(),
            "off_in_s": (self._grace_until - now) / 1000 if self._grace_until is not None else None,
        }


STATE_WORDS: dict[Status, str] = {
    Status.UNKNOWN: "unknown",
    Status.ON_LINE: "on-line",
    Status.ON_BATTERY: "on-battery",
    Status.TIMED_SLEEPING: "sleeping",
    Status.OFF: "off",
    Status.REBOOTING: "rebooting",
    Status.SLEEPING_UNTIL_POWER_RETURN: "waiting-for-power",
}
