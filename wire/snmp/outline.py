"""The outline of a message of version 2: enough to send it on, without the values of its variables."""

from __future__ import annotations

from typing import Final

from ridethrough.mibs import Oid
from ridethrough.wire import ber
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp.codec import MAX_VARBINDS, READERS, name_of, unwrapped
from ridethrough.wire.snmp.convert import SNMP_TRAP_OID, SYS_UP_TIME
from ridethrough.wire.snmp.values import Kind, Tag, Version

# Members of enumerations under names of this module: docs/decisions/0024.
VERSION_2: Final = Version.V2C
OBJECT_IDENTIFIER: Final = int(Tag.OBJECT_IDENTIFIER)
TIME_TICKS: Final = int(Tag.TIME_TICKS)
OCTETS: Final = frozenset({int(Tag.OCTET_STRING), int(Tag.OPAQUE)})  # any will do
NUMBERS: Final = frozenset(map(int, (Tag.INTEGER, Tag.COUNTER32, Tag.GAUGE32, Tag.TIME_TICKS, Tag.COUNTER64)))


class Outline:
    """Kind, community, request identifier, names and tags of the variables, which stand in `data[start:stop]`."""

    def __init__(
        self, kind: Kind, community: bytes, request_id: int, names: list[Oid], tags: list[int], start: int, stop: int
    ) -> None:
        self.kind = kind
        self.community = community
        self.request_id = request_id
        self.names = names
        self.tags = tags
        self.start = start
        self.stop = stop

    @property
    def headed(self) -> bool:
        """True if time and name are the first two variables, as RFC 3416 section 4.2.6 wants it, and nowhere else."""
        names, tags = self.names, self.tags
        if len(names) < 2 or tags[0] != TIME_TICKS or tags[1] != OBJECT_IDENTIFIER:
            return False
        if names[0] != SYS_UP_TIME or names[1] != SNMP_TRAP_OID:
            return False
        rest = names[2:]
        return SYS_UP_TIME not in rest and SNMP_TRAP_OID not in rest


def outline(data: bytes) -> Outline | None:
    """Of one whole datagram; None for version 1. Raises WireError for what cannot be read, as `decode` does."""
    version, community, kind, at, end = unwrapped(data)
    if version is not VERSION_2:
        return None
    request_id, at = ber.integer(data, at, end)
    _, at = ber.integer(data, at, end)
    _, at = ber.integer(data, at, end)
    at, stop = ber.expect(data, at, end, ber.SEQUENCE)
    if stop != end:
        raise WireError(stop, "octets follow the variable bindings")
    start = at
    names: list[Oid] = []
    tags: list[int] = []
    while at < end:
        name_start, name_end, item_end = name_of(data, at, end)
        tag, value_start, value_stop = ber.read_header(data, name_end, item_end)
        if value_stop != item_end:
            raise WireError(value_stop, "octets follow the value of a variable")
        reader = READERS.get(tag)
        if reader is None:
            raise WireError(name_end, f"{tag:#04x} is no type of SNMP")
        names.append(ber.oid(data, name_start, name_end))
        tags.append(tag)
        if tag not in OCTETS and not (tag in NUMBERS and 1 <= value_stop - value_start <= 4):
            reader(data, value_start, value_stop)  # for what it may raise
        if len(names) > MAX_VARBINDS:
            raise WireError(at, f"more than {MAX_VARBINDS} variables")
        at = item_end
    return Outline(kind, community, request_id, names, tags, start, end)
