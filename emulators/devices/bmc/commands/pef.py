"""Events, filtering and alerts (IPMI 2.0 sections 29 and 30)."""

from __future__ import annotations

from ridethrough.emulators.bindings.ipmi import Answer, IpmiCommand, Table, little, ok, refuse
from ridethrough.emulators.devices.bmc import pef
from ridethrough.emulators.devices.bmc.alerts import AlertStatus
from ridethrough.emulators.devices.bmc.commands.common import ADMIN, EVENT, NONE, OPERATOR, USER, is_lan
from ridethrough.emulators.devices.bmc.model import Bmc
from ridethrough.emulators.devices.bmc.pef import PlatformEvent
from ridethrough.wire.ipmi.message import BMC_ADDRESS, Completion
from ridethrough.wire.ipmi.session import Session

PEF_VERSION = 0x51
ACTIONS = pef.ALERT | pef.OFF | pef.RESET | pef.CYCLE | pef.DIAGNOSTIC
MESSAGE_REVISIONS = (0x03, 0x04)
DEASSERTED = 0x80
SOFTWARE = 0x41  # generator of events that come over LAN (table 5-4)
READ_TIMER, NO_END = 0xFF, 0xFE
BY_CONTROLLER = 0x01
STATUS, CLEAR = 1, 2  # operations of Alert Immediate; 0 sends
ALERT_RUNNING = 0x81
TEST = PlatformEvent(pef.SYSTEM, 0, 0x6F, (0xFF, 0xFF, 0xFF))


def set_event_receiver(_bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set Event Receiver (section 29.1)."""
    return ok() if data[0] in (BMC_ADDRESS, 0xFF) and data[1] == 0 else refuse(Completion.INVALID_FIELD)


def get_event_receiver(_bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Get Event Receiver (section 29.2)."""
    return ok(bytes((BMC_ADDRESS, 0)))


def platform_event(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Platform Event (section 29.3)."""
    # Over LAN there is no generator octet; the sender is remote console software.
    revision, sensor_type, number, kind = data[:4]
    if revision not in MESSAGE_REVISIONS:
        return refuse(Completion.INVALID_FIELD)
    first, second, third = data[4:].ljust(3, b"\xff")
    event = PlatformEvent(sensor_type, number, kind & 0x7F, (first, second, third), (SOFTWARE, 0))
    bmc.events.log_event(event, bmc.now, deasserted=bool(kind & DEASSERTED))
    return ok()


def get_pef_capabilities(_bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Get PEF Capabilities (section 30.1)."""
    return ok(bytes((PEF_VERSION, ACTIONS, pef.FILTERS)))


def arm_pef_postpone_timer(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Arm PEF Postpone Timer (section 30.2)."""
    if data[0] != READ_TIMER:
        bmc.events.carry_out(bmc.hold.postpone(None if data[0] == NO_END else data[0], bmc.now), bmc.now)
    return ok(bytes((min(0xFD, round(bmc.hold.left_s(bmc.now))),)))


def set_last_processed_event(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set Last Processed Event ID (section 30.5)."""
    number = little(data[1:3])
    if data[0] & BY_CONTROLLER:
        bmc.events.pef.last_controller = number
    else:
        bmc.events.pef.last_software = number
    return ok()


def get_last_processed_event(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Get Last Processed Event ID (section 30.6)."""
    added = bmc.events.log.added_at.to_bytes(4, "little")
    numbers = (bmc.events.log.last_id, bmc.events.pef.last_software, bmc.events.pef.last_controller)
    return ok(added + b"".join(number.to_bytes(2, "little") for number in numbers))


def alert_immediate(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Alert Immediate (section 30.7)."""
    operation, selector = data[1] >> 6, data[1] & 0x0F
    if not is_lan(data[0]) or selector >= len(bmc.lan.destinations) or operation > CLEAR:
        return refuse(Completion.INVALID_FIELD)
    status = bmc.events.alerts.status.get(selector, AlertStatus.NONE)
    if operation == STATUS:
        return ok(bytes((status,)))
    if operation == CLEAR:
        bmc.events.alerts.status[selector] = AlertStatus.NONE
        return ok()
    if status is AlertStatus.IN_PROGRESS:
        return refuse(ALERT_RUNNING)
    event = TEST
    if len(data) == 11:
        event = PlatformEvent(data[5], data[6], data[7] & 0x7F, (data[8], data[9], data[10]), (data[3], 0))
    bmc.events.test_alert(selector, event)
    return ok()


def pet_acknowledge(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """PET Acknowledge (section 30.8)."""
    # Unknown events are acknowledged too, so that the answer does not tell which are known.
    for number in bmc.events.alerts.acknowledge(data):
        bmc.hold.acknowledged(number, bmc.now)
    return ok()


ROWS: Table = {
    (EVENT, 0x00, 0): IpmiCommand("Set Event Receiver", ADMIN, 2, 2, set_event_receiver),
    (EVENT, 0x01, 0): IpmiCommand("Get Event Receiver", USER, 0, 0, get_event_receiver),
    (EVENT, 0x02, 0): IpmiCommand("Platform Event", OPERATOR, 5, 7, platform_event, changes=True),
    (EVENT, 0x10, 0): IpmiCommand("Get PEF Capabilities", USER, 0, 0, get_pef_capabilities),
    (EVENT, 0x11, 0): IpmiCommand("Arm PEF Postpone Timer", ADMIN, 1, 1, arm_pef_postpone_timer, changes=True),
    (EVENT, 0x14, 0): IpmiCommand("Set Last Processed Event ID", ADMIN, 3, 3, set_last_processed_event, changes=True),
    (EVENT, 0x15, 0): IpmiCommand("Get Last Processed Event ID", ADMIN, 0, 0, get_last_processed_event),
    (EVENT, 0x16, 0): IpmiCommand("Alert Immediate", ADMIN, 3, 11, alert_immediate, changes=True),
    (EVENT, 0x17, 0): IpmiCommand("PET Acknowledge", NONE, 12, 12, pet_acknowledge, changes=True),
}
