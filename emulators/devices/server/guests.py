"""Virtual machines of a hypervisor host: started and stopped in the order of their ranks."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from ridethrough.emulators.kernel.instant import Instant, after, soonest


class GuestState(StrEnum):
    """Life of a virtual machine."""

    OFF = "off"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"


class Guest(NamedTuple):
    """A virtual machine. Lower ranks start first and stop last."""

    name: str
    boot_s: float
    shutdown_s: float
    rank: int
    starts: bool = True
    """It starts with its host."""
    orderly: bool = True
    """Its host can shut it down, and is to; otherwise it is turned off."""


class Guests:
    """All guests of one host. A rank begins when the one before it has ended."""

    def __init__(self, guests: tuple[Guest, ...]) -> None:
        """They run, as everything does when the world begins."""
        self._guests = {guest.name: guest for guest in guests}
        self.states = {guest.name: GuestState.RUNNING for guest in guests}
        self._due: dict[str, Instant] = {}
        self.cuts = 0  # guests that were turned off while they ran
        self._wanted: set[str] | None = None  # guests still to start in order
        self._stopping = False

    def _in(self, *states: GuestState) -> list[Guest]:
        return [self._guests[name] for name, state in self.states.items() if state in states]

    @property
    def stopped(self) -> bool:
        """True if no guest runs, starts or shuts down."""
        return not self._in(GuestState.STARTING, GuestState.RUNNING, GuestState.STOPPING)

    def start(self, now: Instant, name: str | None = None) -> None:
        """Start one guest at once, or all in order."""
        self._stopping = False
        if name is not None:
            if self.states[name] is GuestState.OFF:
                self._begin(self._guests[name], now)
            return
        self._wanted = {guest.name for guest in self._in(GuestState.OFF) if guest.starts}
        self._go_on(now)

    def stop(self, now: Instant) -> None:
        """Stop all, the highest rank first."""
        self._wanted = None
        self._stopping = True
        for guest in self._in(GuestState.STARTING):
            self._end(guest)
        for guest in self._in(GuestState.RUNNING):
            if not guest.orderly:
                self.cuts += 1
                self._end(guest)
        self._go_on(now)

    def stop_one(self, now: Instant, name: str) -> None:
        """Shut one guest down at once, whatever its rank; nothing happens to one that does not run."""
        if self.states[name] is GuestState.RUNNING:
            self.states[name] = GuestState.STOPPING
            self._due[name] = after(now, self._guests[name].shutdown_s)

    def kill(self) -> None:
        """Turn all guests off at once, as their host is off."""
        self._wanted, self._stopping = None, False
        for name in self.states:
            self._end(self._guests[name])

    def _begin(self, guest: Guest, now: Instant) -> None:
        self.states[guest.name] = GuestState.STARTING
        self._due[guest.name] = after(now, guest.boot_s)

    def _end(self, guest: Guest) -> None:
        self.states[guest.name] = GuestState.OFF
        self._due.pop(guest.name, None)

    def _go_on(self, now: Instant) -> None:
        """Begin with the next rank when nothing is under way."""
        if self._due:
            return
        if self._stopping and (running := self._in(GuestState.RUNNING)):
            last = max(guest.rank for guest in running)
            for guest in running:
                if guest.rank == last:
                    self.states[guest.name] = GuestState.STOPPING
                    self._due[guest.name] = after(now, guest.shutdown_s)
        elif self._wanted:
            first = min(self._guests[name].rank for name in self._wanted)
            for name in sorted(self._wanted):
                if self._guests[name].rank == first:
                    self._begin(self._guests[name], now)
            self._wanted -= self._due.keys()

    def advance(self, now: Instant) -> None:
        """Do what is due."""
        for name, due in sorted(self._due.items()):
            if due > now:
                continue
            del self._due[name]
            starting = self.states[name] is GuestState.STARTING
            self.states[name] = GuestState.RUNNING if starting else GuestState.OFF
        self._go_on(now)

    def next_deadline(self) -> Instant | None:
        """Return the instant at which the next guest has started or shut down; None for never."""
        return soonest(*self._due.values())
