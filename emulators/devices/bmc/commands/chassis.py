"""Chassis commands (IPMI 2.0 section 28)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ridethrough.emulators.bindings.chassis import AcLink, Action
from ridethrough.emulators.bindings.ipmi import Answer, Command, Table, ok, refuse
from ridethrough.emulators.devices.bmc import pef
from ridethrough.emulators.devices.bmc.commands.common import ADMIN, CHASSIS, OPERATOR, USER
from ridethrough.emulators.devices.bmc.lan import CHANNEL
from ridethrough.emulators.kernel.instant import after
from ridethrough.wire.ipmi.message import Completion

if TYPE_CHECKING:
    from ridethrough.emulators.devices.bmc.model import Bmc
    from ridethrough.wire.ipmi.session import Session

POLICIES = (AcLink.OFF, AcLink.LAST, AcLink.ON)
FOREVER_S = 10**9
IDENTIFY_S = 15
BUTTONS = 0x0F  # power, reset, diagnostic, standby


def capabilities(_bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    # Intrusion sensor and diagnostic interrupt; all devices at the controller's own address.
    return ok(bytes((0x05, 0x20, 0x20, 0x20, 0x20)))


def status(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    policy = POLICIES.index(bmc.policy.value)
    host = bmc.host.value
    last = 0x10 if host.powered else 0x00  # switched on through IPMI, or nothing to tell
    identify = 0x10 if bmc.identify_until is not None else 0
    bank = bmc.bank
    fan, opened = any(bank.states_of(pef.FAN)), any(state & 1 for state in bank.states_of(pef.INTRUSION))
    misc = 0x40 | identify | (0x08 if fan else 0) | (0x01 if opened else 0)
    answer = bytes((policy << 5 | host.powered, last, misc))
    return ok(answer + bytes((bmc.extras.front_panel << 4 & 0xF0 | bmc.extras.front_panel,)))


def control(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    number = data[0] & 0x0F
    if number > Action.SOFT_SHUTDOWN:
        return refuse(Completion.INVALID_FIELD)
    action = Action(number)
    powered = bmc.host.value.powered
    if action in (Action.POWER_CYCLE, Action.HARD_RESET) and not powered:
        return refuse(Completion.NOT_SUPPORTED_IN_STATE)
    bmc.command_chassis(action)
    return ok()


def identify(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    seconds = data[0] if data else IDENTIFY_S
    forced = len(data) > 1 and data[1] & 1
    lit = forced or seconds
    bmc.identify_until = after(bmc.now, FOREVER_S if forced else seconds) if lit else None
    return ok()


def restore_policy(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    choice = data[0] & 0x07
    if choice > len(POLICIES):
        return refuse(Completion.INVALID_FIELD)
    if choice < len(POLICIES):
        bmc.policy.value = POLICIES[choice]
    return ok(b"\x07")


def restart_cause(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    return ok(bytes((bmc.host.value.cause, CHANNEL)))


def front_panel(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    bmc.extras.front_panel = data[0] & BUTTONS
    return ok()


def cycle_interval(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    bmc.extras.cycle_s = data[0]
    return ok()


def power_on_hours(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    return ok(b"\x3c" + bmc.meter.hours(bmc.now).to_bytes(4, "little"))


ROWS: Table = {
    (CHASSIS, 0x00, 0): Command("Get Chassis Capabilities", USER, 0, 0, capabilities, steady=True),
    (CHASSIS, 0x01, 0): Command("Get Chassis Status", USER, 0, 0, status, steady=True),
    (CHASSIS, 0x02, 0): Command("Chassis Control", OPERATOR, 1, 1, control),
    (CHASSIS, 0x04, 0): Command("Chassis Identify", OPERATOR, 0, 2, identify),
    (CHASSIS, 0x06, 0): Command("Set Power Restore Policy", OPERATOR, 1, 1, restore_policy),
    (CHASSIS, 0x07, 0): Command("Get System Restart Cause", USER, 0, 0, restart_cause),
    (CHASSIS, 0x0A, 0): Command("Set Front Panel Button Enables", ADMIN, 1, 1, front_panel),
    (CHASSIS, 0x0B, 0): Command("Set Power Cycle Interval", ADMIN, 1, 1, cycle_interval),
    (CHASSIS, 0x0F, 0): Command("Get POH Counter", USER, 0, 0, power_on_hours),
}
