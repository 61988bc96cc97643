"""The actions of a timeline by place and word, and for how long what they broke stayed broken. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from typing import NamedTuple

from ridethrough.rigs.explore.invariants.history import Span
from ridethrough.rigs.explore.run import Action


class Deed(NamedTuple):
    """An action, taken apart: `ac power_off CLUS1` has the place `ac`."""

    at_s: float
    place: str
    word: str
    args: tuple[str, ...]

    @property
    def words(self) -> str:
        """The action as the timeline has it."""
        return " ".join((self.place, self.word, *self.args))


class Breakage(NamedTuple):
    """Words that break something until one of `mends` is said to the same place."""

    breaks: frozenset[str]
    mends: frozenset[str]
    deafens: bool = False
    """The gateway does not hear the device meanwhile, or hears nonsense."""


BREAKAGES = (
    Breakage(frozenset({"mute"}), frozenset({"unmute"}), deafens=True),
    Breakage(frozenset({"slow", "drop", "corrupt", "duplicate", "reorder"}), frozenset({"smooth"}), deafens=True),
    Breakage(frozenset({"link_down"}), frozenset({"link_up"}), deafens=True),
    Breakage(frozenset({"freeze"}), frozenset({"thaw"}), deafens=True),
    Breakage(frozenset({"firmware_lost"}), frozenset({"firmware_restored"}), deafens=True),
    Breakage(frozenset({"lan_cut"}), frozenset({"lan_mend"}), deafens=True),
    Breakage(frozenset({"break"}), frozenset({"repair"}), deafens=True),  # a hub
    Breakage(frozenset({"reset"}), frozenset(), deafens=True),  # a card: every setting must be entered again
    Breakage(frozenset({"fail"}), frozenset({"repair"})),  # a power supply
    Breakage(frozenset({"trouble"}), frozenset({"mend"})),
    Breakage(frozenset({"kill"}), frozenset({"start", "restart", "back", "return", "up"}), deafens=True),
)


class Broken(NamedTuple):
    """Something that was broken for a while; infinitely where nobody mended it."""

    place: str
    span: Span
    deafens: bool
    words: str


def deeds_of(timeline: Iterable[Action]) -> list[Deed]:
    """Return the actions in order of time."""
    deeds = []
    for action in sorted(timeline, key=lambda action: action.at_s):
        place, word, *args = action.words.split()
        deeds.append(Deed(action.at_s, place, word, tuple(args)))
    return deeds


def broken_of(deeds: Sequence[Deed]) -> list[Broken]:
    """Return what was broken, in order of time."""
    found = []
    for index, deed in enumerate(deeds):
        for row in BREAKAGES:
            if deed.word not in row.breaks:
                continue
            later = (other for other in deeds[index:] if other.place == deed.place and other.word in row.mends)
            end_s = min((other.at_s for other in later), default=inf)
            found.append(Broken(deed.place, Span(deed.at_s, end_s), row.deafens, deed.words))
    return found
