"""Building blocks of the object tables: how a row reads its value and what it does with one that is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ridethrough.emulators.devices.ups.profile import Constant, Profile, Raw
from ridethrough.emulators.devices.ups.snmp.source import Applier, Checker, Getter, Source
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.mibs import Oid
from ridethrough.wire.snmp import ErrorStatus, Tag, Value

OK = ErrorStatus.NO_ERROR
TEXT_LENGTH = 255


class RowAccess(NamedTuple):
    """The ways to read an object and, where it is writable, to write it."""

    get: Getter
    check: Checker | None = None
    apply: Applier | None = None
    measured: bool = False  # by the sensors of the UPS: it stands still on a frozen card
    time_dependent: bool = False  # changes by time alone, also while the UPS rests
    initial_from_profile: bool = False  # measured, and its first value is the one in the profile


Rows = dict[str, RowAccess]


def constant(value: Value) -> Getter:
    """Read the same value from every card."""
    return lambda _source, _now: value


def numbers(permits: Callable[[Source, int], bool]) -> Checker:
    """Accept integers that `permits` says yes to."""

    def check(source: Source, value: Value, _now: Instant) -> ErrorStatus:
        return OK if isinstance(value, int) and permits(source, value) else ErrorStatus.WRONG_VALUE

    return check


any_number = numbers(lambda _source, _value: True)


def text(fits: Callable[[int], bool]) -> Checker:
    """Accept texts whose length fits."""

    def check(_source: Source, value: Value, _now: Instant) -> ErrorStatus:
        return OK if isinstance(value, bytes) and fits(len(value)) else ErrorStatus.WRONG_LENGTH

    return check


def within(enum: frozenset[int], check: Checker) -> Checker:
    """Accept what the enumeration of the MIB has and `check` accepts."""

    def checked(source: Source, value: Value, now: Instant) -> ErrorStatus:
        return check(source, value, now) if value in enum else ErrorStatus.WRONG_VALUE

    return checked


def command_object(idle: int, at: int, run: Callable[[Source, Instant], None]) -> RowAccess:
    """Make an object that always reads `idle` and does something when `at` is written."""

    def apply(source: Source, value: Value, now: Instant) -> None:
        if value == at:
            run(source, now)

    return RowAccess(constant(idle), any_number, apply)


def kept_value(label: str, first: Value, check: Checker) -> RowAccess:
    """Make an object whose value the card keeps under `label`, at first `first`."""

    def apply(source: Source, value: Value, _now: Instant) -> None:
        source.card.stored.written[label] = value

    return RowAccess(lambda source, _now: source.card.stored.written.get(label, first), check, apply)


def stored_value(label: str, tag: Tag, recorded: Constant) -> RowAccess:
    """Make an object without a meaning of its own whose value a manager may change."""
    first = value_of(label, tag, recorded)
    check = any_number if isinstance(first, int) else text(lambda length: length <= TEXT_LENGTH)
    return kept_value(label, first, any_value if isinstance(first, Oid) else check)


def any_value(_source: Source, _value: Value, _now: Instant) -> ErrorStatus:
    """Accept anything."""
    return OK


def first_text(profile: Profile, label: str) -> bytes:
    """Return what a text reads in a new card."""
    return profile.text(label.removesuffix(".0")).encode()


def value_of(label: str, tag: Tag, recorded: Constant) -> Value:
    """Return a profile's constant as a value of SNMP. Raises KeyError when it is left to the model."""
    if recorded is None or isinstance(recorded, Raw):
        raise KeyError(f"{label} is left to the model, which has no such reading")
    if isinstance(recorded, int):
        return recorded
    if tag is Tag.OBJECT_IDENTIFIER:
        return Oid.parse(recorded)
    return address(recorded) if tag is Tag.IP_ADDRESS else recorded.encode()


def typed(raw: Raw) -> tuple[Tag, Value]:
    """Return type and value of an instance that says both."""
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
    """Return the four octets of an address."""
    return bytes(int(part) for part in dotted.split("."))
