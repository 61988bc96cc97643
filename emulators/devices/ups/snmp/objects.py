"""The card's objects: readings, settings, orders and kept values by instance; the profile tells which exist.

Rows are the same for all cards of a profile. Each is asked with the card whose state it shows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ridethrough.emulators.bindings.snmp import Getter, Instance, Instances, resolve
from ridethrough.emulators.devices.ups.controls import CONTROLS
from ridethrough.emulators.devices.ups.outlet_groups import outlet_group_rows
from ridethrough.emulators.devices.ups.profile import Profile, Raw
from ridethrough.emulators.devices.ups.settings import PLAIN, ROUNDING, SLEEP_TIME
from ridethrough.emulators.devices.ups.snmp.environment import environment_rows
from ridethrough.emulators.devices.ups.snmp.readings import CARD_READINGS, MINUTE_TICKS, READINGS
from ridethrough.emulators.devices.ups.snmp.rfc1628 import RFC1628_ROWS
from ridethrough.emulators.devices.ups.snmp.rows import (
    Live,
    Rows,
    address,
    always,
    any_number,
    first_text,
    kept,
    numbers,
    order,
    stored,
    text,
    typed,
    value_of,
    within,
)
from ridethrough.emulators.devices.ups.traps import Trap
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.mibs import Oid, standard_tree
from ridethrough.wire.snmp import ErrorStatus, Value

if TYPE_CHECKING:
    from ridethrough.emulators.devices.ups.card.card import Card

NAME_LENGTH = 8  # the UPS keeps eight characters
DATE_LENGTHS = (8, 10)
COMMUNITY_LENGTH = 15
RECEIVERS = 4
YES, NO = 1, 2

# Settings by instance: the object of the UPS that keeps the value, and how many of its units make one of this one.
SETTINGS: dict[str, tuple[str, int]] = {f"{name}.0": (name, 1) for name in (*ROUNDING, SLEEP_TIME, *PLAIN)} | {
    "upsConfigLowBattTime.0": ("upsAdvConfigLowBatteryRunTime", MINUTE_TICKS),
    "upsConfigLowVoltageTransferPoint.0": ("upsAdvConfigLowTransferVolt", 1),
    "upsConfigHighVoltageTransferPoint.0": ("upsAdvConfigHighTransferVolt", 1),
    "upsConfigOutputVoltage.0": ("upsAdvConfigRatedOutputVoltage", 1),
}
# Texts with rules of their own: the instance that holds the text, and a predicate on its length.
TEXTS: dict[str, tuple[str, Callable[[int], bool]]] = {
    "upsBasicIdentName.0": ("upsBasicIdentName.0", lambda length: length <= NAME_LENGTH),
    "upsIdentName.0": ("upsBasicIdentName.0", lambda length: length <= NAME_LENGTH),
    "upsBasicBatteryLastReplaceDate.0": ("upsBasicBatteryLastReplaceDate.0", lambda length: length in DATE_LENGTHS),
}
# Readings whose first value is the profile's.
STARTED_FROM = frozenset(
    {
        "upsAdvTestDiagnosticsResults.0",
        "upsAdvTestLastDiagnosticsDate.0",
        "upsAdvTestCalibrationResults.0",
        "upsAdvTestCalibrationDate.0",
        "upsAdvBatteryNumOfBattPacks.0",
    }
)

# What time alone changes, also while the UPS rests.
MOVING = frozenset(
    {
        "sysUpTime.0",
        "mconfigClockDate.0",
        "mconfigClockTime.0",
        "upsBasicBatteryTimeOnBattery.0",
        "upsSecondsOnBattery.0",
        "upsAdvBatteryRunTimeRemaining.0",  # the battery ages
        "upsEstimatedMinutesRemaining.0",
        "upsAdvInputMaxLineVoltage.0",  # of the last minute
        "upsAdvInputMinLineVoltage.0",
        "upsHighPrecInputMaxLineVoltage.0",
        "upsHighPrecInputMinLineVoltage.0",
        "upsTestElapsedTime.0",
        "upsShutdownAfterDelay.0",
        "upsStartupAfterDelay.0",
        "upsRebootWithDuration.0",
    }
)

_made: dict[int, tuple[Profile, Instances]] = {}


def instances_of(profile: Profile) -> Instances:
    """Exactly the instances of the profile, made once for all its cards.

    Raises KeyError for an instance that the profile leaves to the model and the model does not know.
    """
    known = _made.get(id(profile))
    if known is None:
        known = _made[id(profile)] = (profile, Instances(_instances(profile)))
    return known[1]


def _instances(profile: Profile) -> list[Instance]:
    live = _live(profile)
    rows: list[Instance] = []
    for label, constant in profile.instances.items():
        if isinstance(constant, Raw):
            oid = Oid.parse(label) if label[0].isdigit() else resolve(standard_tree(), label)[0]
            tag, value = typed(constant)
            rows.append(Instance(oid, tag, always(value), constant=True))
            continue
        oid, tag, writable, enum = resolve(standard_tree(), label)
        measured = label in READINGS and (constant is None or label in STARTED_FROM)
        if measured:
            rows.append(Instance(oid, tag, _reading(label), measured=True, steady=label not in MOVING))
            continue
        if label not in live and not writable:
            rows.append(Instance(oid, tag, always(value_of(label, tag, constant)), constant=True))
            continue
        getter, check, apply = live.get(label) or stored(label, tag, constant)
        if check is not None and enum:
            check = within(enum, check)
        steady = label not in MOVING
        rows.append(Instance(oid, tag, getter, check if writable else None, apply if writable else None, steady=steady))
    return rows


def _reading(label: str) -> Getter:
    reading = READINGS[label]
    return lambda card, now: reading(card.ups, now)


def _live(profile: Profile) -> Rows:
    """Everything with a meaning of its own."""
    rows: Rows = {label: (reading, None, None) for label, reading in CARD_READINGS.items()}
    rows |= {label: _setting(*target) for label, target in SETTINGS.items()}
    rows |= {f"{name}.0": _control(name) for name in CONTROLS}
    rows |= {label: kept(holder, first_text(profile, holder), text(fits)) for label, (holder, fits) in TEXTS.items()}
    rows |= {
        "upsAdvConfigSetEEPROMDefaults.0": order(1, 2, lambda card, now: card.ups.settings.reset(now)),
        "mcontrolRestartAgent.0": order(NO, YES, lambda card, now: card.restart(now)),
        "upsPhaseResetMaxMinValues.0": order(1, 2, lambda card, _now: card.ups.line.forget_extremes()),
        "mconfigClockDate.0": _clock("mconfigClockDate.0"),
        "mconfigClockTime.0": _clock("mconfigClockTime.0"),
    }
    for index in range(RECEIVERS):
        rows |= _receiver(index)
    return rows | environment_rows(profile) | outlet_group_rows(profile) | RFC1628_ROWS


def _setting(name: str, scale: int) -> Live:
    def apply(card: Card, value: Value, now: Instant) -> None:
        if isinstance(value, int):
            card.ups.settings.write(name, value * scale, now)

    check = numbers(lambda card, value: card.ups.settings.permits(name, value * scale))
    return lambda card, _now: card.ups.settings[name] // scale, check, apply


def _control(name: str) -> Live:
    def check(card: Card, value: Value, _now: Instant) -> ErrorStatus:
        return card.ups.judge(name, value) if isinstance(value, int) else ErrorStatus.WRONG_TYPE

    def apply(card: Card, value: Value, now: Instant) -> None:
        if isinstance(value, int):
            card.ups.obey(name, value, now)

    return always(1), check, apply  # orders always read back 1


def _clock(label: str) -> Live:
    def check(card: Card, value: Value, now: Instant) -> ErrorStatus:
        wanted = value.decode("latin-1") if isinstance(value, bytes) else ""
        return ErrorStatus.NO_ERROR if card.clock.read(label, wanted, now) else ErrorStatus.WRONG_VALUE

    def apply(card: Card, value: Value, now: Instant) -> None:
        if isinstance(value, bytes) and (moment := card.clock.read(label, value.decode("latin-1"), now)):
            card.clock.set(moment, now)

    return CARD_READINGS[label], check, apply


def _receiver(index: int) -> Rows:
    """A row of the table of trap receivers; a change is told to all of them."""

    def told(change: Callable[[Card, Value], None]) -> Callable[[Card, Value, Instant], None]:
        def apply(card: Card, value: Value, now: Instant) -> None:
            change(card, value)
            card.send(Trap.SNMP_CONFIG_CHANGED, now)

        return apply

    def set_address(card: Card, value: Value) -> None:
        if isinstance(value, bytes):
            card.receivers[index].address = ".".join(map(str, value))

    def set_community(card: Card, value: Value) -> None:
        if isinstance(value, bytes):
            card.receivers[index].community = value

    def set_enabled(card: Card, value: Value) -> None:
        card.receivers[index].enabled = value == YES

    return {
        f"receiverAddr.{index + 1}": (
            lambda card, _now: address(card.receivers[index].address),
            text(lambda length: length == 4),
            told(set_address),
        ),
        f"communityString.{index + 1}": (
            lambda card, _now: card.receivers[index].community,
            text(lambda length: 0 < length <= COMMUNITY_LENGTH),
            told(set_community),
        ),
        f"acceptThisReceiver.{index + 1}": (
            lambda card, _now: YES if card.receivers[index].enabled else NO,
            any_number,
            told(set_enabled),
        ),
    }
