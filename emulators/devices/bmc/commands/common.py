"""Names and checks that the handlers of several sections share."""

from __future__ import annotations

from ridethrough.emulators.devices.bmc.lan import CHANNEL
from ridethrough.wire.ipmi.message import NetFn, Privilege
from ridethrough.wire.ipmi.session import Session

NONE, USER, OPERATOR, ADMIN = Privilege.NONE, Privilege.USER, Privilege.OPERATOR, Privilege.ADMINISTRATOR
APP, CHASSIS, EVENT, STORAGE, TRANSPORT = (
    NetFn.APP,
    NetFn.CHASSIS,
    NetFn.SENSOR_EVENT,
    NetFn.STORAGE,
    NetFn.TRANSPORT,
)
THIS_CHANNEL = 0x0E


def is_lan(octet: int) -> bool:
    """True for an octet that names the LAN channel, by number or as the present one."""
    return octet & 0x0F in (THIS_CHANNEL, CHANNEL)


def peer_address(session: Session | None) -> bytes:
    """IPv4 address of the other end; zeros where there is none."""
    parts = session.peer[0].split(".") if session else []
    return bytes(int(part) for part in parts) if len(parts) == 4 else bytes(4)
