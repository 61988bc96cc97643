"""Channels, and how one logs in on them (IPMI 2.0 sections 22.13 to 22.25)."""

from __future__ import annotations

from ridethrough.emulators.bindings.ipmi import Answer, IpmiCommand, Table, ok, refuse
from ridethrough.emulators.devices.bmc.commands.common import ADMIN, APP, NONE, USER, is_lan
from ridethrough.emulators.devices.bmc.lan import CHANNEL
from ridethrough.emulators.devices.bmc.model import Bmc
from ridethrough.wire.ipmi.algorithms import SUITES, suite_record
from ridethrough.wire.ipmi.message import Completion
from ridethrough.wire.ipmi.session import Session

VSO_ENTERPRISE = 7154  # IPMI Forum, the vendor of the LAN protocol
EXTENDED = 0x80
VERSION_1_5, VERSION_2_0 = 0x01, 0x02
NAMED_USERS = 0x04
KG_IS_SET = 0x20
LAN_MEDIUM, IPMB_PROTOCOL, MULTI_SESSION = 0x04, 0x01, 0x80
ALERTING_OFF = 0x20
MODES = (0, 1, 2, 3)
LOCKED, TOO_SHORT, TOO_LONG = 0x80, 0x81, 0x82
KEY_OCTETS = 20
KR, KG = 0, 1
SUITES_A_PAGE = 16


def get_authentication_capabilities(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get Channel Authentication Capabilities (section 22.13)."""
    # Only users with names; IPMI 2.0 data when it is asked for.
    level = data[1] & 0x0F
    if not is_lan(data[0]) or not 1 <= level <= len(bmc.lan.auth_enables):
        return refuse(Completion.INVALID_FIELD)
    extended = data[0] & EXTENDED
    support = bmc.lan.auth_enables[level - 1] | (0x80 if extended else 0)
    status = NAMED_USERS | (KG_IS_SET if any(bmc.lan.kg) else 0)
    versions = VERSION_1_5 | VERSION_2_0 if extended else 0
    return ok(bytes((CHANNEL, support, status, versions, 0, 0, 0, 0)))


def set_channel_access(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set Channel Access (section 22.22)."""
    if not is_lan(data[0]):
        return refuse(0x82)  # set not supported on that channel
    mode, level = data[1] & 0x07, data[2] & 0x0F
    if data[1] >> 6:
        if mode not in MODES:
            return refuse(0x83)
        bmc.lan.access_mode, bmc.lan.alerting = mode, not data[1] & ALERTING_OFF
    if data[2] >> 6:
        if level not in range(1, 6):
            return refuse(Completion.INVALID_FIELD)
        bmc.lan.limit = min(level, 4)
    return ok()


def get_channel_access(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get Channel Access (section 22.23)."""
    if not is_lan(data[0]) or data[1] >> 6 not in (1, 2):
        return refuse(Completion.INVALID_FIELD)
    return ok(bytes((bmc.lan.access_mode | (0 if bmc.lan.alerting else ALERTING_OFF), bmc.lan.limit)))


def get_channel_info(_bmc: Bmc, data: bytes, session: Session | None) -> Answer:
    """Get Channel Info (section 22.24)."""
    if not is_lan(data[0]):
        return refuse(Completion.INVALID_FIELD)
    active = 1 if session else 0
    vendor = VSO_ENTERPRISE.to_bytes(3, "little")
    return ok(bytes((CHANNEL, LAN_MEDIUM, IPMB_PROTOCOL, MULTI_SESSION | active)) + vendor + bytes(2))


def get_channel_cipher_suites(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get Channel Cipher Suites (section 22.15)."""
    if not is_lan(data[0]):
        return refuse(Completion.INVALID_FIELD)
    records = b"".join(suite_record(SUITES[number]) for number in bmc.lan.suites)
    at = SUITES_A_PAGE * (data[2] & 0x3F)
    return ok(bytes((CHANNEL,)) + records[at : at + SUITES_A_PAGE])


def set_channel_security_keys(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set Channel Security Keys (section 22.25)."""
    # KR is the users' own passwords here: it reads as zeros and cannot be set.
    if not is_lan(data[0]):
        return refuse(Completion.INVALID_FIELD)
    operation, key = data[1] & 0x03, data[2]
    if operation == 0 and key in (KR, KG):
        return ok(b"\x02" + (bmc.lan.kg if key == KG else b"").ljust(KEY_OCTETS, b"\0"))
    if key != KG or operation != 1:
        return refuse(LOCKED)
    octets = data[3:]
    if len(octets) != KEY_OCTETS:
        return refuse(TOO_SHORT if len(octets) < KEY_OCTETS else TOO_LONG)
    bmc.lan.kg = octets.rstrip(b"\0")
    return ok(b"\x02")


ROWS: Table = {
    (APP, 0x38, 0): IpmiCommand("Get Channel Authentication Capabilities", NONE, 2, 2, get_authentication_capabilities),
    (APP, 0x40, 0): IpmiCommand("Set Channel Access", ADMIN, 3, 3, set_channel_access, changes=True),
    (APP, 0x41, 0): IpmiCommand("Get Channel Access", USER, 2, 2, get_channel_access),
    (APP, 0x42, 0): IpmiCommand("Get Channel Info", USER, 1, 1, get_channel_info),
    (APP, 0x54, 0): IpmiCommand("Get Channel Cipher Suites", NONE, 3, 3, get_channel_cipher_suites),
    (APP, 0x56, 0): IpmiCommand("Set Channel Security Keys", ADMIN, 3, 24, set_channel_security_keys, changes=True),
}
