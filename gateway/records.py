"""The values that pass between the stages of the gateway. Stages import these, and never one another.

Those that come with every datagram are kept from the garbage collector's sight (`gc=False`): none is part of a cycle.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec


class RecordKind(StrEnum):
    """The kind of a journal record."""

    DATAGRAM = "datagram"  # as it came from a trap listener
    OBSERVATION = "observation"  # what the gateway found out by itself, as JSON
    TICK = "tick"  # a deadline of the correlator came due


class Arrival(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A datagram, observation or tick that is not in the journal yet. `at_ms` is Unix time.

    New fields go to the end: the journal keeps no names.
    """

    at_ms: int
    kind: RecordKind
    data: bytes
    listener: str = ""  # address:port it arrived on
    source: str = ""
    port: int = 0


class Record(msgspec.Struct, frozen=True, gc=False):
    """A journal entry: an arrival with its durable position."""

    position: int
    arrival: Arrival


class EngineIdentity(msgspec.Struct, frozen=True):
    """The gateway's own SNMP engine. Its time counts from `zero_s`, Unix time; `salt` is where salts begin."""

    engine_id: bytes
    boots: int
    zero_s: int
    salt: int = 0


class EngineClock(msgspec.Struct, frozen=True):
    """The newest time in messages of an SNMP engine, and the Unix time in milliseconds at which it came."""

    engine_id: bytes
    boots: int
    time_s: int
    at_ms: int


class Variable(msgspec.Struct, frozen=True, gc=False):
    """A variable of a notification, named as far as MIB texts go."""

    name: str
    value: str | int | float | None
    units: str = ""


class Platform(msgspec.Struct, frozen=True, gc=False):
    """The contents of a platform event trap."""

    guid: str
    sequence: int
    timestamp_s: int | None  # Unix time by the BMC; None when it did not say
    severity: int
    sensor_type: int
    event_type: int
    offset: int
    deasserted: bool
    sensor_number: int
    entity_id: int
    entity_instance: int
    event_data: str  # hexadecimal


class Notification(msgspec.Struct, frozen=True, gc=False):
    """A decoded trap or inform."""

    version: str
    community: str
    inform: bool
    source: str
    listener: str
    agent: str  # agent-addr of a version 1 trap, or what a trusted relay names in snmpTrapAddress; else empty
    trap_oid: str
    trap_name: str
    uptime_ticks: int | None
    variables: list[Variable]
    platform: Platform | None = None
    user: str = ""  # of version 3
    engine: str = ""  # identifier of the sender's engine, of an authentic trap of version 3
    relayed: bool = False  # by a forwarder that is trusted to name the sender


class Undecodable(msgspec.Struct, frozen=True):
    """A datagram that cannot be read: the offset of the octet that breaks a rule, and the rule."""

    source: str
    listener: str
    offset: int
    rule: str


class RefusedDatagram(msgspec.Struct, frozen=True):
    """A readable datagram that is not accepted, by the name of the reason."""

    source: str
    reason: str
    listener: str = ""
    answered: bool = False  # by a report that tells the sender how to go on


class Recovery(msgspec.Struct, frozen=True):
    """A step of a recovery that a controller gave and the BMC accepted: started, or ended."""

    incident: int
    started: bool
    node: str = ""
    granted_s: int = 0
    result: str = ""
    action: str = ""


class Damage(msgspec.Struct, frozen=True):
    """A damaged journal: where the file is now, rows saved from it, rows that are lost, and what was wrong."""

    kept: str
    saved: int
    lost: int
    reason: str


class Readings(msgspec.Struct, frozen=True, tag_field="kind", tag="readings"):
    """A device answered: its readings by object name, where it gave any."""

    device: str
    values: dict[str, int] = {}


class Silence(msgspec.Struct, frozen=True, tag_field="kind", tag="silence"):
    """A device answers no more."""

    device: str
    silent: bool = True  # by which releases before `kind` know a silence, as long as they read the same JetStream


class RecoveryStep(msgspec.Struct, frozen=True, tag_field="kind", tag="recovery"):
    """A BMC accepted a step of a recovery."""

    device: str
    recovery: Recovery


class JournalDamage(msgspec.Struct, frozen=True, tag_field="kind", tag="damage"):
    """The journal was damaged and has been recovered as far as possible. `device` is "journal"."""

    device: str
    damage: Damage


class DatagramsLost(msgspec.Struct, frozen=True, tag_field="kind", tag="lost"):
    """The kernel dropped `lost` datagrams of a listener, which is the `device`."""

    device: str
    lost: int


Observation = Readings | Silence | RecoveryStep | JournalDamage | DatagramsLost
"""A finding of the gateway itself; journaled as JSON before anything follows from it, like datagrams."""


class Severity(StrEnum):
    """Severity of an event."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Occurrence(msgspec.Struct, frozen=True, gc=False):
    """Something that happened at a device, without a condition: an event each time.

    With `repeat`, occurrences of that name are limited: one event, and a later one with the number of those between.
    """

    type: str
    device: str
    severity: Severity
    text: str
    data: dict[str, Any] = {}
    evidence: dict[str, Any] = {}
    repeat: str = ""


class ConditionOpens(msgspec.Struct, frozen=True, gc=False):
    """A statement that a condition of a device is open. Several of them in a row are one event."""

    type: str
    device: str
    severity: Severity
    text: str
    condition: str
    data: dict[str, Any] = {}
    evidence: dict[str, Any] = {}


class ConditionClears(msgspec.Struct, frozen=True, gc=False):
    """A statement that a condition of a device is clear. Several of them in a row are one event.

    A `baseline` says that it is clear, not that it has just become so: with nothing open before, it is no event.
    """

    type: str
    device: str
    severity: Severity
    text: str
    condition: str
    data: dict[str, Any] = {}
    evidence: dict[str, Any] = {}
    baseline: bool = False


ConditionChange = ConditionOpens | ConditionClears
Signal = Occurrence | ConditionOpens | ConditionClears
"""One statement about a device, translated from a notification or an observation."""


class Event(msgspec.Struct, frozen=True, gc=False, omit_defaults=False):
    """A controller event: CloudEvents 1.0, JSON format."""

    id: str
    type: str
    source: str
    subject: str
    time: str
    data: dict[str, Any]
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


class Audit(msgspec.Struct, frozen=True):
    """A request that changed something, or was refused: who, from where, what, and the status of the answer."""

    at_ms: int
    actor: str
    address: str
    method: str
    path: str
    status: int
    detail: str = ""


class Redelivery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The events that a destination is to get again: all behind an event (empty: all), a position, or dead letters."""

    after: str | None = None
    after_position: int | float | None = None  # JSON knows 7.0 as an integer, too
    aside: bool = False


class CommandState(StrEnum):
    """Life of a command."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"


class Command(msgspec.Struct):
    """A controller's command and what became of it. Times are Unix milliseconds; `by` is who gave it."""

    id: str
    device: str
    command: str
    params: dict[str, Any]
    state: CommandState
    created_ms: int
    deadline_ms: int = 0
    ended_ms: int | None = None
    attempts: int = 0
    result: str = ""
    details: dict[str, Any] = {}
    idempotency_key: str = ""
    by: str = ""

    def copy(self) -> Command:
        """A copy that later changes of the command leave as it is."""
        return msgspec.structs.replace(self)


LARGEST_POSITION = (1 << 63) - 1  # that a database can compare with


def event_id(position: int, index: int) -> str:
    """The identifier of an event: the journal position of its record, and its number among the record's events."""
    return f"{position}-{index}"


def event_place(identifier: str) -> tuple[int, int] | None:
    """Position and index of an event; None for what is no identifier of one."""
    position, _, index = identifier.partition("-")
    if not (position + index).isascii() or not (position.isdecimal() and index.isdecimal()):
        return None
    if max(len(position), len(index)) >= len(str(LARGEST_POSITION)):
        return None
    found = int(position), int(index)
    return found if event_id(*found) == identifier else None


def encode_json(value: Any) -> bytes:
    """Encode as JSON, without spaces, as the journal and the interfaces have it."""
    return msgspec.json.encode(value)
