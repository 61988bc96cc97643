"""Platform event traps on their way to their destinations (IPMI 2.0 section 17.16 and tables 23-4, 30-8)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from ridethrough.emulators.bindings.traps import OutgoingTrap
from ridethrough.emulators.devices.bmc.lan import NOWHERE, AlertDestination
from ridethrough.emulators.kernel.instant import Instant, after, soonest
from ridethrough.wire import pet
from ridethrough.wire.snmp import TrapV1

MAX_WAITING = 64


class AlertStatus(IntEnum):
    """The state of the last alert to a destination, as Alert Immediate says it (section 30.7)."""

    NONE = 0x00
    ACKNOWLEDGED = 0x01
    RETRIES_FAILED = 0x02
    NOT_ACKNOWLEDGED = 0x03
    IN_PROGRESS = 0xFF


@dataclass(slots=True)
class PendingAlert:
    """An alert that will be sent again."""

    selector: int
    destination: AlertDestination
    event: pet.Pet
    out: OutgoingTrap
    left: int
    due: Instant


class Alerts:
    """Sends each event to its destinations, again until it is acknowledged or the retries are used up."""

    def __init__(self) -> None:
        self.outgoing: list[OutgoingTrap] = []
        self.waiting: list[PendingAlert] = []
        self.status: dict[int, AlertStatus] = {}

    def send(
        self, selector: int, destination: AlertDestination, community: bytes, event: pet.Pet, trap: TrapV1, now: Instant
    ) -> None:
        """Queue an alert for sending now, and its repeats, if the destination has any.

        `selector` is the row of the destination, whose status follows. Nothing is sent to 0.0.0.0. Beyond `MAX_WAITING`
        alerts that wait, the oldest is not repeated any more.
        """
        if destination.address == NOWHERE.address:
            return
        out = OutgoingTrap(destination.address, destination.port, community, trap)
        self.outgoing.append(out)
        if not destination.retries and not destination.acknowledge:
            self.status[selector] = AlertStatus.ACKNOWLEDGED
            return
        self.status[selector] = AlertStatus.IN_PROGRESS
        if len(self.waiting) >= MAX_WAITING:
            self.waiting.pop(0)
        due = after(now, max(1, destination.timeout_s))  # 0 counts as 1
        self.waiting.append(PendingAlert(selector, destination, event, out, destination.retries, due))

    def acknowledge(self, data: bytes) -> list[int]:
        """Take PET Acknowledge: numbers of the events that it matches, whose alerts end."""
        matching = [row for row in self.waiting if row.destination.acknowledge and pet.acknowledge(row.event) == data]
        for row in matching:
            self.status[row.selector] = AlertStatus.ACKNOWLEDGED
            self.waiting.remove(row)
        return list(dict.fromkeys(row.event.sequence for row in matching))

    def advance(self, now: Instant) -> None:
        """Send what is due again; give up what has been sent often enough."""
        for row in [row for row in self.waiting if row.due <= now]:
            if row.left == 0:
                self.waiting.remove(row)
                self.status[row.selector] = (
                    AlertStatus.NOT_ACKNOWLEDGED if row.destination.acknowledge else AlertStatus.ACKNOWLEDGED
                )
                continue
            row.left -= 1
            row.due = after(now, max(1, row.destination.timeout_s))
            self.outgoing.append(row.out)

    def forget(self) -> None:
        """Drop all alerts, sent or waiting: the controller lost power or restarts."""
        self.waiting.clear()
        self.outgoing.clear()

    def next_deadline(self) -> Instant | None:
        """Return the instant of the next repeat; None while no alert waits for an acknowledgement."""
        return soonest(*(row.due for row in self.waiting))
