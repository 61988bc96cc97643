"""Storage as destinations see it, whichever it is: events in order, and a cursor for each destination."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from ridethrough.gateway.records import EngineClock, Event


def forward_cursor(forward: str) -> str:
    """The name of a forward's cursor; a sink's cursor has the sink's own name, which has no colon."""
    return f"forward:{forward}"


class OutboxWrite(NamedTuple):
    """Results of the records up to `processed`: events, the state of the stages, clocks of engines."""

    events: Sequence[Event]
    processed: int
    state: bytes
    clocks: Sequence[EngineClock] = ()


class Queued(NamedTuple):
    """An event with its position in the outbox."""

    seq: int
    event: Event


class PendingRetry(NamedTuple):
    """A wait after a failure: the event's position, attempts so far, Unix milliseconds of the next, and the reason."""

    seq: int
    attempt: int
    until_ms: int
    reason: str


class DeadLetter(NamedTuple):
    """An event that a sink will never take, and why."""

    seq: int
    event: Event
    reason: str


class Cursor(Protocol):
    """The position, the retry, the dead letters and the pause of one destination. All methods raise StoreError."""

    async def position(self) -> int:
        """The position up to which it is done."""

    async def begin(self, seq: int) -> None:
        """Start behind `seq`, unless it has a position already."""

    async def advance(self, seq: int) -> None:
        """Everything up to `seq` is done."""

    async def advance_lazily(self, seq: int) -> bool:
        """Like `advance`, but written together with whatever is written next, and lost if nothing is.

        Returns whether it is on disk already.
        """

    async def save_retry(self, retry: PendingRetry) -> None:
        """Store the wait after a failure, in place of an earlier one."""

    async def retry(self) -> PendingRetry | None:
        """The wait that an earlier run left; None without one. The caller checks that its event is the next."""

    async def dead_letter(self, seq: int, reason: str) -> None:
        """Store that the destination will never take the event at `seq`."""

    async def requeue(self, seq: int) -> None:
        """Remove the dead letter at `seq`: it was delivered after all."""

    async def dead_letters(self, after: int = 0, limit: int = 1000) -> list[DeadLetter]:
        """The dead letters behind `after` whose events are still kept."""

    async def dead_letter_count(self) -> int:
        """Number of dead letters."""

    async def pause(self, *, paused: bool) -> None:
        """Store that it is paused, or no longer."""

    async def is_paused(self) -> bool:
        """True when it was paused, in this run or an earlier one."""


class EventReader(Protocol):
    """Reads events in order. All methods raise StoreError."""

    async def after(self, seq: int, limit: int) -> list[Queued]:
        """Up to `limit` events behind `seq`."""

    async def seq_of(self, event_id: str) -> int | None:
        """Place of the event called `event_id`; None when there is none."""

    async def last_seq(self) -> int:
        """Place of the newest event, 0 when there is none."""

    async def behind(self, seq: int) -> int:
        """Number of events behind `seq`."""

    def cursor(self, name: str) -> Cursor:
        """The cursor of the destination called `name`."""

    def view(self) -> EventReader:
        """Another reader of the same events, with a position of its own in the stream where there is one."""

    async def close(self) -> None:
        """Release what this reader holds open."""
