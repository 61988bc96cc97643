"""The card's objects: readings, settings, orders and texts by instance; the profile supplies all others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from emulators.bindings.snmp import Checker, Getter, Instance, Instances, Setter, resolve
from emulators.devices.ups.orders import CONTROLS
from emulators.devices.ups.profile import Constant, Raw
from emulators.devices.ups.readings import MINUTE_TICKS, READINGS
from emulators.devices.ups.settings import PLAIN, ROUNDING, SLEEP_TIME
from emulators.kernel.instant import Instant
from mibs import Oid, standard_tree
from wire.snmp import ErrorStatus, Tag, Value

if TYPE_CHECKING:
    from emulators.devices.ups.card import Receiver
    from emulators.devices.ups.model import Ups

OK = ErrorStatus.NO_ERROR
NAME_LENGTH = 8  # the UPS keeps eight characters
DATE_LENGTHS = (8, 10)
TEXT_LENGTH = 255
COMMUNITY_LENGTH = 15

Live = tuple[Getter, Checker | None, Setter | None]

# Settings by instance: the object of the UPS that keeps the value, and how many of its units make one of this one.
SETTINGS: dict[str, tuple[str, int]] = {f"{name}.0": (name, 1) for name in (*ROUNDING, SLEEP_TIME, *PLAIN)} | {
    "upsConfigLowBattTime.0": ("upsAdvConfigLowBatteryRunTime", MINUTE_TICKS),
    "upsConfigLowVoltageTransferPoint.0": ("upsAdvConfigLowTransferVolt", 1),
    "upsConfigHighVoltageTransferPoint.0": ("upsAdvConfigHighTransferVolt", 1),
}
# Texts that a manager may change and the card keeps: the instance that holds the text, and a predicate on its length.
TEXTS: dict[str, tuple[str, Callable[[int], bool]]] = {
    "upsBasicIdentName.0": ("upsBasicIdentName.0", lambda length: length <= NAME_LENGTH),
    "upsIdentName.0": ("upsBasicIdentName.0", lambda length: length <= NAME_LENGTH),
    "upsBasicBatteryLastReplaceDate.0": ("upsBasicBatteryLastReplaceDate.0", lambda length: length in DATE_LENGTHS),
    "sysContact.0": ("sysContact.0", lambda length: length <= TEXT_LENGTH),
    "sysName.0": ("sysName.0", lambda length: length <= TEXT_LENGTH),
    "sysLocation.0": ("sysLocation.0", lambda length: length <= TEXT_LENGTH),
}

# Readings whose first value is the profile's.
STARTED_FROM = frozenset(
    f"upsAdvTest{name}.0"
    for name in ("DiagnosticsResults", "LastDiagnosticsDate", "CalibrationResults", "CalibrationDate")
)


def texts_of(ups: Ups) -> dict[str, Text]:
    """The texts of a card, by the instance that holds them."""
    return {holder: Text(ups.profile.text(holder.removesuffix(".0")).encode()) for holder, _ in TEXTS.values()}


def instances_of(ups: Ups, receivers: list[Receiver], texts: dict[str, Text]) -> Instances:
    """Exactly the instances of the profile.

    Raises KeyError for an instance that the profile leaves to the model and the model does not know.
    """
    tree = standard_tree()
    live = _live(ups, receivers, texts)
    rows: list[Instance] = []
    for label, constant in ups.profile.instances.items():
        if isinstance(constant, Raw):
            oid = Oid.parse(label) if label[0].isdigit() else resolve(tree, label)[0]
            tag, value = _typed(constant)
            rows.append(Instance(oid, tag, _always(value)))
            continue
        oid, tag, writable, enum = resolve(tree, label)
        getter, check, apply = live.get(label, (None, None, None))
        if label in READINGS and (constant is None or label in STARTED_FROM):
            getter = _bound(ups, label)
        getter = getter or _constant(label, tag, constant)
        if check is not None and enum:
            check = _within(enum, check)
        if not writable:
            check = apply = None
        rows.append(Instance(oid, tag, getter, check, apply))
    return Instances(rows)


def _bound(ups: Ups, label: str) -> Getter:
    reading = READINGS[label]
    return lambda now: reading(ups, now)


# --- what is written ----------------------------------------------------------------------------------------


def _numbers(permits: Callable[[int], bool]) -> Checker:
    def check(value: Value, _now: Instant) -> ErrorStatus:
        return OK if isinstance(value, int) and permits(value) else ErrorStatus.WRONG_VALUE

    return check


def _text(fits: Callable[[int], bool]) -> Checker:
    def check(value: Value, _now: Instant) -> ErrorStatus:
        return OK if isinstance(value, bytes) and fits(len(value)) else ErrorStatus.WRONG_LENGTH

    return check


def _live(ups: Ups, receivers: list[Receiver], texts: dict[str, Text]) -> dict[str, Live]:
    """Everything that can change by a SET, and what it reads back."""
    rows: dict[str, Live] = {label: _setting(ups, *target) for label, target in SETTINGS.items()}
    rows |= {f"{name}.0": _control(ups, name) for name in CONTROLS}
    for label, (holder, fits) in TEXTS.items():
        rows[label] = (texts[holder].get, _text(fits), texts[holder].set)
    rows["upsAdvConfigSetEEPROMDefaults.0"] = (
        _always(1),
        _numbers(lambda _: True),
        lambda value, now: ups.settings.reset(now) if value == 2 else None,
    )
    rows["mcontrolRestartAgent.0"] = (
        _always(2),
        _numbers(lambda _: True),
        lambda value, now: ups.card.restart(now) if value == 1 else None,
    )
    for index, receiver in enumerate(receivers, start=1):
        rows |= _receiver(receiver, index)
    return rows


def _setting(ups: Ups, name: str, scale: int) -> Live:
    def apply(value: Value, now: Instant) -> None:
        if isinstance(value, int):
            ups.settings.write(name, value * scale, now)

    check = _numbers(lambda value: ups.settings.permits(name, value * scale))
    return lambda _: ups.settings[name] // scale, check, apply


def _control(ups: Ups, name: str) -> Live:
    def check(value: Value, _now: Instant) -> ErrorStatus:
        return ups.judge(name, value) if isinstance(value, int) else ErrorStatus.WRONG_TYPE

    def apply(value: Value, now: Instant) -> None:
        if isinstance(value, int):
            ups.obey(name, value, now)

    return _always(1), check, apply  # orders always read back 1


def _receiver(receiver: Receiver, index: int) -> dict[str, Live]:
    def address(value: Value, _now: Instant) -> None:
        if isinstance(value, bytes):
            receiver.address = ".".join(map(str, value))

    def community(value: Value, _now: Instant) -> None:
        if isinstance(value, bytes):
            receiver.community = value

    def enabled(value: Value, _now: Instant) -> None:
        receiver.enabled = value == 1

    return {
        f"receiverAddr.{index}": (
            lambda _: bytes(int(part) for part in receiver.address.split(".")),
            _text(lambda length: length == 4),
            address,
        ),
        f"communityString.{index}": (
            lambda _: receiver.community,
            _text(lambda length: 0 < length <= COMMUNITY_LENGTH),
            community,
        ),
        f"acceptThisReceiver.{index}": (lambda _: 1 if receiver.enabled else 2, _numbers(lambda _: True), enabled),
    }


class Text:
    """A text with memory."""

    def __init__(self, value: bytes) -> None:
        self.value = value

    def get(self, _now: Instant) -> Value:
        return self.value

    def set(self, value: Value, _now: Instant) -> None:
        if isinstance(value, bytes):
            self.value = value


# --- constants ----------------------------------------------------------------------------------------------


def _within(enum: frozenset[int], check: Checker) -> Checker:
    def checked(value: Value, now: Instant) -> ErrorStatus:
        return check(value, now) if value in enum else ErrorStatus.WRONG_VALUE

    return checked


def _always(value: Value) -> Getter:
    return lambda _: value


def _constant(label: str, tag: Tag, constant: Constant) -> Getter:
    if constant is None or isinstance(constant, Raw):
        raise KeyError(f"{label} is left to the model, which has no such reading")
    if isinstance(constant, int):
        return _always(constant)
    if tag is Tag.OBJECT_IDENTIFIER:
        return _always(Oid.parse(constant))
    if tag is Tag.IP_ADDRESS:
        return _always(_address(constant))
    return _always(constant.encode())


def _typed(raw: Raw) -> tuple[Tag, Value]:
    """Type and value of an instance that says both."""
    if raw.hex is not None:
        return Tag.OCTET_STRING, bytes.fromhex(raw.hex)
    if raw.string is not None:
        return Tag.OCTET_STRING, raw.string.encode()
    if raw.oid is not None:
        return Tag.OBJECT_IDENTIFIER, Oid.parse(raw.oid)
    if raw.address is not None:
        return Tag.IP_ADDRESS, _address(raw.address)
    numbers = {
        Tag.INTEGER: raw.integer,
        Tag.COUNTER32: raw.counter,
        Tag.GAUGE32: raw.gauge,
        Tag.TIME_TICKS: raw.ticks,
    }
    return next((tag, value) for tag, value in numbers.items() if value is not None)


def _address(text: str) -> bytes:
    return bytes(int(part) for part in text.split("."))
