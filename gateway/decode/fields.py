"""Lists a datagram field by field, for people: offset, name, type and value of each. Pure."""

from __future__ import annotations

from ridethrough.gateway.status import RecordField
from ridethrough.mibs import MibTree
from ridethrough.wire import ber
from ridethrough.wire.errors import WireError

DEEPEST = 12
# Universal and application tags of SNMP (RFC 2578), and its messages (RFC 3416, RFC 1157).
TYPES = {
    0x02: "INTEGER",
    0x04: "OCTET STRING",
    0x05: "NULL",
    0x06: "OBJECT IDENTIFIER",
    0x30: "SEQUENCE",
    0x40: "IpAddress",
    0x41: "Counter32",
    0x42: "Gauge32",
    0x43: "TimeTicks",
    0x44: "Opaque",
    0x46: "Counter64",
    0xA0: "GetRequest-PDU",
    0xA1: "GetNextRequest-PDU",
    0xA2: "Response-PDU",
    0xA3: "SetRequest-PDU",
    0xA4: "Trap-PDU",
    0xA5: "GetBulkRequest-PDU",
    0xA6: "InformRequest-PDU",
    0xA7: "SNMPv2-Trap-PDU",
    0xA8: "Report-PDU",
}
NUMBERS = {0x02, 0x41, 0x42, 0x43, 0x46}
SIGNED = {0x02}
VERSIONS = {0: "version 1", 1: "version 2c", 3: "version 3"}
MESSAGE = ("version", "community", "data")
MESSAGE_V3 = ("msgVersion", "msgGlobalData", "msgSecurityParameters", "msgData")
GLOBAL = ("msgID", "msgMaxSize", "msgFlags", "msgSecurityModel")
SCOPED = ("contextEngineID", "contextName", "data")
PDU = ("request-id", "error-status", "error-index", "variable-bindings")
TRAP = ("enterprise", "agent-addr", "generic-trap", "specific-trap", "time-stamp", "variable-bindings")
TRAP_PDU = 0xA4
TEXT = range(0x20, 0x7F)


def fields(data: bytes, tree: MibTree) -> list[RecordField]:
    """List the fields of an SNMP message in order; one that cannot be read is the last, with the rule it breaks."""
    found: list[RecordField] = []
    try:
        _value(data, 0, len(data), 0, "message", "", tree, found)
    except WireError as error:
        found.append(RecordField(error.offset, len(data) - error.offset, 0, "unreadable", "", error.rule))
    return found


def _value(
    data: bytes, at: int, end: int, depth: int, name: str, above: str, tree: MibTree, found: list[RecordField]
) -> int:
    """Append the value at `at` and those inside it. Returns the offset behind it."""
    tag, start, stop = ber.read_header(data, at, end)
    kind = TYPES.get(tag, f"tag {tag:02X}h")
    constructed = bool(tag & 0x20)
    if not constructed:
        found.append(RecordField(at, stop - at, depth, name, kind, _text(tag, data, start, stop, tree, name)))
        return stop
    found.append(RecordField(at, stop - at, depth, name, kind, ""))
    if depth >= DEEPEST:
        raise WireError(at, f"more than {DEEPEST} values inside one another")
    names = _names(name, above, tag, data, start, stop)
    inner, index = start, 0
    while inner < stop:
        label = names[index] if index < len(names) else f"{index + 1}"
        inner = _value(data, inner, stop, depth + 1, label, name, tree, found)
        index += 1
    return stop


def _names(name: str, above: str, tag: int, data: bytes, start: int, stop: int) -> tuple[str, ...]:
    if name == "message":
        version = data[start + 2] if stop - start > 2 else None
        return MESSAGE_V3 if version == 3 else MESSAGE
    if name == "msgGlobalData":
        return GLOBAL
    if name == "msgData":
        return SCOPED
    if name == "data":
        return TRAP if tag == TRAP_PDU else PDU
    return ("name", "value") if above == "variable-bindings" else ()


def _text(tag: int, data: bytes, start: int, stop: int, tree: MibTree, name: str) -> str:
    if tag in NUMBERS:
        read = ber.signed if tag in SIGNED else ber.unsigned
        value = read(data, start, stop, 64)
        return f"{value} ({VERSIONS[value]})" if name.lower().endswith("version") and value in VERSIONS else str(value)
    if tag == 0x06:
        oid = ber.oid(data, start, stop)
        label = tree.label(oid)
        return f"{oid}" if label == str(oid) else f"{oid} ({label})"
    content = data[start:stop]
    if tag == 0x40:
        return ".".join(map(str, content))
    if content and all(octet in TEXT for octet in content):
        return content.decode("ascii")
    return content.hex(" ")
