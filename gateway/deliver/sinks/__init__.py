"""One module per kind of sink."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from ridethrough.gateway.records import Event


class Outcome(NamedTuple):
    """What became of a delivery: done, to be tried again, or never to be taken."""

    done: bool = False
    permanent: bool = False
    reason: str = ""


DONE = Outcome(done=True)


def retry(reason: str) -> Outcome:
    """The destination may take it later."""
    return Outcome(reason=reason)


def give_up(reason: str) -> Outcome:
    """The destination will never take it."""
    return Outcome(permanent=True, reason=reason)


class Sink(Protocol):
    """Takes events and raises nothing. `lanes` is how many at once, each of another device."""

    @property
    def lanes(self) -> int: ...

    async def deliver(self, event: Event) -> Outcome: ...

    async def close(self) -> None: ...


@runtime_checkable
class Batching(Sink, Protocol):
    """A sink that also takes up to `batch` events at once, all or none of them."""

    batch: int

    async def deliver_all(self, events: Sequence[Event]) -> Outcome: ...
