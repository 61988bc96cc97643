"""Object identifiers as values: hashable, ordered as SNMP orders them."""

from __future__ import annotations

from functools import lru_cache
from typing import Self

MAX_ARCS = 128  # RFC 3416 section 4.1
MAX_ARC = 0xFFFFFFFF


class Oid(tuple[int, ...]):
    """A sequence of arcs. Comparison is the lexicographic order of RFC 3416 section 4.2.2."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read dotted decimal, with or without a leading dot.

        Raises ValueError with the offending text when an arc is not a number in 0..2^32-1, or there are
        more than 128 of them.
        """
        arcs = text.removeprefix(".").split(".")
        if not all(arc.isascii() and arc.isdigit() for arc in arcs):
            raise ValueError(f"{text!r} is not a dotted object identifier")
        oid = cls(int(arc) for arc in arcs)
        if len(oid) > MAX_ARCS or any(arc > MAX_ARC for arc in oid):
            raise ValueError(f"{text!r} exceeds the limits of an SNMP object identifier")
        return oid

    def child(self, *arcs: int) -> Oid:
        """This identifier with `arcs` appended."""
        return Oid(self + arcs)

    def covers(self, other: Oid) -> bool:
        """Return whether `other` is this identifier or lies below it."""
        return other[: len(self)] == self

    def __str__(self) -> str:
        return _dotted(self)

    def __repr__(self) -> str:
        return f"Oid({str(self)!r})"


@lru_cache(maxsize=4096)
def _dotted(arcs: tuple[int, ...]) -> str:
    """The same few are shown all the time."""
    return ".".join(map(str, arcs))
