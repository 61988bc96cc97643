"""Commands of the recovery link, under the enterprise number of the maker. The numbers are ours."""

from __future__ import annotations

from ridethrough.emulators.bindings.ipmi import Answer, IpmiCommand, Table, little, ok, refuse
from ridethrough.emulators.devices.bmc.commands.common import ADMIN, OPERATOR, peer_address
from ridethrough.emulators.devices.bmc.model import Bmc
from ridethrough.emulators.devices.bmc.pef import PlatformEvent
from ridethrough.emulators.devices.bmc.recovery_hold import HoldFlags, HoldRefusal, RecoveryResult
from ridethrough.wire.ipmi.message import Completion, NetFn
from ridethrough.wire.ipmi.session import Session

NEC = 119
OEM = NetFn.OEM
VERSION = 1
MAX_NODE = 32
ALIVE, LATE = 1, 2
LATE_MS = 90_000


def get_link_info(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Get Link Info."""
    hold = bmc.hold
    incident = hold.current[0].number if hold.current else next(reversed(hold.known), 0)
    times = (hold.start_s, hold.end_s, hold.ceiling_s, incident)
    head = bytes((VERSION, hold.state, hold.flags))
    return ok(head + b"".join(int(number).to_bytes(2, "little") for number in times))


def set_link_configuration(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set Link Configuration."""
    start_s, end_s, selector, port = little(data[1:3]), little(data[3:5]), data[5], little(data[6:8])
    if data[0] & ~0x07 or not start_s or not end_s or selector >= len(bmc.lan.destinations):
        return refuse(Completion.INVALID_FIELD)
    bmc.hold.flags, bmc.hold.start_s, bmc.hold.end_s = HoldFlags(data[0]), start_s, end_s
    if selector:
        bmc.lan.destinations[selector] = bmc.lan.destinations[selector]._replace(port=port or None)
    return ok()


def recovery_start(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Recovery Start."""
    number, want_s, length, node = little(data[:2]), little(data[2:4]), data[4], data[5:]
    if length != len(node) or length > MAX_NODE:
        return refuse(Completion.LENGTH_INVALID)
    result = bmc.hold.start(number, node, want_s, bmc.now)
    if isinstance(result, HoldRefusal):
        return refuse(result)
    state, granted_s = result
    return ok(bytes((state,)) + granted_s.to_bytes(2, "little"))


def recovery_end(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Recovery End."""
    if data[2] > RecoveryResult.CANCEL:
        return refuse(Completion.INVALID_FIELD)
    outcome = bmc.hold.end(little(data[:2]), RecoveryResult(data[2]), bmc.now)
    if isinstance(outcome, HoldRefusal):
        return refuse(outcome)
    state, action = outcome
    bmc.events.carry_out(action, bmc.now)
    return ok(bytes((state,)))


def get_incident(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get Incident."""
    hold = bmc.hold
    number = little(data) or next(reversed(hold.known), 0)
    found = hold.known.get(number)
    if found is None:
        return refuse(HoldRefusal.UNKNOWN_INCIDENT)
    left = round(hold.left_s(bmc.now) * 10) if found in hold.current else 0
    head = bytes((found.state, found.sensor, found.offset, found.severity, found.wanted.action))
    return ok(head + min(left, 0xFFFF).to_bytes(2, "little") + found.record_id.to_bytes(2, "little"))


def heartbeat(bmc: Bmc, data: bytes, session: Session | None) -> Answer:
    """Heartbeat."""
    length = data[0]
    if len(data) != 1 + length + 5 or length > MAX_NODE:
        return refuse(Completion.LENGTH_INVALID)
    sequence = data[1 + length : 5 + length]
    nodes = bmc.hold.record_heartbeat(peer_address(session), bmc.now)
    return ok(sequence + bytes((nodes,)))


def get_heartbeat_table(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get Heartbeat Table."""
    rows = list(bmc.hold.heartbeats.items())
    shown = rows[data[0] :][:8]
    answer = bytes((len(rows), len(shown)))
    for address, received_at in shown:
        age_ms = bmc.now - received_at
        state = ALIVE if age_ms < LATE_MS else LATE
        answer += address + min(age_ms // 100, 0xFFFF).to_bytes(2, "little") + bytes((state,))
    return ok(answer)


def inject_fault(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Inject Fault."""
    if not bmc.options.inject:
        return refuse(Completion.SUBFUNCTION_DISABLED)
    number, offset, asserted, second, third = data
    sensor = bmc.sensors.by_number.get(number)
    if sensor is None:
        return refuse(Completion.NOT_PRESENT)
    event = PlatformEvent(sensor.sensor_type, number, sensor.event_type, (offset & 0x0F, second, third))
    record_id = bmc.events.log_event(event, bmc.now, deasserted=not asserted)
    known = next(reversed(bmc.hold.known), 0)
    return ok((record_id or 0).to_bytes(2, "little") + known.to_bytes(2, "little"))


ROWS: Table = {
    (OEM, 0xC0, NEC): IpmiCommand("Get Link Info", OPERATOR, 0, 0, get_link_info),
    (OEM, 0xC1, NEC): IpmiCommand("Set Link Configuration", ADMIN, 8, 8, set_link_configuration, changes=True),
    (OEM, 0xC2, NEC): IpmiCommand("Recovery Start", OPERATOR, 5, 5 + MAX_NODE, recovery_start, changes=True),
    (OEM, 0xC3, NEC): IpmiCommand("Recovery End", OPERATOR, 3, 3, recovery_end, changes=True),
    (OEM, 0xC4, NEC): IpmiCommand("Get Incident", OPERATOR, 2, 2, get_incident),
    (OEM, 0xC5, NEC): IpmiCommand("Heartbeat", OPERATOR, 6, 6 + MAX_NODE, heartbeat, changes=True),
    (OEM, 0xC6, NEC): IpmiCommand("Get Heartbeat Table", OPERATOR, 1, 1, get_heartbeat_table),
    (OEM, 0xCF, NEC): IpmiCommand("Inject Fault", ADMIN, 5, 5, inject_fault, changes=True),
}
