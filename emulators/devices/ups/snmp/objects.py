"""The objects of a card by instance: readings, settings, controls and stored values; the profile has those that exist.

The rows are made once for all cards of a profile.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from ridethrough.emulators.bindings.snmp import Instance, Instances, resolve
from ridethrough.emulators.devices.ups.card.card import RECEIVERS, Receiver
from ridethrough.emulators.devices.ups.controls import CONTROLS, ControlRefusal, check_control, execute_control
from ridethrough.emulators.devices.ups.profile import Constant, Profile, Raw
from ridethrough.emulators.devices.ups.settings import SETTINGS
from ridethrough.emulators.devices.ups.snmp.environment import environment_rows
from ridethrough.emulators.devices.ups.snmp.outlet_groups import outlet_group_rows
from ridethrough.emulators.devices.ups.snmp.readings import CARD_READINGS, READINGS
from ridethrough.emulators.devices.ups.snmp.rfc1628 import RFC1628_ROWS
from ridethrough.emulators.devices.ups.snmp.rows import (
    OK,
    RowAccess,
    Rows,
    address,
    any_number,
    command_object,
    constant,
    first_text,
    kept_value,
    numbers,
    stored_value,
    text,
    typed,
    value_of,
    within,
)
from ridethrough.emulators.devices.ups.snmp.source import Applier, Source
from ridethrough.emulators.devices.ups.traps import Trap
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.mibs import Oid, standard_tree
from ridethrough.mibs.powernet import NAME_LENGTH, UPS_NAME
from ridethrough.wire.snmp import ErrorStatus, Value

DATE_LENGTHS = (8, 10)
COMMUNITY_LENGTH = 15
YES, NO = 1, 2

# Settings by instance: the object of the UPS that keeps the value, and how many of its units make one of this one.
SETTING_INSTANCES: dict[str, tuple[str, int]] = {f"{name}.0": (name, 1) for name in SETTINGS} | {
    row.other_instance: (name, row.per_other) for name, row in SETTINGS.items() if row.other_instance
}
# Texts with rules of their own: the instance that holds the text, and a predicate on its length.
TEXTS: dict[str, tuple[str, Callable[[int], bool]]] = {
    f"{UPS_NAME}.0": (f"{UPS_NAME}.0", lambda length: length <= NAME_LENGTH),
    "upsIdentName.0": (f"{UPS_NAME}.0", lambda length: length <= NAME_LENGTH),
    "upsBasicBatteryLastReplaceDate.0": ("upsBasicBatteryLastReplaceDate.0", lambda length: length in DATE_LENGTHS),
}
# error-status of a refused command.
REFUSALS: dict[ControlRefusal, ErrorStatus] = {
    ControlRefusal.NOT_ON_BATTERY: ErrorStatus.GEN_ERR,  # as a real AP9617 answers; badValue in version 1 by the MIB
    ControlRefusal.NO_BYPASS: ErrorStatus.WRONG_VALUE,
}


@cache
def instances_of(profile: Profile) -> Instances:
    """Return exactly the instances of the profile, made once for all its cards.

    Raises KeyError for an instance that the profile leaves to the model and the model does not know.
    """
    known = _rows(profile)
    return Instances(_instance(label, recorded, known) for label, recorded in profile.instances.items())


def _instance(label: str, recorded: Constant, known: Rows) -> Instance:
    if isinstance(recorded, Raw):
        oid = Oid.parse(label) if label[0].isdigit() else resolve(standard_tree(), label)[0]
        tag, value = typed(recorded)
        return Instance(oid, tag, constant(value), constant=True)
    oid, tag, writable, enum = resolve(standard_tree(), label)
    row = known.get(label)
    if row is not None and row.measured and recorded is not None and not row.initial_from_profile:
        row = None  # this card does not measure it
    if row is None and not writable:
        return Instance(oid, tag, constant(value_of(label, tag, recorded)), constant=True)
    if row is None:
        row = stored_value(label, tag, recorded)
    check = within(enum, row.check) if row.check is not None and enum else row.check
    return Instance(
        oid,
        tag,
        row.get,
        check if writable else None,
        row.apply if writable else None,
        measured=row.measured,
        steady=not row.time_dependent,
    )


def _rows(profile: Profile) -> Rows:
    """Return the rows of everything with a meaning of its own."""
    rows: Rows = READINGS | CARD_READINGS
    rows |= {label: _setting(*target) for label, target in SETTING_INSTANCES.items()}
    rows |= {f"{name}.0": _control(name) for name in CONTROLS}
    rows |= {
        label: kept_value(holder, first_text(profile, holder), text(fits)) for label, (holder, fits) in TEXTS.items()
    }
    rows |= {
        "upsAdvConfigSetEEPROMDefaults.0": command_object(1, 2, lambda source, now: source.ups.settings.reset(now)),
        "mcontrolRestartAgent.0": command_object(NO, YES, lambda source, now: source.card.restart(now)),
        "upsPhaseResetMaxMinValues.0": command_object(1, 2, lambda source, _now: source.ups.line.forget_extremes()),
        "mconfigClockDate.0": _clock("mconfigClockDate.0"),
        "mconfigClockTime.0": _clock("mconfigClockTime.0"),
    }
    for index in range(RECEIVERS):
        rows |= _receiver(index)
    return rows | environment_rows(profile) | outlet_group_rows(profile) | RFC1628_ROWS


def _setting(name: str, scale: int) -> RowAccess:
    def apply(source: Source, value: Value, now: Instant) -> None:
        if isinstance(value, int):
            source.ups.settings.write(name, value * scale, now)

    check = numbers(lambda source, value: source.ups.settings.permits(name, value * scale))
    return RowAccess(lambda source, _now: source.ups.settings[name] // scale, check, apply)


def _control(name: str) -> RowAccess:
    def check(source: Source, value: Value, _now: Instant) -> ErrorStatus:
        if not isinstance(value, int):
            return ErrorStatus.WRONG_TYPE
        refusal = check_control(source.ups, name, value)
        return OK if refusal is None else REFUSALS[refusal]

    def apply(source: Source, value: Value, now: Instant) -> None:
        if isinstance(value, int):
            execute_control(source.ups, name, value, now)

    return RowAccess(constant(1), check, apply)  # controls always read back 1


def _clock(label: str) -> RowAccess:
    def check(source: Source, value: Value, now: Instant) -> ErrorStatus:
        wanted = value.decode("latin-1") if isinstance(value, bytes) else ""
        return OK if source.card.clock.read(label, wanted, now) else ErrorStatus.WRONG_VALUE

    def apply(source: Source, value: Value, now: Instant) -> None:
        if isinstance(value, bytes) and (moment := source.card.clock.read(label, value.decode("latin-1"), now)):
            source.card.clock.set(moment, now)

    return CARD_READINGS[label]._replace(check=check, apply=apply)


def _receiver(index: int) -> Rows:
    """Return a row of the table of trap receivers, all of whom get a trap about a change."""

    def announced(change: Callable[[Receiver, Value], None]) -> Applier:
        def apply(source: Source, value: Value, now: Instant) -> None:
            change(source.card.receivers[index], value)
            source.card.send(Trap.SNMP_CONFIG_CHANGED, now)

        return apply

    def set_address(receiver: Receiver, value: Value) -> None:
        if isinstance(value, bytes):
            receiver.address = ".".join(map(str, value))

    def set_community(receiver: Receiver, value: Value) -> None:
        if isinstance(value, bytes):
            receiver.community = value

    def set_enabled(receiver: Receiver, value: Value) -> None:
        receiver.enabled = value == YES

    return {
        f"receiverAddr.{index + 1}": RowAccess(
            lambda source, _now: address(source.card.receivers[index].address),
            text(lambda length: length == 4),
            announced(set_address),
        ),
        f"communityString.{index + 1}": RowAccess(
            lambda source, _now: source.card.receivers[index].community,
            text(lambda length: 0 < length <= COMMUNITY_LENGTH),
            announced(set_community),
        ),
        f"acceptThisReceiver.{index + 1}": RowAccess(
            lambda source, _now: YES if source.card.receivers[index].enabled else NO,
            any_number,
            announced(set_enabled),
        ),
    }
