"""Payloads: who may have a console over LAN, and who has it (IPMI 2.0 section 24)."""

from __future__ import annotations

from ridethrough.emulators.bindings.ipmi import Answer, IpmiCommand, Table, ok, refuse
from ridethrough.emulators.devices.bmc.commands.common import ADMIN, APP, OPERATOR, USER, is_lan
from ridethrough.emulators.devices.bmc.model import Bmc
from ridethrough.emulators.devices.bmc.sol_parameters import (
    FORCE_AUTHENTICATION,
    FORCE_ENCRYPTION,
    SOL_DEFAULTS,
    SolParameter,
)
from ridethrough.emulators.devices.bmc.users import SOL_PAYLOAD
from ridethrough.wire.ipmi.message import Completion
from ridethrough.wire.ipmi.session import Session

SOL = 0x01
PAYLOAD_VERSION = 0x10
STANDARD = 0x0003  # IPMI messages and serial over LAN
SETUP = 0x003F  # Open Session and RAKP
ALREADY_ACTIVE, DISABLED, NO_ENCRYPTION_HERE, NEEDS_ENCRYPTION = 0x80, 0x81, 0x83, 0x84
ALREADY_INACTIVE = 0x80
NOT_AVAILABLE = 0x80
ENCRYPT = 0x80
SIZE = 200
NO_VLAN = b"\xff\xff"
INSTANCES = 1


def _sol(bmc: Bmc, parameter: int) -> bytes:
    return bmc.settings.sol.get(parameter, SOL_DEFAULTS[parameter])


def activate_payload(bmc: Bmc, data: bytes, session: Session | None) -> Answer:
    """Activate Payload (section 24.1)."""
    if data[0] & 0x3F != SOL or data[1] & 0x0F != INSTANCES or session is None or session.keys is None:
        return refuse(Completion.INVALID_FIELD)
    slot = bmc.users.slots.get(session.account.user_id) if session.account else None
    if not _sol(bmc, SolParameter.ENABLE)[0] & 1 or slot is None or not slot.payloads & SOL_PAYLOAD:
        return refuse(DISABLED)
    wants = _sol(bmc, SolParameter.AUTHENTICATION)[0]
    if session.privilege < wants & 0x0F:
        return refuse(Completion.INSUFFICIENT_PRIVILEGE)
    if data[2] & ENCRYPT and not session.keys.encrypts:
        return refuse(NO_ENCRYPTION_HERE)
    if (wants & FORCE_ENCRYPTION and not session.keys.encrypts) or (
        wants & FORCE_AUTHENTICATION and session.keys.integrity is None
    ):
        return refuse(NEEDS_ENCRYPTION)
    if bmc.console.holder not in (None, session.session_id):
        return refuse(ALREADY_ACTIVE)
    bmc.console.open(session.session_id)
    sizes = SIZE.to_bytes(2, "little") * 2
    return ok(bytes(4) + sizes + bmc.options.port.to_bytes(2, "little") + NO_VLAN)


def deactivate_payload(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Deactivate Payload (section 24.2)."""
    if data[0] & 0x3F != SOL or data[1] & 0x0F != INSTANCES:
        return refuse(Completion.INVALID_FIELD)
    if bmc.console.holder is None:
        return refuse(ALREADY_INACTIVE)
    bmc.console.close()
    return ok()


def get_payload_activation_status(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get Payload Activation Status (section 24.4)."""
    if data[0] & 0x3F != SOL:
        return refuse(Completion.INVALID_FIELD)
    return ok(bytes((INSTANCES, 1 if bmc.console.holder is not None else 0, 0)))


def get_payload_instance_info(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get Payload Instance Info (section 24.5)."""
    if data[0] & 0x3F != SOL or data[1] & 0x0F != INSTANCES:
        return refuse(Completion.INVALID_FIELD)
    return ok((bmc.console.holder or 0).to_bytes(4, "little") + b"\x01" + bytes(7))


def set_user_payload_access(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set User Payload Access (section 24.6)."""
    slot = bmc.users.slots.get(data[1] & 0x3F)
    if slot is None or not is_lan(data[0]) or data[1] >> 6 > 1:
        return refuse(Completion.INVALID_FIELD)
    if data[1] >> 6 == 0:
        slot.payloads |= data[2] & SOL_PAYLOAD
    else:
        slot.payloads &= ~data[2]
    return ok()


def get_user_payload_access(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get User Payload Access (section 24.7)."""
    slot = bmc.users.slots.get(data[1] & 0x3F)
    if slot is None or not is_lan(data[0]):
        return refuse(Completion.INVALID_FIELD)
    return ok(bytes((slot.payloads, 0, 0, 0)))


def get_channel_payload_support(_bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get Channel Payload Support (section 24.8)."""
    if not is_lan(data[0]):
        return refuse(Completion.INVALID_FIELD)
    return ok(STANDARD.to_bytes(2, "little") + SETUP.to_bytes(2, "little") + bytes(4))


def get_channel_payload_version(_bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get Channel Payload Version (section 24.9)."""
    if not is_lan(data[0]):
        return refuse(Completion.INVALID_FIELD)
    return ok(bytes((PAYLOAD_VERSION,))) if data[1] in (0, SOL) else refuse(NOT_AVAILABLE)


def suspend_or_resume_encryption(_bmc: Bmc, data: bytes, session: Session | None) -> Answer:
    """Suspend/Resume Payload Encryption (section 24.3)."""
    # Suites here either encrypt everything or nothing; only "regenerate the vector" has nothing to refuse.
    if data[0] & 0x3F != SOL or session is None:
        return refuse(Completion.INVALID_FIELD)
    return ok() if data[2] & 0x1F else refuse(Completion.NOT_SUPPORTED_IN_STATE)


ROWS: Table = {
    (APP, 0x48, 0): IpmiCommand("Activate Payload", USER, 6, 6, activate_payload, changes=True),
    (APP, 0x49, 0): IpmiCommand("Deactivate Payload", USER, 6, 6, deactivate_payload, changes=True),
    (APP, 0x4A, 0): IpmiCommand("Get Payload Activation Status", USER, 1, 1, get_payload_activation_status),
    (APP, 0x4B, 0): IpmiCommand("Get Payload Instance Info", USER, 2, 2, get_payload_instance_info),
    (APP, 0x4C, 0): IpmiCommand("Set User Payload Access", ADMIN, 6, 6, set_user_payload_access, changes=True),
    (APP, 0x4D, 0): IpmiCommand("Get User Payload Access", OPERATOR, 2, 2, get_user_payload_access),
    (APP, 0x4E, 0): IpmiCommand("Get Channel Payload Support", USER, 1, 1, get_channel_payload_support),
    (APP, 0x4F, 0): IpmiCommand("Get Channel Payload Version", USER, 2, 2, get_channel_payload_version),
    (APP, 0x55, 0): IpmiCommand("Suspend/Resume Payload Encryption", USER, 3, 3, suspend_or_resume_encryption),
}
