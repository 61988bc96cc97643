"""The values that SNMP messages carry."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from ridethrough.mibs import Oid


class Version(IntEnum):
    """`version` field of the message (RFC 1157 section 4, RFC 3416)."""

    V1 = 0
    V2C = 1


class Tag(IntEnum):
    """BER tags of variable values (RFC 2578 section 7.1, RFC 3416 section 3)."""

    INTEGER = 0x02
    OCTET_STRING = 0x04
    NULL = 0x05
    OBJECT_IDENTIFIER = 0x06
    IP_ADDRESS = 0x40
    COUNTER32 = 0x41
    GAUGE32 = 0x42
    TIME_TICKS = 0x43
    OPAQUE = 0x44
    COUNTER64 = 0x46
    NO_SUCH_OBJECT = 0x80
    NO_SUCH_INSTANCE = 0x81
    END_OF_MIB_VIEW = 0x82


class Kind(IntEnum):
    """PDU tags (RFC 3416 section 3; the Trap-PDU of RFC 1157 is `TRAP_V1`)."""

    GET = 0xA0
    GET_NEXT = 0xA1
    RESPONSE = 0xA2
    SET = 0xA3
    TRAP_V1 = 0xA4
    GET_BULK = 0xA5
    INFORM = 0xA6
    TRAP_V2 = 0xA7
    REPORT = 0xA8


class ErrorStatus(IntEnum):
    """error-status (RFC 3416 section 3)."""

    NO_ERROR = 0
    TOO_BIG = 1
    NO_SUCH_NAME = 2
    BAD_VALUE = 3
    READ_ONLY = 4
    GEN_ERR = 5
    NO_ACCESS = 6
    WRONG_TYPE = 7
    WRONG_LENGTH = 8
    WRONG_ENCODING = 9
    WRONG_VALUE = 10
    NO_CREATION = 11
    INCONSISTENT_VALUE = 12
    RESOURCE_UNAVAILABLE = 13
    COMMIT_FAILED = 14
    UNDO_FAILED = 15
    AUTHORIZATION_ERROR = 16
    NOT_WRITABLE = 17
    INCONSISTENT_NAME = 18


class GenericTrap(IntEnum):
    """generic-trap (RFC 1157 section 4.1.6)."""

    COLD_START = 0
    WARM_START = 1
    LINK_DOWN = 2
    LINK_UP = 3
    AUTHENTICATION_FAILURE = 4
    EGP_NEIGHBOR_LOSS = 5
    ENTERPRISE_SPECIFIC = 6


# Integers for numeric types, octets for strings and addresses, None for NULL and the three exceptions.
Value = int | bytes | Oid | None


class VarBind(NamedTuple):
    """One variable: its name, the BER tag of its value and the value."""

    oid: Oid
    tag: int
    value: Value


class Pdu(NamedTuple):
    """Every PDU but the version 1 trap.

    For GET_BULK, `error_status` holds non-repeaters and `error_index` max-repetitions.
    """

    kind: Kind
    request_id: int
    error_status: int
    error_index: int
    varbinds: tuple[VarBind, ...]


class TrapV1(NamedTuple):
    """Trap-PDU of RFC 1157 section 4.1.6. `agent_addr` is 4 octets, `time_stamp` counts 1/100 s."""

    enterprise: Oid
    agent_addr: bytes
    generic_trap: int
    specific_trap: int
    time_stamp: int
    varbinds: tuple[VarBind, ...]

    @property
    def kind(self) -> Kind:
        """TRAP_V1 always; other PDUs have their kind as a field."""
        return Kind.TRAP_V1


class Message(NamedTuple):
    """A community-based message (RFC 1157 section 4, RFC 1901 section 3)."""

    version: Version
    community: bytes
    pdu: Pdu | TrapV1
