"""What destinations read from and write to storage, whichever it is: events in order, and a cursor for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from ridethrough.gateway.records import EngineClock, Event


def forward_cursor(forward: str) -> str:
    """The name of a forward's cursor; a sink's cursor has the sink's own name, which has no colon."""
    return f"forward:{forward}"


class OutboxWrite(NamedTuple):
    """What follows from records up to `processed`: events, the state of the stages behind them, clocks of engines."""

    events: Sequence[Event]
    processed: int
    state: bytes
    clocks: Sequence[EngineClock] = ()


class Queued(NamedTuple):
    """An event with its place in the outbox."""

    seq: int
    event: Event


class PendingRetry(NamedTuple):
    """What a sink waits with: the event's place, attempts so far, Unix milliseconds of the next, and the reason."""

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
    """How far one destination has come, and what it could not take. All methods raise StoreError."""

    async def position(self) -> int:
        """The place up to which it is done."""

    async def begin(self, seq: int) -> None:
        """Start behind `seq`, unless it has a position already."""

    async def advance(self, seq: int) -> None:
        """Everything up to `seq` is done."""

    async def advance_lazily(self, seq: int) -> bool:
        """Like `advance`, but written together with whatever is written next, and lost if nothing is.

        Returns whether it is on disk already.
        """

    async def save_retry(self, retry: PendingRetry) -> None:
        """Keep what the destination waits for after a failure."""

    async def retry(self) -> PendingRetry | None:
        """What an earlier run left waiting."""

    async def dead_letter(self, seq: int, reason: str) -> None:
        """Put the event at `seq` aside: the destination will never take it."""

    async def requeue(self, seq: int) -> None:
        """Remove the dead letter at `seq`: it was delivered after all."""

    async def dead_letters(self, after: int = 0, limit: int = 1000) -> list[DeadLetter]:
        """The dead letters behind `after` whose events are still kept."""

    async def dead_letter_count(self) -> int:
        """How many dead letters there are."""

    async def pause(self, *, paused: bool) -> None:
        """Remember that it is paused, or no longer."""

    async def is_paused(self) -> bool:
        """Whether somebody paused it, in this run or an earlier one."""


class EventReader(Protocol):
    """EventReader in order, to be read. All methods raise StoreError."""

    async def after(self, seq: int, limit: int) -> list[Queued]:
        """Up to `limit` events behind `seq`."""

    async def seq_of(self, event_id: str) -> int | None:
        """Place of the event called `event_id`; None when there is none."""

    async def last_seq(self) -> int:
        """Place of the newest event, 0 when there is none."""

    async def behind(self, seq: int) -> int:
        """How many events stand behind `seq`."""

    def cursor(self, name: str) -> Cursor:
        """How far the destination called `name` has come."""

    def view(self) -> EventReader:
        """The same, for one more reader that goes on from where it was."""

    async def close(self) -> None:
        """This reader is done."""
