"""The running plant, as far as the pages and the console of a card need it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ridethrough.emulators.kernel.instant import Instant


class InteractiveContext(NamedTuple):
    """`now` gives the present, `changed` is called after everything that may have changed the card, `token` is new
    each time and cannot be guessed.
    """

    now: Callable[[], Instant]
    changed: Callable[[], None]
    token: Callable[[], str]
