"""Users (IPMI 2.0 sections 22.26 to 22.31)."""

from __future__ import annotations

from ridethrough.emulators.bindings.ipmi import Answer, IpmiCommand, Table, ok, refuse
from ridethrough.emulators.devices.bmc.commands.common import ADMIN, APP, OPERATOR, is_lan
from ridethrough.emulators.devices.bmc.model import Bmc
from ridethrough.emulators.devices.bmc.users import LONG_PASSWORD, MAX_USERS, NO_ACCESS, SHORT_PASSWORD, UserSlot
from ridethrough.wire.ipmi.message import Completion
from ridethrough.wire.ipmi.session import Session

CHANGE, CALLBACK_ONLY, LINK_AUTH, MESSAGING = 0x80, 0x40, 0x20, 0x10
ENABLED, DISABLED = 0x40, 0x80
TWENTY = 0x80
WRONG_PASSWORD, WRONG_SIZE = 0x80, 0x81
NULL_USER = 1
DISABLE, ENABLE, SET = 0, 1, 2


def _slot(bmc: Bmc, octet: int) -> UserSlot | None:
    return bmc.users.slots.get(octet & 0x3F)


def set_user_access(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set User Access (section 22.26)."""
    slot, level = _slot(bmc, data[1]), data[2] & 0x0F
    if slot is None or not is_lan(data[0]) or level not in (*range(1, 5), NO_ACCESS):
        return refuse(Completion.INVALID_FIELD)
    if data[0] & CHANGE:
        slot.callback_only, slot.link_auth = bool(data[0] & CALLBACK_ONLY), bool(data[0] & LINK_AUTH)
        slot.messaging = bool(data[0] & MESSAGING)
    slot.privilege = level
    return ok()


def get_user_access(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get User Access (section 22.27)."""
    slot = _slot(bmc, data[1])
    if slot is None or not is_lan(data[0]):
        return refuse(Completion.INVALID_FIELD)
    enabled = (ENABLED if slot.enabled else DISABLED) | bmc.users.enabled_count
    switches = (CALLBACK_ONLY if slot.callback_only else 0) | (LINK_AUTH if slot.link_auth else 0)
    switches |= MESSAGING if slot.messaging else 0
    return ok(bytes((MAX_USERS, enabled, 0x01, switches | slot.privilege)))


def set_user_name(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set User Name (section 22.28)."""
    slot = _slot(bmc, data[0])
    if slot is None or data[0] & 0x3F == NULL_USER:  # the null user's name is fixed
        return refuse(Completion.INVALID_FIELD)
    slot.name = data[1:].rstrip(b"\0")
    return ok()


def get_user_name(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get User Name (section 22.29)."""
    slot = _slot(bmc, data[0])
    return ok(slot.name.ljust(16, b"\0")) if slot else refuse(Completion.INVALID_FIELD)


def set_user_password(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set User Password (section 22.30)."""
    slot, operation, password = _slot(bmc, data[0]), data[1] & 0x03, data[2:]
    size = LONG_PASSWORD if data[0] & TWENTY else SHORT_PASSWORD
    if slot is None or data[0] & 0x3F == NULL_USER:
        return refuse(Completion.INVALID_FIELD)
    if operation >= SET and len(password) != size:
        return refuse(Completion.LENGTH_INVALID)
    if operation in (DISABLE, ENABLE):
        slot.enabled, slot.locked_until = operation == ENABLE, None
    elif operation == SET:
        slot.password, slot.long_password = password.rstrip(b"\0"), size == LONG_PASSWORD
    elif slot.long_password != (size == LONG_PASSWORD):
        return refuse(WRONG_SIZE)
    elif not bmc.users.password_matches(data[0] & 0x3F, password):
        return refuse(WRONG_PASSWORD)
    return ok()


ROWS: Table = {
    (APP, 0x43, 0): IpmiCommand("Set User Access", ADMIN, 3, 4, set_user_access, changes=True),
    (APP, 0x44, 0): IpmiCommand("Get User Access", OPERATOR, 2, 2, get_user_access),
    (APP, 0x45, 0): IpmiCommand("Set User Name", ADMIN, 17, 17, set_user_name, changes=True),
    (APP, 0x46, 0): IpmiCommand("Get User Name", OPERATOR, 1, 1, get_user_name),
    (APP, 0x47, 0): IpmiCommand("Set User Password", ADMIN, 2, 22, set_user_password, changes=True),
}
