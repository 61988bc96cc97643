"""How a row reads and takes values: the building blocks of the object tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ridethrough.emulators.bindings.snmp import Applier, Checker, Getter
from ridethrough.emulators.devices.ups.profile import Constant, Profile, Raw
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.mibs import Oid
from ridethrough.wire.snmp import ErrorStatus, Tag, Value

if TYPE_CHECKING:
    from ridethrough.emulators.devices.ups.card.card import Card

OK = ErrorStatus.NO_ERROR
TEXT_LENGTH = 255

Live = tuple[Getter, Checker | None, Applier | None]
Rows = dict[str, Live]


def always(value: Value) -> Getter:
    """The same value for every card."""
    return lambda _card, _now: value


def numbers(permits: Callable[[Card, int], bool]) -> Checker:
    """Integers that the card permits."""

    def check(card: Card, value: Value, _now: Instant) -> ErrorStatus:
        return OK if isinstance(value, int) and permits(card, value) else ErrorStatus.WRONG_VALUE

    return check


any_number = numbers(lambda _card, _value: True)


def text(fits: Callable[[int], bool]) -> Checker:
    """Texts whose length fits."""

    def check(_card: Card, value: Value, _now: Instant) -> ErrorStatus:
        return OK if isinstance(value, bytes) and fits(len(value)) else ErrorStatus.WRONG_LENGTH

    return check


def within(enum: frozenset[int], check: Checker) -> Checker:
    """`check`, after the enumeration of the MIB."""

    def checked(card: Card, value: Value, now: Instant) -> ErrorStatus:
        return check(card, value, now) if value in enum else ErrorStatus.WRONG_VALUE

    return checked


def order(idle: int, at: int, run: Callable[[Card, Instant], None]) -> Live:
    """An object that always reads `idle` and does something when `at` is written."""

    def apply(card: Card, value: Value, now: Instant) -> None:
        if value == at:
            run(card, now)

    return always(idle), any_number, apply


def kept(label: str, first: Value, check: Checker) -> Live:
    """A value that the card keeps under `label`, at first `first`."""

    def apply(card: Card, value: Value, _now: Instant) -> None:
        card.written[label] = value

    return lambda card, _now: card.written.get(label, first), check, apply


def stored(label: str, tag: Tag, constant: Constant) -> Live:
    """An instance without a meaning of its own whose value a manager may change."""
    first = value_of(label, tag, constant)
    check = any_number if isinstance(first, int) else text(lambda length: length <= TEXT_LENGTH)
    return kept(label, first, any_value if isinstance(first, Oid) else check)


def any_value(_card: Card, _value: Value, _now: Instant) -> ErrorStatus:
    """Nothing to object to."""
    return OK


def first_text(profile: Profile, label: str) -> bytes:
    """What a text reads in a new card."""
    return profile.text(label.removesuffix(".0")).encode()


def value_of(label: str, tag: Tag, constant: Constant) -> Value:
    """A profile's constant as a value of SNMP. Raises KeyError when it is left to the model."""
    if constant is None or isinstance(constant, Raw):
        raise KeyError(f"{label} is left to the model, which has no such reading")
    if isinstance(constant, int):
        return constant
    if tag is Tag.OBJECT_IDENTIFIER:
        return Oid.parse(constant)
    return address(constant) if tag is Tag.IP_ADDRESS else constant.encode()


def typed(raw: Raw) -> tuple[Tag, Value]:
    """Type and value of an instance that says both."""
    if raw.hex is not None:
        return Tag.OCTET_STRING, bytes.fromhex(raw.hex)
    if raw.string is not None:
        return Tag.OCTET_STRING, raw.string.encode()
    if raw.oid is not None:
        return Tag.OBJECT_IDENTIFIER, Oid.parse(raw.oid)
    if raw.address is not None:
        return Tag.IP_ADDRESS, address(raw.address)
    numbers = {
        Tag.INTEGER: raw.integer,
        Tag.COUNTER32: raw.counter,
        Tag.GAUGE32: raw.gauge,
        Tag.TIME_TICKS: raw.ticks,
    }
    return next((tag, value) for tag, value in numbers.items() if value is not None)


def address(dotted: str) -> bytes:
    """Four octets."""
    return bytes(int(part) for part in dotted.split("."))
