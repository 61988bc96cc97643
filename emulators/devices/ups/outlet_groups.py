"""Outlet groups: parts of the output that switch by themselves, while the whole output is on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import NamedTuple

from ridethrough.emulators.devices.ups.traps import Notify, Trap
from ridethrough.emulators.kernel.instant import Instant, after


class GroupCommand(IntEnum):
    """A command to a group, with the numbers of upsOutletGroupControlCommand."""

    ON = 1
    OFF = 2
    REBOOT = 3
    DELAYED_ON = 4
    DELAYED_OFF = 5
    DELAYED_REBOOT = 6
    CANCEL = 7
    REBOOT_SHUTDOWN = 9
    DELAYED_REBOOT_SHUTDOWN = 10


class GroupDelays(NamedTuple):
    """Delays of a group's commands, and how long a reboot stays off. A negative delay is never."""

    off_s: int
    on_s: int
    reboot_s: int


class OutletGroup:
    """The state of one group."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.on = True
        self.off_at: Instant | None = None
        self.on_at: Instant | None = None
        self.returns_s: float | None = None  # after the outlets went off

    @property
    def pending(self) -> bool:
        """True while a command waits for its time."""
        return self.off_at is not None or self.on_at is not None

    def cancel(self) -> None:
        """Drop the command that waits, if any."""
        self.off_at = self.on_at = self.returns_s = None


class OutletGroups:
    """All groups of a UPS. `delays` gives the delays of a group by its index."""

    def __init__(self, indexes: Iterable[int], delays: Callable[[int], GroupDelays], notify: Notify) -> None:
        self.groups = {index: OutletGroup(index) for index in indexes}
        self._delays = delays
        self._notify = notify

    def feeds(self, index: int | None) -> bool:
        """Return whether a consumer on this group, or on none, gets what the UPS puts out."""
        return index is None or self.groups[index].on

    def execute(self, index: int, command: int, now: Instant) -> None:
        """Carry out a command; one without meaning now has no effect."""
        group = self.groups[index]
        self._notify(Trap.GROUP_COMMAND, now, index)
        off_s, on_s, reboot_s = self._delays(index)
        group.cancel()
        match command:
            case GroupCommand.ON:
                group.on_at = now
            case GroupCommand.DELAYED_ON:
                group.on_at = _after(now, on_s)
            case GroupCommand.OFF:
                group.off_at = now
            case GroupCommand.DELAYED_OFF:
                group.off_at = _after(now, off_s)
            case GroupCommand.REBOOT | GroupCommand.REBOOT_SHUTDOWN:
                group.off_at, group.returns_s = now, reboot_s
            case GroupCommand.DELAYED_REBOOT | GroupCommand.DELAYED_REBOOT_SHUTDOWN:
                group.off_at, group.returns_s = _after(now, off_s), reboot_s
        self.advance(now)

    def advance(self, now: Instant) -> None:
        """Switch the groups whose time has come."""
        for group in self.groups.values():
            if group.off_at is not None and group.off_at <= now:
                group.off_at = None
                if group.returns_s is not None:
                    group.on_at, group.returns_s = after(now, group.returns_s), None
                self._switch(group, now, on=False)
            if group.on_at is not None and group.on_at <= now:
                group.on_at = None
                self._switch(group, now, on=True)

    def _switch(self, group: OutletGroup, now: Instant, *, on: bool) -> None:
        if group.on is not on:
            group.on = on
            self._notify(Trap.GROUP_ON if on else Trap.GROUP_OFF, now, group.index)

    def deadlines(self) -> list[Instant | None]:
        """Return when commands are due."""
        return [due for group in self.groups.values() for due in (group.off_at, group.on_at)]


def _after(now: Instant, delay_s: int) -> Instant | None:
    return None if delay_s < 0 else after(now, delay_s)
