"""The inputs of a UPS: the words of `ridethrough inject UPS1 ...`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from ridethrough.emulators.bindings.inputs import (
    Input,
    InputError,
    Inputs,
    NoEffectError,
    choice,
    numeric,
    plain,
    while_able,
)
from ridethrough.emulators.bindings.network import network_inputs
from ridethrough.emulators.devices.ups.bypass import Bypass
from ridethrough.emulators.devices.ups.card.card import Card
from ridethrough.emulators.devices.ups.card.environment import EnvironmentMonitor, Measure
from ridethrough.emulators.devices.ups.faults import FAULTS, MOMENTARY_FAULTS
from ridethrough.emulators.devices.ups.model import Ups
from ridethrough.emulators.devices.ups.shutdown_modes import OFF
from ridethrough.emulators.devices.ups.snmp.view import UpsView
from ridethrough.emulators.devices.ups.traps import Trap
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.wire.snmp import Value

T = TypeVar("T")


def inputs_of(ups: Ups, card: Card, view: UpsView) -> Inputs:
    """Return the inputs of one UPS with its card."""
    network = network_inputs(card.impairment)
    return Inputs(
        _power(ups)
        | _faults(ups, card)
        | _environment(card.environment)
        | _card(ups, card)
        | _agent(card, view)
        | network
    )


def _power(ups: Ups) -> dict[str, Input]:
    def button_on(now: Instant) -> None:
        if not ups.output_on and not ups.line.good and ups.runtime_s(now) <= 0:
            raise NoEffectError(f"{ups.name} has no power: no input, and an empty battery")
        if not ups.output_on:
            ups.switching.switch_on(now)

    def charge(percent: float, now: Instant) -> None:
        ups.battery.set_charge(percent / 100, now)

    def packs(count: float, _now: Instant) -> None:
        ups.battery.packs = int(count)

    def ambient(celsius: float, _now: Instant) -> None:
        ups.battery.ambient_celsius = celsius

    def battery_bad(_now: Instant) -> None:
        ups.diagnostics.battery_bad = True

    def battery_replaced(now: Instant) -> None:
        ups.diagnostics.battery_bad = False
        ups.battery.set_charge(1.0, now)
        ups.battery.set_age(0, now)

    return {
        "button_on": plain("the power button is pressed: outlets on", button_on),
        "button_off": plain("the power button is pressed: outlets off", lambda now: ups.switch_off(OFF, now)),
        "charge": numeric("the battery is set to PERCENT", "PERCENT", 0, 100, charge),
        "packs": numeric("COUNT external battery packs are plugged in", "COUNT", 0, 100, packs),
        "age": numeric("the battery is YEARS old", "YEARS", 0, 50, ups.battery.set_age),
        "ambient": numeric("the battery at rest comes to CELSIUS", "CELSIUS", -40, 100, ambient),
        "battery_bad": plain("the battery fails its next self test", battery_bad),
        "battery_replaced": plain("the battery is exchanged", battery_replaced),
    }


def _faults(ups: Ups, card: Card) -> dict[str, Input]:
    words = [word for word, row in FAULTS.items() if ups.profile.bypass or not row.bypass_only]

    def begin(word: str, now: Instant) -> None:
        if word not in ups.faults:
            ups.faults.add(word)
            _announce(card, word, now, begins=True)

    def end(word: str, now: Instant) -> None:
        if word in ups.faults:
            ups.faults.remove(word)
            _announce(card, word, now, begins=False)

    def happen(word: str, now: Instant) -> None:
        number, what = MOMENTARY_FAULTS[word]
        card.send(number, now, text=f"UPS: {what[0].upper()}{what[1:]}.")

    inputs = {
        "trouble": choice("TROUBLE begins", "TROUBLE", words, begin),
        "mend": choice("TROUBLE ends", "TROUBLE", words, end),
        "incident": while_able(card.silent, choice("INCIDENT happens", "INCIDENT", list(MOMENTARY_FAULTS), happen)),
        "abnormal": numeric(
            "condition NUMBER becomes abnormal", "NUMBER", 1, 32, lambda number, _: ups.abnormal_marked.add(int(number))
        ),
        "normal": numeric(
            "condition NUMBER is normal again",
            "NUMBER",
            1,
            32,
            lambda number, _: ups.abnormal_marked.discard(int(number)),
        ),
    }
    if ups.profile.bypass:
        inputs |= {
            "bypass": choice(
                "the load is moved to the bypass, by the switch or by a fault",
                "HOW",
                ["switched", "hardware"],
                lambda how, now: ups.enter_bypass(Bypass[how.upper()], now),
            ),
            "unbypass": plain("the load is moved back from the bypass", ups.leave_bypass),
        }
    return inputs


def _announce(card: Card, word: str, now: Instant, *, begins: bool) -> None:
    row = FAULTS[word]
    text = f"UPS: {row.text[0].upper()}{row.text[1:]}." if begins else f"UPS: No longer: {row.text}."
    values: dict[str, Value] = {"mtrapargsString02": row.text.encode()}
    card.send(row.begins if begins else row.ends, now, row.number, values=values, text=text)


def _environment(environment: EnvironmentMonitor) -> dict[str, Input]:
    def measured(measure: Measure) -> Callable[[list[str], Instant], None]:
        def run(args: list[str], _now: Instant) -> None:
            if len(args) != 2:
                raise InputError(f"expected PROBE and {measure}")
            probe = _named(environment.probes, args[0])
            try:
                value = float(args[1])
            except ValueError:
                raise InputError(f"{args[1]!r} is no {measure}") from None
            if measure not in probe.values:
                raise InputError(f"probe {args[0]} does not measure {measure}")
            probe.values[measure] = value

        return run

    inputs: dict[str, Input] = {}
    if environment.probes:
        probes = list(environment.probes)
        inputs |= {
            "temperature": Input("PROBE measures CELSIUS", measured(Measure.TEMPERATURE)),
            "humidity": Input("PROBE measures PERCENT", measured(Measure.HUMIDITY)),
            "probe_out": choice(
                "PROBE is pulled out",
                "PROBE",
                probes,
                lambda index, now: environment.connect(environment.probes[index], now, connected=False),
            ),
            "probe_in": choice(
                "PROBE is plugged in",
                "PROBE",
                probes,
                lambda index, now: environment.connect(environment.probes[index], now, connected=True),
            ),
        }
    if environment.contacts:
        contacts = [str(index) for index in environment.contacts]
        inputs |= {
            "contact_fault": choice(
                "CONTACT leaves its normal state",
                "CONTACT",
                contacts,
                lambda index, now: environment.set_contact(environment.contacts[int(index)], now, fault=True),
            ),
            "contact_normal": choice(
                "CONTACT is back in its normal state",
                "CONTACT",
                contacts,
                lambda index, now: environment.set_contact(environment.contacts[int(index)], now, fault=False),
            ),
        }
    return inputs


def _card(ups: Ups, card: Card) -> dict[str, Input]:
    def link_down(now: Instant) -> None:
        if ups.link_up:
            card.send(Trap.LOST_ON_BATTERY if ups.on_battery else Trap.COMMUNICATION_LOST, now)
            ups.link_up = False

    def link_up(now: Instant) -> None:
        if not ups.link_up:
            ups.link_up = True
            card.send(Trap.COMMUNICATION_ESTABLISHED, now)

    return {
        "link_down": plain("the serial link between card and UPS breaks", link_down),
        "link_up": plain("the serial link is mended", link_up),
        "mute": plain("the card hears nothing and says nothing", lambda _: card.set_muted(muted=True)),
        "unmute": plain("the card is back on the network", lambda _: card.set_muted(muted=False)),
    }


def _agent(card: Card, view: UpsView) -> dict[str, Input]:
    return {
        "freeze": plain("every measurement stays as it is", view.freeze),
        "thaw": plain("measurements move again", lambda _: view.thaw()),
        "firmware_lost": plain(
            "the card's UPS program does not run: another sysObjectID, no UPS objects",
            lambda _: view.set_application(running=False),
        ),
        "firmware_restored": plain("the card's UPS program runs again", lambda _: view.set_application(running=True)),
        "clock_reset": plain("the card's clock falls back to its epoch", card.clock.reset),
        "reset": plain("the card is reset: every setting of it must be entered again", card.reset),
        "restart": plain("the card's agent starts anew", card.restart),
    }


def _named(rows: Mapping[str, T], name: str) -> T:
    if name not in rows:
        raise InputError(f"there is no {name!r} here; accepted: {', '.join(rows)}")
    return rows[name]
