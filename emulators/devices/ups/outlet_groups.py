"""Outlet groups: parts of the output that switch by themselves, while the whole output is on."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from ridethrough.emulators.bindings.snmp import Applier, Getter
from ridethrough.emulators.devices.ups.profile import Profile
from ridethrough.emulators.devices.ups.snmp.rows import Rows, any_number
from ridethrough.emulators.devices.ups.traps import Trap
from ridethrough.emulators.kernel.instant import Instant, after
from ridethrough.wire.snmp import Value

if TYPE_CHECKING:
    from ridethrough.emulators.devices.ups.card.card import Card

STATUS_INDEX = "upsOutletGroupStatusIndex"


class Command(IntEnum):
    """upsOutletGroupControlCommand."""

    ON = 1
    OFF = 2
    REBOOT = 3
    DELAYED_ON = 4
    DELAYED_OFF = 5
    DELAYED_REBOOT = 6
    CANCEL = 7
    REBOOT_SHUTDOWN = 9
    DELAYED_REBOOT_SHUTDOWN = 10


class Outlets:
    """One group."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.on = True
        self.off_at: Instant | None = None
        self.on_at: Instant | None = None
        self.returns_s: float | None = None  # after the outlets went off

    @property
    def pending(self) -> bool:
        """Whether a command waits."""
        return self.off_at is not None or self.on_at is not None

    def cancel(self) -> None:
        """Forget what waits."""
        self.off_at = self.on_at = self.returns_s = None


def indexes_of(profile: Profile) -> list[int]:
    """The groups that a profile shows."""
    rows = (label.partition(".") for label in profile.instances)
    return [int(index) for name, _, index in rows if name == STATUS_INDEX]


class OutletGroups:
    """All groups of a UPS. Delays are those that the card keeps."""

    def __init__(self, card: Card) -> None:
        self._card = card
        self.groups = {index: Outlets(index) for index in indexes_of(card.profile)}

    def feeds(self, index: int | None) -> bool:
        """Whether a consumer on this group, or on none, gets what the UPS puts out."""
        return index is None or self.groups[index].on

    def obey(self, index: int, command: int, now: Instant) -> None:
        """Carry out a command; one without meaning now has no effect."""
        group = self.groups[index]
        self._tell(Trap.GROUP_COMMAND, group, now)
        off_s, on_s, reboot_s = (
            self._card.number(f"upsOutletGroupConfig{name}.{index}")
            for name in ("PowerOffDelay", "PowerOnDelay", "RebootDuration")
        )
        group.cancel()
        match command:
            case Command.ON:
                group.on_at = now
            case Command.DELAYED_ON:
                group.on_at = _after(now, on_s)
            case Command.OFF:
                group.off_at = now
            case Command.DELAYED_OFF:
                group.off_at = _after(now, off_s)
            case Command.REBOOT | Command.REBOOT_SHUTDOWN:
                group.off_at, group.returns_s = now, reboot_s
            case Command.DELAYED_REBOOT | Command.DELAYED_REBOOT_SHUTDOWN:
                group.off_at, group.returns_s = _after(now, off_s), reboot_s
        self.advance(now)

    def advance(self, now: Instant) -> None:
        """Switch what is due."""
        for group in self.groups.values():
            if group.off_at is not None and group.off_at <= now:
                group.off_at = None
                if group.returns_s is not None:
                    group.on_at, group.returns_s = after(now, group.returns_s), None
                self._switch(group, now, on=False)
            if group.on_at is not None and group.on_at <= now:
                group.on_at = None
                self._switch(group, now, on=True)

    def _switch(self, group: Outlets, now: Instant, *, on: bool) -> None:
        if group.on is not on:
            group.on = on
            self._tell(Trap.GROUP_ON if on else Trap.GROUP_OFF, group, now)

    def _tell(self, trap: Trap, group: Outlets, now: Instant) -> None:
        self._card.send(trap, now, {"upsOutletGroupControlIndex": group.index}, index=(group.index,))

    def deadlines(self) -> list[Instant | None]:
        """When commands are due."""
        return [due for group in self.groups.values() for due in (group.off_at, group.on_at)]


def _after(now: Instant, delay_s: int) -> Instant | None:
    """A negative delay is never."""
    return None if delay_s < 0 else after(now, delay_s)


STATE_ON, STATE_OFF = 1, 2
PENDING, NOT_PENDING = 1, 2


def outlet_group_rows(profile: Profile) -> Rows:
    """What the card shows of its groups, and the command of each."""
    rows: Rows = {}
    for index in indexes_of(profile):
        for table in ("Status", "Control"):
            rows[f"upsOutletGroup{table}Name.{index}"] = (_name(index), None, None)
        rows[f"upsOutletGroupStatusGroupState.{index}"] = (_state(index), None, None)
        rows[f"upsOutletGroupStatusCommandPending.{index}"] = (_pending(index), None, None)
        rows[f"upsOutletGroupControlCommand.{index}"] = (_state(index), any_number, _command(index))
    return rows


def _name(index: int) -> Getter:
    return lambda card, _now: card.text(f"upsOutletGroupConfigName.{index}")


def _state(index: int) -> Getter:
    def get(card: Card, _now: Instant) -> Value:
        return STATE_ON if card.ups.output_on and card.groups.groups[index].on else STATE_OFF

    return get


def _pending(index: int) -> Getter:
    return lambda card, _now: PENDING if card.groups.groups[index].pending else NOT_PENDING


def _command(index: int) -> Applier:
    def apply(card: Card, value: Value, now: Instant) -> None:
        if isinstance(value, int):
            card.groups.obey(index, value, now)

    return apply
