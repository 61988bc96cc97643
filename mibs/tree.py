"""Look objects up by number or by name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from ridethrough.mibs.oid import Oid


@dataclass(frozen=True, slots=True)
class MibObject:
    """One object, notification or node of a MIB text."""

    oid: Oid
    name: str
    module: str
    syntax: str = ""  # base type by its SMI name; empty for nodes and notifications
    access: str = ""  # MAX-ACCESS
    units: str = ""
    enum: Mapping[int, str] = field(default_factory=dict)
    objects: tuple[str, ...] = ()  # variables of a notification, in order
    notification: bool = False

    def show(self, value: int | bytes | Oid | None) -> str | int | float | None:
        """The value as a person reads it: enumeration name, text, or the number itself."""
        if isinstance(value, int):
            return self.enum.get(value, value)
        if isinstance(value, bytes):
            return readable(value)
        return None if value is None else str(value)

    def number(self, label: str) -> int:
        """The value that the enumeration calls `label`. Raises KeyError when there is none of that name."""
        for number, name in self.enum.items():
            if name == label:
                return number
        raise KeyError(f"{self.name} has no value {label}")


def readable(octets: bytes) -> str:
    """Text when the octets are printable UTF-8 (a final NUL is dropped), else hexadecimal."""
    try:
        text = octets.removesuffix(b"\0").decode()
    except UnicodeDecodeError:
        return octets.hex(" ")
    return text if text.isprintable() else octets.hex(" ")


MAX_FOUND = 4096


class MibTree:
    """Objects by number and by name; later additions win, so a user's MIB text can refine ours."""

    def __init__(self, objects: Iterable[MibObject] = ()) -> None:
        self._by_oid: dict[Oid, MibObject] = {}
        self._by_name: dict[str, MibObject] = {}
        self._found: dict[Oid, tuple[MibObject, Oid] | None] = {}  # the same few are looked for all the time
        self._described: dict[Oid, tuple[str, MibObject | None]] = {}
        self.add(objects)

    def __iter__(self) -> Iterator[MibObject]:
        return iter(self._by_oid.values())

    def add(self, objects: Iterable[MibObject]) -> None:
        """Add objects; one of a name or number that is known takes its place."""
        self._found.clear()
        self._described.clear()
        for item in objects:
            self._by_oid[item.oid] = item
            self._by_name[item.name] = item

    def get(self, oid: Oid) -> MibObject | None:
        """The object whose number is exactly `oid`."""
        return self._by_oid.get(oid)

    def find(self, oid: Oid) -> tuple[MibObject, Oid] | None:
        """The nearest object at or above `oid`, and the arcs that remain (the instance)."""
        if oid in self._found:
            return self._found[oid]
        found = None
        for length in range(len(oid), 0, -1):
            if item := self._by_oid.get(Oid(oid[:length])):
                found = item, Oid(oid[length:])
                break
        if len(self._found) >= MAX_FOUND:
            self._found.clear()
        self._found[oid] = found
        return found

    def named(self, name: str) -> MibObject:
        """The object called `name`. Raises KeyError when no text defines it."""
        return self._by_name[name]

    def label(self, oid: Oid) -> str:
        """`name.instance` as far as names are known, otherwise the dotted number."""
        return self.described(oid)[0]

    def described(self, oid: Oid) -> tuple[str, MibObject | None]:
        """Its label, and the object that it is an instance of, as far as that is known."""
        known = self._described.get(oid)
        if known is None:
            found = self.find(oid)
            if found is None or not (found[0].syntax or found[0].notification):
                known = str(oid), None
            else:
                item, rest = found
                known = f"{item.name}.{rest}" if rest else item.name, item
            if len(self._described) >= MAX_FOUND:
                self._described.clear()
            self._described[oid] = known
        return known


def objects_from_table(table: Mapping[str, Any]) -> list[MibObject]:
    """The objects of a compiled table (the shape `ridethrough.mibs.compiler.to_table` writes)."""
    return [
        MibObject(
            oid=Oid.parse(row["oid"]),
            name=name,
            module=module,
            syntax=row.get("syntax", ""),
            access=row.get("access", ""),
            units=row.get("units", ""),
            enum={int(number): label for number, label in row.get("enum", {}).items()},
            objects=tuple(row.get("objects", ())),
            notification=row.get("notification", False),
        )
        for module, rows in table.items()
        for name, row in rows.items()
    ]


@cache
def standard_tree() -> MibTree:
    """The tree of the texts that come with Ridethrough. Shared: copy it before adding to it."""
    text = resources.files("ridethrough.mibs").joinpath("tables/ridethrough.json").read_text()
    return MibTree(objects_from_table(json.loads(text)))
