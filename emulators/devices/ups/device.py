"""A UPS with its card, as the world and the network see it: joins the model, the card and the view of the agent."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ridethrough.emulators.bindings.snmp import UsmUser
from ridethrough.emulators.devices.ups.card.card import Card, Receiver
from ridethrough.emulators.devices.ups.details import object_rows
from ridethrough.emulators.devices.ups.inputs import inputs_of
from ridethrough.emulators.devices.ups.line import FailCause
from ridethrough.emulators.devices.ups.model import Callbacks, Ups
from ridethrough.emulators.devices.ups.outlet_groups import GroupDelays
from ridethrough.emulators.devices.ups.panel import leds
from ridethrough.emulators.devices.ups.profile import AccessRow, Profile
from ridethrough.emulators.devices.ups.shutdown_modes import OutputStatus
from ridethrough.emulators.devices.ups.snmp.view import UpsView
from ridethrough.emulators.kernel.instant import Instant, soonest
from ridethrough.emulators.kernel.power import Inlet, Outlet
from ridethrough.emulators.kernel.world import Port
from ridethrough.mibs import MibTree

STATE_WORDS: dict[OutputStatus, str] = {
    OutputStatus.ON_SMART_BOOST: "boosting",
    OutputStatus.ON_SMART_TRIM: "trimming",
    OutputStatus.UNKNOWN: "unknown",
    OutputStatus.ON_LINE: "on-line",
    OutputStatus.ON_BATTERY: "on-battery",
    OutputStatus.TIMED_SLEEPING: "sleeping",
    OutputStatus.OFF: "off",
    OutputStatus.REBOOTING: "rebooting",
    OutputStatus.SLEEPING_UNTIL_POWER_RETURN: "waiting-for-power",
    OutputStatus.SOFTWARE_BYPASS: "bypass",
    OutputStatus.SWITCHED_BYPASS: "bypass",
    OutputStatus.HARDWARE_BYPASS: "bypass",
}


class EmulatedUps:
    """A device of the kernel. `ups` is the power path, `card` the network card, `view` what its agent shows."""

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
        serial: Path | None = None,
        *,
        configured: bool = True,
    ) -> None:
        """`settings` maps object names to values in the object's unit; without `access`, its rows are the profile's."""
        self.name = name
        self.profile: Profile = profile
        self.serial = serial  # where the serial port of the card is to be, as a link to a pseudo-terminal
        self._configured = configured  # False for a card whose first set-up is still to be done
        self.card: Card = Card(name, profile, address, self._link_up, access, receivers, users)
        callbacks = Callbacks(self.card.send, self._shutdown_time_s, self.card.clock.date, self._group_delays)
        self.ups: Ups = Ups(name, profile, callbacks, settings or {})
        self.view: UpsView = UpsView(self.ups, self.card)
        self.inputs = inputs_of(self.ups, self.card, self.view)

    @property
    def address(self) -> str:
        """The address at which the card is reached now."""
        return self.card.address

    @property
    def on_lan(self) -> bool:
        """False for a new card until BOOTP is off, which takes effect at the log-off (003 section 1.7.4.1)."""
        return self._configured or not self.card.accounts.tcpip.bootp

    @property
    def inlet(self) -> Inlet:
        """The input."""
        return self.ups.inlet

    def outlet(self, consumer: str, group: int | None = None) -> Outlet:
        """Make a socket for `consumer`, in an outlet group or in none."""
        return self.ups.outlet(consumer, group)

    def _link_up(self) -> bool:
        return self.ups.link_up

    def _shutdown_time_s(self) -> float:
        return self.card.stored.number("upsAdvConfigMaxShutdownTime.0") * 60

    def _group_delays(self, index: int) -> GroupDelays:
        stored, column = self.card.stored, "upsOutletGroupConfig"
        return GroupDelays(
            off_s=stored.number(f"{column}PowerOffDelay.{index}"),
            on_s=stored.number(f"{column}PowerOnDelay.{index}"),
            reboot_s=stored.number(f"{column}RebootDuration.{index}"),
        )

    def advance(self, now: Instant) -> None:
        """Do what is due at `now`."""
        self.card.accounts.advance(now)
        # Before the card is back from a restart: what a group does at that very instant is sent to nobody.
        self.ups.outlet_groups.advance(now)
        self.card.advance(now)
        self.ups.advance(now)

    def react(self, now: Instant) -> None:
        """Follow the input and the loads, then the probes; the alarms show what came of it."""
        self.ups.react(now)
        self.card.environment.judge(now)
        self.view.update_alarms(now)

    def next_deadline(self) -> Instant | None:
        """Return when something happens here by itself."""
        return soonest(self.ups.next_deadline(), *self.card.deadlines())

    def ports(self) -> Iterable[Port[Any]]:
        """Return the ports that this device drives."""
        return [self.ups.inlet.demand_w, *(outlet.supply for outlet, _ in self.ups.outlets)]

    def dump_state(self) -> dict[str, Any]:
        """Return what managers set, as JSON."""
        return {"settings": self.ups.settings.dump_state(), "card": self.card.dump_state()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `dump_state` returned in an earlier life. Raises KeyError, TypeError and ValueError."""
        for name, value in state["settings"].items():
            self.ups.settings.preset(name, value)
        self.card.load_state(state["card"])

    def details(self, tree: MibTree, now: Instant) -> dict[str, Any]:
        """Return the objects of the agent, as JSON."""
        return {"objects": object_rows(self.view, tree, now)}

    def snapshot(self, now: Instant) -> dict[str, Any]:
        """Return the state for people and scenarios, as JSON."""
        ups = self.ups
        return {
            "state": STATE_WORDS[ups.status],
            "output": "on" if ups.output_on else "off",
            "input_volts": ups.inlet.supply.value.volts,
            "output_volts": ups.output.volts,
            "load_percent": round(100 * ups.load, 1),
            "load_w": ups.load_w,
            "charge_percent": round(100 * ups.battery.charge.at(now), 1),
            "runtime_s": round(ups.runtime_s(now)),
            "battery_low": ups.battery.low,
            "battery_celsius": round(ups.battery.celsius.at(now), 1),
            "fail_cause": FailCause(ups.line.cause).name.lower(),
            "off_in_s": ups.switching.off_in_s(now),
            "troubles": sorted(ups.faults),
            "lamps": leds(ups),
        }
