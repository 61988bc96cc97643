"""Commands of the recovery link, under the enterprise number of the maker. The numbers are ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ridethrough.emulators.bindings.ipmi import Answer, Command, Table, little, ok, refuse
from ridethrough.emulators.devices.bmc.commands.common import ADMIN, OPERATOR, peer_address
from ridethrough.emulators.devices.bmc.pef import Event
from ridethrough.emulators.devices.bmc.recovery_hold import Flags, Refusal, Result
from ridethrough.wire.ipmi.message import Completion, NetFn

if TYPE_CHECKING:
    from ridethrough.emulators.devices.bmc.model import Bmc
    from ridethrough.wire.ipmi.session import Session

NEC = 119
OEM = NetFn.OEM
VERSION = 1
MOST_NODE = 32
MOST_BEATS = 16
ALIVE, LATE = 1, 2
LATE_MS = 90_000


def info(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    link = bmc.link
    incident = link.current[0].number if link.current else next(reversed(link.known), 0)
    times = (link.start_s, link.end_s, link.ceiling_s, incident)
    head = bytes((VERSION, link.state, link.flags))
    return ok(head + b"".join(int(number).to_bytes(2, "little") for number in times))


def configure(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    start_s, end_s, selector, port = little(data[1:3]), little(data[3:5]), data[5], little(data[6:8])
    if data[0] & ~0x07 or not start_s or not end_s or selector >= len(bmc.lan.destinations):
        return refuse(Completion.INVALID_FIELD)
    bmc.link.flags, bmc.link.start_s, bmc.link.end_s = Flags(data[0]), start_s, end_s
    if selector:
        bmc.lan.destinations[selector] = bmc.lan.destinations[selector]._replace(port=port or None)
    return ok()


def start(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    number, want_s, length, node = little(data[:2]), little(data[2:4]), data[4], data[5:]
    if length != len(node) or length > MOST_NODE:
        return refuse(Completion.LENGTH_INVALID)
    result = bmc.link.start(number, node, want_s, bmc.now)
    if isinstance(result, Refusal):
        return refuse(result)
    state, granted_s = result
    return ok(bytes((state,)) + granted_s.to_bytes(2, "little"))


def end(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    if data[2] > Result.CANCEL:
        return refuse(Completion.INVALID_FIELD)
    outcome = bmc.link.end(little(data[:2]), Result(data[2]), bmc.now)
    if isinstance(outcome, Refusal):
        return refuse(outcome)
    state, order = outcome
    bmc.events.act(order, bmc.now)
    return ok(bytes((state,)))


def incident(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    link = bmc.link
    number = little(data) or next(reversed(link.known), 0)
    found = link.known.get(number)
    if found is None:
        return refuse(Refusal.UNKNOWN_INCIDENT)
    left = round(link.left_s(bmc.now) * 10) if found in link.current else 0
    head = bytes((found.state, found.sensor, found.offset, found.severity, found.order.action))
    return ok(head + min(left, 0xFFFF).to_bytes(2, "little") + found.record_id.to_bytes(2, "little"))


def heartbeat(bmc: Bmc, data: bytes, session: Session | None) -> Answer:
    length = data[0]
    if len(data) != 1 + length + 5 or length > MOST_NODE:
        return refuse(Completion.LENGTH_INVALID)
    sequence = data[1 + length : 5 + length]
    bmc.beats[peer_address(session)] = bmc.now
    while len(bmc.beats) > MOST_BEATS:
        bmc.beats.pop(next(iter(bmc.beats)))
    return ok(sequence + bytes((len(bmc.beats),)))


def heartbeats(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    rows = list(bmc.beats.items())
    shown = rows[data[0] :][:8]
    answer = bytes((len(rows), len(shown)))
    for address, heard_at in shown:
        age_ms = bmc.now - heard_at
        state = ALIVE if age_ms < LATE_MS else LATE
        answer += address + min(age_ms // 100, 0xFFFF).to_bytes(2, "little") + bytes((state,))
    return ok(answer)


def inject(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    if not bmc.may_inject:
        return refuse(Completion.SUBFUNCTION_DISABLED)
    number, offset, asserted, second, third = data
    sensor = bmc.bank.sensors.get(number)
    if sensor is None:
        return refuse(Completion.NOT_PRESENT)
    event = Event(sensor.sensor_type, number, sensor.event_type, (offset & 0x0F, second, third))
    record_id = bmc.events.take(event, bmc.now, deasserted=not asserted)
    known = next(reversed(bmc.link.known), 0)
    return ok((record_id or 0).to_bytes(2, "little") + known.to_bytes(2, "little"))


ROWS: Table = {
    (OEM, 0xC0, NEC): Command("Get Link Info", OPERATOR, 0, 0, info),
    (OEM, 0xC1, NEC): Command("Set Link Configuration", ADMIN, 8, 8, configure),
    (OEM, 0xC2, NEC): Command("Recovery Start", OPERATOR, 5, 5 + MOST_NODE, start),
    (OEM, 0xC3, NEC): Command("Recovery End", OPERATOR, 3, 3, end),
    (OEM, 0xC4, NEC): Command("Get Incident", OPERATOR, 2, 2, incident),
    (OEM, 0xC5, NEC): Command("Heartbeat", OPERATOR, 6, 6 + MOST_NODE, heartbeat),
    (OEM, 0xC6, NEC): Command("Get Heartbeat Table", OPERATOR, 1, 1, heartbeats),
    (OEM, 0xCF, NEC): Command("Inject Fault", ADMIN, 5, 5, inject),
}
