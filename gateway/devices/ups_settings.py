"""The settings of a UPS, read and written as the console of the documents does it (003 1.7.4.3(19))."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from ridethrough.gateway.devices.commands import CommandError, Done
from ridethrough.gateway.devices.ups_snmp import CardClient, Value
from ridethrough.mibs.powernet import NAME_LENGTH, UPS_IDENTITY, UPS_NAME, UPS_SETTINGS

READ_AGAIN_S = 2.0  # between two reads of a setting that was written
SETTLED = 3  # reads that must give the same before a value counts as what the UPS made of it
LAG_S = 60.0  # a UPS takes seconds for each step of a value, and shows the old one meanwhile
HIGHEST = 0x7FFFFFFF
NAMES = (*UPS_SETTINGS, "name")


def objects_of(settings: Mapping[str, Value]) -> dict[str, Value]:
    """Return the value of each setting in the unit of its object. Raises CommandError for what no card can take."""
    if not settings:
        raise CommandError(f"settings is empty; accepted: {', '.join(NAMES)}")
    return {name: _in_object_units(name, value) for name, value in settings.items()}


def _in_object_units(name: str, value: Value) -> Value:
    if name == "name":
        text = str(value)
        if not (0 < len(text) <= NAME_LENGTH and text.isascii() and text.isprintable()):
            raise CommandError(f"name {text!r}: expected 1 to {NAME_LENGTH} half-width characters")
        return text
    if name not in UPS_SETTINGS:
        raise CommandError(f"there is no setting {name!r}; accepted: {', '.join(NAMES)}")
    try:
        number = int(value) * UPS_SETTINGS[name].scale
    except ValueError:
        raise CommandError(f"{name} {value!r}: expected a whole number") from None
    if not 0 <= number <= HIGHEST:
        raise CommandError(f"{name} {value} is outside what a card can take")
    return number


def _object(name: str) -> str:
    return UPS_NAME if name == "name" else UPS_SETTINGS[name].object


def _shown(name: str, value: Value) -> float | str:
    """Return a value of an object in the unit of the setting."""
    if isinstance(value, str):
        return value
    whole, rest = divmod(value, UPS_SETTINGS[name].scale)
    return value / UPS_SETTINGS[name].scale if rest else whole


def _words(shown: Mapping[str, float | str]) -> str:
    return ", ".join(f"{name} = {value if isinstance(value, str) else f'{value:g}'}" for name, value in shown.items())


async def collect(card: CardClient) -> Done:
    """Read model, serial number, firmware and all settings of the card (SNMP設定情報の採取). Raises CommandError."""
    names = dict(zip(map(_object, NAMES), NAMES, strict=True))
    values = await card.read(*UPS_IDENTITY.values(), *names)
    identity = {key: str(values[item]).strip() for key, item in UPS_IDENTITY.items() if item in values}
    settings = {name: _shown(name, values[item]) for item, name in names.items() if item in values}
    text = f"{', '.join(identity.values())}: {_words(settings)}"
    return Done(text, {**identity, "settings": settings})


async def write(card: CardClient, settings: Mapping[str, Value], *, exact: bool) -> Done:
    """Write, then read until the UPS shows what it made of it (情報の上書き). Raises CommandError.

    With `exact`, a value that the UPS corrects is a failure.
    """
    wanted = objects_of(settings)
    written = {_object(name): value for name, value in wanted.items()}
    before = await _read(card, written)
    for item, value in written.items():
        await card.write(item, value)
    settled = await _settled(card, written, before)
    asked = {name: _shown(name, value) for name, value in wanted.items()}
    shown = {name: _shown(name, settled[_object(name)]) for name in wanted}
    corrected = {name: [asked[name], value] for name, value in shown.items() if value != asked[name]}
    words = ", ".join(
        _words({name: value}) + (f" instead of {settings[name]}" if name in corrected else "")
        for name, value in shown.items()
    )
    if corrected and exact:
        raise CommandError(f"{card.address} corrected what was written: {words}")
    return Done(words, {"settings": shown, "corrected": corrected})


async def _settled(card: CardClient, wanted: Mapping[str, Value], before: Mapping[str, Value]) -> Mapping[str, Value]:
    """Wait until no object that was written changes any more, `LAG_S` at most, and return their values.

    One that still has its old value then was corrected to that: it is the nearest that the UPS permits.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + LAG_S
    last, same = await _read(card, wanted), dict.fromkeys(wanted, 1)
    while loop.time() < end and any(
        last[item] != value and (last[item] == before[item] or same[item] < SETTLED) for item, value in wanted.items()
    ):
        await asyncio.sleep(READ_AGAIN_S)
        now = await _read(card, wanted)
        same = {item: same[item] + 1 if now[item] == last[item] else 1 for item in wanted}
        last = now
    return last


async def _read(card: CardClient, items: Collection[str]) -> dict[str, Value]:
    values = await card.read(*items)
    if missing := [item for item in items if item not in values]:
        raise CommandError(f"{card.address} has no {', '.join(missing)}")
    return values
