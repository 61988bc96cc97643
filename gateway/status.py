"""Parts of a running gateway as the HTTP interface shows them; metrics are made of the same values."""

from __future__ import annotations

from collections import Counter

import msgspec


class DeviceStatus(msgspec.Struct, frozen=True):
    """A device as the HTTP interface shows it: what the site file says, and what is known of it now."""

    id: str
    kind: str
    address: str
    groups: list[str]  # of power control; only of a UPS
    server: str | None  # whose board it is on; only of a BMC
    heard_s_ago: float | None = None  # since its last answer; None while this gateway does not ask it
    readings: dict[str, int] = {}  # of the last answer, by object; only of a UPS
    conditions: list[str] = []  # that are open
    commands: list[str] = []  # that it takes


class StreamStatus(msgspec.Struct, frozen=True):
    """The event stream among the destinations: its clients keep their own place."""

    name: str
    type: str
    clients: int


class DestinationStatus(msgspec.Struct, frozen=True):
    """A sink or a forward for people: counters since the start, and how far it has come."""

    name: str
    type: str  # of a sink, or `forward`
    paused: bool = False
    backlog: int = 0  # events or records that it has not taken yet
    delivered: int = 0
    filtered: int | msgspec.UnsetType = msgspec.UNSET  # events that a sink is not to get
    given_up: int = 0  # events or records that it will never take
    skipped: dict[str, int] | msgspec.UnsetType = msgspec.UNSET  # records that a forward did not send, by reason
    failures: int = 0  # attempts
    last_error: str = ""

    def merged(self, other: DestinationStatus) -> DestinationStatus:
        """Both as one: of a destination that has work in two partitions."""
        filtered, skipped = self.filtered, self.skipped
        if filtered is not msgspec.UNSET and other.filtered is not msgspec.UNSET:
            filtered += other.filtered
        if skipped is not msgspec.UNSET and other.skipped is not msgspec.UNSET:
            skipped = dict(Counter(skipped) + Counter(other.skipped))
        return DestinationStatus(
            self.name,
            self.type,
            self.paused or other.paused,
            self.backlog + other.backlog,
            self.delivered + other.delivered,
            filtered,
            self.given_up + other.given_up,
            skipped,
            self.failures + other.failures,
            self.last_error or other.last_error,
        )


class ListenerStatus(msgspec.Struct, frozen=True):
    """A socket for traps: datagrams since the start, and the size of the kernel's buffer."""

    listener: str  # its address and port
    received: int
    refused_by_source: int
    dropped_by_kernel: int
    buffer_octets: int


class ConditionStatus(msgspec.Struct, frozen=True):
    """An open condition of a device. `event_id` is empty while no event has announced it."""

    device: str
    condition: str
    since_ms: int
    event_id: str
    type: str
    text: str
    severity: str
    said: int  # statements of it


class RecordField(msgspec.Struct, frozen=True):
    """A field of a datagram at offset `at`; `octets` counts its tag and length, too, `depth` the fields around it."""

    at: int
    octets: int
    depth: int
    name: str
    type: str
    value: str


class RecordStatus(msgspec.Struct, frozen=True):
    """A record of the journal. A datagram has `octets` and `fields`, any other record has a `text`."""

    position: int
    at_ms: int
    kind: str
    listener: str
    source: str
    port: int
    octets: str  # hexadecimal
    text: str
    fields: list[RecordField]


class JournalStatus(msgspec.Struct, frozen=True):
    """The journal for people. `partitions` and those `owned` by this gateway are of a journal on JetStream."""

    place: str
    durable: bool
    trouble: str  # why nothing can be written; empty when it can
    waiting: int  # arrivals that are not written yet
    kept_for_destinations: bool  # whether records stay beyond the limits because a destination has not taken them
    partitions: int | msgspec.UnsetType = msgspec.UNSET
    owned: list[int] | msgspec.UnsetType = msgspec.UNSET
    records: int | None = None  # None where the journal cannot be read, as for the two below
    last_position: int | None = None
    events: int | None = None
    listeners: list[ListenerStatus] = []
