"""Chassis commands (IPMI 2.0 section 28)."""

from __future__ import annotations

from ridethrough.emulators.bindings.chassis import AcLink, ChassisControl
from ridethrough.emulators.bindings.ipmi import Answer, IpmiCommand, Table, ok, refuse
from ridethrough.emulators.devices.bmc import pef
from ridethrough.emulators.devices.bmc.commands.common import ADMIN, CHASSIS, OPERATOR, USER
from ridethrough.emulators.devices.bmc.lan import CHANNEL
from ridethrough.emulators.devices.bmc.model import Bmc
from ridethrough.wire.ipmi.message import Completion
from ridethrough.wire.ipmi.session import Session

POLICIES = (AcLink.OFF, AcLink.LAST, AcLink.ON)
IDENTIFY_S = 15
BUTTONS = 0x0F  # power, reset, diagnostic, standby


def get_chassis_capabilities(_bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Get Chassis Capabilities (section 28.1)."""
    # Intrusion sensor and diagnostic interrupt; all devices at the controller's own address.
    return ok(bytes((0x05, 0x20, 0x20, 0x20, 0x20)))


def get_chassis_status(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Get Chassis Status (section 28.2)."""
    policy = POLICIES.index(bmc.chassis.policy.value)
    host = bmc.chassis.host.value
    last = 0x10 if host.powered else 0x00  # switched on through IPMI, or no event
    identify = 0x10 if bmc.chassis.identify_until is not None else 0
    bank = bmc.sensors
    fan, opened = any(bank.states_of(pef.FAN)), any(state & 1 for state in bank.states_of(pef.INTRUSION))
    misc = 0x40 | identify | (0x08 if fan else 0) | (0x01 if opened else 0)
    answer = bytes((policy << 5 | host.powered, last, misc))
    return ok(answer + bytes((bmc.settings.front_panel << 4 & 0xF0 | bmc.settings.front_panel,)))


def chassis_control(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Chassis Control (section 28.3)."""
    number = data[0] & 0x0F
    if number > ChassisControl.SOFT_SHUTDOWN:
        return refuse(Completion.INVALID_FIELD)
    action = ChassisControl(number)
    powered = bmc.chassis.host.value.powered
    if action in (ChassisControl.POWER_CYCLE, ChassisControl.HARD_RESET) and not powered:
        return refuse(Completion.NOT_SUPPORTED_IN_STATE)
    bmc.command_chassis(action)
    return ok()


def chassis_identify(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Chassis Identify (section 28.5)."""
    seconds = data[0] if data else IDENTIFY_S
    forced = len(data) > 1 and data[1] & 1
    bmc.chassis.identify(None if forced else seconds, bmc.now)
    return ok()


def set_power_restore_policy(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set Power Restore Policy (section 28.8)."""
    choice = data[0] & 0x07
    if choice > len(POLICIES):
        return refuse(Completion.INVALID_FIELD)
    if choice < len(POLICIES):
        bmc.chassis.policy.value = POLICIES[choice]
    return ok(b"\x07")


def get_system_restart_cause(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Get System Restart Cause (section 28.11)."""
    return ok(bytes((bmc.chassis.host.value.cause, CHANNEL)))


def set_front_panel_enables(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set Front Panel Button Enables (section 28.6)."""
    bmc.settings.front_panel = data[0] & BUTTONS
    return ok()


def set_power_cycle_interval(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set Power Cycle Interval (section 28.9)."""
    bmc.settings.cycle_s = data[0]
    return ok()


def get_poh_counter(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Get POH Counter (section 28.14)."""
    return ok(b"\x3c" + bmc.meter.hours(bmc.now).to_bytes(4, "little"))


ROWS: Table = {
    (CHASSIS, 0x00, 0): IpmiCommand("Get Chassis Capabilities", USER, 0, 0, get_chassis_capabilities, steady=True),
    (CHASSIS, 0x01, 0): IpmiCommand("Get Chassis Status", USER, 0, 0, get_chassis_status, steady=True),
    (CHASSIS, 0x02, 0): IpmiCommand("Chassis Control", OPERATOR, 1, 1, chassis_control, changes=True),
    (CHASSIS, 0x04, 0): IpmiCommand("Chassis Identify", OPERATOR, 0, 2, chassis_identify, changes=True),
    (CHASSIS, 0x06, 0): IpmiCommand("Set Power Restore Policy", OPERATOR, 1, 1, set_power_restore_policy, changes=True),
    (CHASSIS, 0x07, 0): IpmiCommand("Get System Restart Cause", USER, 0, 0, get_system_restart_cause),
    (CHASSIS, 0x0A, 0): IpmiCommand(
        "Set Front Panel Button Enables", ADMIN, 1, 1, set_front_panel_enables, changes=True
    ),
    (CHASSIS, 0x0B, 0): IpmiCommand("Set Power Cycle Interval", ADMIN, 1, 1, set_power_cycle_interval, changes=True),
    (CHASSIS, 0x0F, 0): IpmiCommand("Get POH Counter", USER, 0, 0, get_poh_counter),
}
