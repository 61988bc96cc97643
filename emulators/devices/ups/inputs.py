"""What can be done to a UPS from outside: the words of `standin inject UPS1 ...`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulators.bindings.inputs import Inputs, numeric, plain
from emulators.devices.ups.orders import Trap
from emulators.kernel.instant import Instant

if TYPE_CHECKING:
    from emulators.devices.ups.model import Ups


def inputs_of(ups: Ups) -> Inputs:
    """The inputs of one UPS."""

    def button_on(now: Instant) -> None:
        if not ups.output_on:
            ups.switch_on(now)

    def button_off(now: Instant) -> None:
        ups.obey("upsAdvControlUpsOff", 2, now)

    def charge(percent: float, now: Instant) -> None:
        ups.battery.set_charge(percent / 100, now)

    def battery_bad(_now: Instant) -> None:
        ups.diagnostics.battery_bad = True

    def battery_replaced(now: Instant) -> None:
        told = ups.replace_battery
        ups.diagnostics.battery_bad = False
        ups.battery.set_charge(1.0, now)
        if told:
            ups.card.send(Trap.BATTERY_REPLACED, now)

    def link_down(now: Instant) -> None:
        if ups.link_up:
            ups.link_up = False
            ups.card.send(Trap.COMMUNICATION_LOST, now)

    def link_up(now: Instant) -> None:
        if not ups.link_up:
            ups.link_up = True
            ups.card.send(Trap.COMMUNICATION_ESTABLISHED, now)

    def mute(_now: Instant) -> None:
        ups.card.muted = True

    def unmute(_now: Instant) -> None:
        ups.card.muted = False

    return Inputs(
        {
            "button_on": plain("the power button is pressed: outlets on", button_on),
            "button_off": plain("the power button is pressed: outlets off", button_off),
            "charge": numeric("the battery is set to PERCENT", "PERCENT", 0, 100, charge),
            "battery_bad": plain("the battery fails its next self test", battery_bad),
            "battery_replaced": plain("the battery is exchanged", battery_replaced),
            "link_down": plain("the serial link between card and UPS breaks", link_down),
            "link_up": plain("the serial link is mended", link_up),
            "mute": plain("the card hears nothing and says nothing", mute),
            "unmute": plain("the card is back on the network", unmute),
        }
    )
