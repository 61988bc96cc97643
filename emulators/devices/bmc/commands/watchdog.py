"""The watchdog timer (IPMI 2.0 section 27)."""

from __future__ import annotations

from ridethrough.emulators.bindings.ipmi import Answer, IpmiCommand, Table, little, ok, refuse
from ridethrough.emulators.devices.bmc.commands.common import APP, OPERATOR, USER
from ridethrough.emulators.devices.bmc.model import Bmc
from ridethrough.emulators.devices.bmc.watchdog import DO_NOT_LOG, RUNNING, USES, TimeoutAction
from ridethrough.wire.ipmi.message import Completion
from ridethrough.wire.ipmi.session import Session

NEVER_SET = 0x80
MAX_INTERRUPT = 3
TENTHS = 10


def reset_watchdog_timer(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Reset Watchdog Timer (section 27.5)."""
    if not bmc.watchdog.set_once:
        return refuse(NEVER_SET)
    bmc.watchdog.start(bmc.now)
    return ok()


def set_watchdog_timer(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set Watchdog Timer (section 27.6)."""
    use, action, pre_timeout_s, clear = data[:4]
    count = little(data[4:6])
    if use & 0x07 not in USES or action & 0x07 > TimeoutAction.POWER_CYCLE or action >> 4 & 0x07 > MAX_INTERRUPT:
        return refuse(Completion.INVALID_FIELD)
    if pre_timeout_s * TENTHS > count:
        return refuse(Completion.INVALID_FIELD)
    bmc.watchdog.configure(use, action, pre_timeout_s, clear, count, bmc.now)
    return ok()


def get_watchdog_timer(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Get Watchdog Timer (section 27.7)."""
    timer = bmc.watchdog
    use = timer.use | (0 if timer.logs else DO_NOT_LOG) | (RUNNING if timer.running else 0)
    head = bytes((use, timer.action, timer.pre_timeout_s, timer.expired))
    return ok(head + timer.count.to_bytes(2, "little") + timer.left(bmc.now).to_bytes(2, "little"))


ROWS: Table = {
    (APP, 0x22, 0): IpmiCommand("Reset Watchdog Timer", OPERATOR, 0, 0, reset_watchdog_timer, changes=True),
    (APP, 0x24, 0): IpmiCommand("Set Watchdog Timer", OPERATOR, 6, 6, set_watchdog_timer, changes=True),
    (APP, 0x25, 0): IpmiCommand("Get Watchdog Timer", USER, 0, 0, get_watchdog_timer),
}
