"""The card's objects: one row for each that shows or changes state; the profile supplies all others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from emulators.bindings.snmp import Checker, Getter, Instance, Instances, Setter, resolve
from emulators.devices.ups.orders import CONTROLS
from emulators.devices.ups.settings import PLAIN, ROUNDING, SLEEP_TIME
from emulators.kernel.instant import Instant
from mibs import Oid, standard_tree
from wire.snmp import ErrorStatus, Tag, Value

if TYPE_CHECKING:
    from emulators.devices.ups.card import Card, Receiver
    from emulators.devices.ups.model import Ups

OK = ErrorStatus.NO_ERROR
NAME_LENGTH = 8  # the UPS keeps eight characters
DATE_LENGTHS = (8, 10)
TEXT_LENGTH = 255
COMMUNITY_LENGTH = 15

# --- what is read -------------------------------------------------------------------------------------------


def _readings(ups: Ups, card: Card) -> dict[str, Getter]:
    """Getters by instance, in the unit of the object. Voltages and loads are cut, not rounded, as cards do."""
    profile = ups.profile
    minute = 6000
    rows: dict[str, Getter] = {
        "sysUpTime.0": card.uptime_ticks,
        "upsBasicBatteryStatus.0": lambda _: 1 if not ups.link_up else 3 if ups.battery_low else 2,
        "upsBasicBatteryTimeOnBattery.0": ups.ticks_on_battery,
        "upsAdvBatteryCapacity.0": lambda now: int(100 * ups.charge.at(now) + 1e-9),
        "upsAdvBatteryTemperature.0": lambda _: profile.battery.celsius,
        "upsAdvBatteryRunTimeRemaining.0": lambda now: int(ups.runtime_s(now) * 100) // minute * minute,
        "upsAdvBatteryReplaceIndicator.0": lambda _: 1,
        "upsAdvInputLineVoltage.0": lambda _: int(ups.inlet.supply.value.volts),
        "upsAdvInputMaxLineVoltage.0": lambda now: int(ups.line.extremes(now)[1]),
        "upsAdvInputMinLineVoltage.0": lambda now: int(ups.line.extremes(now)[0]),
        "upsAdvInputFrequency.0": lambda _: int(ups.inlet.supply.value.hertz),
        "upsAdvInputLineFailCause.0": lambda _: int(ups.line.cause),
        "upsBasicOutputStatus.0": lambda _: int(ups.status),
        "upsAdvOutputVoltage.0": lambda _: int(ups.output.volts),
        "upsAdvOutputFrequency.0": lambda _: int(ups.output.hertz),
        "upsAdvOutputLoad.0": lambda _: int(100 * ups.load),
        "upsCommStatus.0": lambda _: 1 if ups.link_up else 2,
        "mtrapargsInteger.0": lambda _: 0,
        "mtrapargsString.0": lambda _: card.last_text,
    }
    for name in (*ROUNDING, SLEEP_TIME, *PLAIN):
        rows[f"{name}.0"] = _setting_getter(ups, name)
    return rows


def _setting_getter(ups: Ups, name: str) -> Getter:
    return lambda _: ups.settings[name]


# --- what is written ----------------------------------------------------------------------------------------


def _numbers(permits: Callable[[int], bool]) -> Checker:
    def check(value: Value, _now: Instant) -> ErrorStatus:
        return OK if isinstance(value, int) and permits(value) else ErrorStatus.WRONG_VALUE

    return check


def _text(fits: Callable[[int], bool]) -> Checker:
    def check(value: Value, _now: Instant) -> ErrorStatus:
        return OK if isinstance(value, bytes) and fits(len(value)) else ErrorStatus.WRONG_LENGTH

    return check


def _writers(ups: Ups, card: Card) -> dict[str, tuple[Checker, Setter]]:
    """Check and effect of a SET, by instance."""
    rows: dict[str, tuple[Checker, Setter]] = {}
    for name in (*ROUNDING, SLEEP_TIME, *PLAIN):
        rows[f"{name}.0"] = _setting_writer(ups, name)
    for name in CONTROLS:
        rows[f"{name}.0"] = _control_writer(ups, name)
    rows["upsAdvConfigSetEEPROMDefaults.0"] = (
        _numbers(lambda _: True),
        lambda value, now: ups.settings.reset(now) if value == 2 else None,
    )
    rows["mcontrolRestartAgent.0"] = (
        _numbers(lambda _: True),
        lambda value, now: card.restart(now) if value == 1 else None,
    )
    for index, receiver in enumerate(card.receivers, start=1):
        rows |= _receiver_writers(receiver, index)
    return rows


def _setting_writer(ups: Ups, name: str) -> tuple[Checker, Setter]:
    def apply(value: Value, now: Instant) -> None:
        if isinstance(value, int):
            ups.settings.write(name, value, now)

    return _numbers(lambda value: ups.settings.permits(name, value)), apply


def _control_writer(ups: Ups, name: str) -> tuple[Checker, Setter]:
    def check(value: Value, _now: Instant) -> ErrorStatus:
        return ups.judge(name, value) if isinstance(value, int) else ErrorStatus.WRONG_TYPE

    def apply(value: Value, now: Instant) -> None:
        if isinstance(value, int):
            ups.obey(name, value, now)

    return check, apply


def _receiver_writers(receiver: Receiver, index: int) -> dict[str, tuple[Checker, Setter]]:
    def address(value: Value, _now: Instant) -> None:
        if isinstance(value, bytes):
            receiver.address = ".".join(map(str, value))

    def community(value: Value, _now: Instant) -> None:
        if isinstance(value, bytes):
            receiver.community = value

    def enabled(value: Value, _now: Instant) -> None:
        receiver.enabled = value == 1

    return {
        f"receiverAddr.{index}": (_text(lambda length: length == 4), address),
        f"communityString.{index}": (_text(lambda length: 0 < length <= COMMUNITY_LENGTH), community),
        f"acceptThisReceiver.{index}": (_numbers(lambda _: True), enabled),
    }


def _receiver_readings(receiver: Receiver, index: int) -> dict[str, Getter]:
    return {
        f"receiverAddr.{index}": lambda _: bytes(int(part) for part in receiver.address.split(".")),
        f"communityString.{index}": lambda _: receiver.community,
        f"acceptThisReceiver.{index}": lambda _: 1 if receiver.enabled else 2,
    }


# Free texts that a manager may change and the card keeps; the predicate is on their length.
TEXTS: dict[str, Callable[[int], bool]] = {
    "upsBasicIdentName.0": lambda length: length <= NAME_LENGTH,
    "upsBasicBatteryLastReplaceDate.0": lambda length: length in DATE_LENGTHS,
    "sysContact.0": lambda length: length <= TEXT_LENGTH,
    "sysName.0": lambda length: length <= TEXT_LENGTH,
    "sysLocation.0": lambda length: length <= TEXT_LENGTH,
}


class _Text:
    """A text with memory."""

    def __init__(self, value: bytes) -> None:
        self.value = value

    def get(self, _now: Instant) -> Value:
        return self.value

    def set(self, value: Value, _now: Instant) -> None:
        if isinstance(value, bytes):
            self.value = value


# --- all of it ----------------------------------------------------------------------------------------------


def instances_of(ups: Ups, card: Card) -> Instances:
    """Exactly the instances of the profile, each with the type of its MIB text.

    Raises KeyError for an instance that the profile leaves to the model and the model does not know.
    """
    tree = standard_tree()
    readings = _readings(ups, card)
    for index, receiver in enumerate(card.receivers, start=1):
        readings |= _receiver_readings(receiver, index)
    clock = card_clock(card)
    writers = _writers(ups, card)
    rows: list[Instance] = []
    for label, constant in ups.profile.instances.items():
        oid, tag, writable, enum = resolve(tree, label)
        getter = readings.get(label) or clock.get(label)
        check, apply = writers.get(label, (None, None))
        if label in TEXTS:
            text = _Text(str(constant or "").encode())
            getter, check, apply = text.get, _text(TEXTS[label]), text.set
        if getter is None:
            if constant is None:
                raise KeyError(f"{label} is left to the model, which has no such reading")
            getter = _constant(tag, constant)
        if check is not None and enum:
            check = _within(enum, check)
        if not writable:
            check = apply = None
        rows.append(Instance(oid, tag, getter, check, apply))
    return Instances(rows)


def card_clock(card: Card) -> dict[str, Getter]:
    """The card's own clock, which starts at its epoch and runs with its uptime."""

    def time_of_day(now: Instant) -> Value:
        seconds = card.uptime_ticks(now) // 100
        return f"{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}".encode()

    return {"mconfigClockDate.0": lambda _: b"01/01/2000", "mconfigClockTime.0": time_of_day}


def _within(enum: frozenset[int], check: Checker) -> Checker:
    def checked(value: Value, now: Instant) -> ErrorStatus:
        return check(value, now) if value in enum else ErrorStatus.WRONG_VALUE

    return checked


def _constant(tag: Tag, text: int | str) -> Getter:
    value: Value
    if isinstance(text, int):
        value = text
    elif tag is Tag.OBJECT_IDENTIFIER:
        value = Oid.parse(text)
    elif tag is Tag.IP_ADDRESS:
        value = bytes(int(part) for part in text.split("."))
    else:
        value = text.encode()
    return lambda _: value
