"""The controller itself (IPMI 2.0 sections 20, 21 and 22)."""

from __future__ import annotations

from ridethrough.emulators.bindings.ipmi import Answer, IpmiCommand, Table, ok, refuse
from ridethrough.emulators.devices.bmc.commands.common import ADMIN, APP, NONE, USER
from ridethrough.emulators.devices.bmc.model import Bmc
from ridethrough.emulators.devices.bmc.system_settings import BLOCK
from ridethrough.wire.ipmi.message import Completion
from ridethrough.wire.ipmi.session import Session

IPMI_2_0 = 0x02
PASSED = b"\x55\x00"
S0, S5, NO_CHANGE = 0x00, 0x05, 0x7F
DEVICE_ON, DEVICE_OFF = 0x00, 0x03
NO_PARAMETER = 0x80
REVISION = 0x11
ONLY_REVISION = 0x80
SYSTEM_PARAMETERS = range(1, 8)
TEXT_BLOCKS = 4
ASCII = 0


def get_device_id(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Get Device ID (section 20.1)."""
    identity = bmc.profile.identity
    major, minor = identity.firmware
    coded = minor // 10 << 4 | minor % 10  # BCD
    maker = identity.manufacturer.to_bytes(3, "little") + identity.product.to_bytes(2, "little")
    head = bytes((identity.device_id, 0x80 | identity.revision, major, coded, IPMI_2_0, identity.support))
    return ok(head + maker + bytes(4))


def cold_reset(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Cold Reset (section 20.2)."""
    bmc.restart(bmc.now)
    return ok()


def warm_reset(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Warm Reset (section 20.3)."""
    bmc.lifecycle.lose_sessions()
    return ok()


def get_self_test_results(_bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Get Self Test Results (section 20.4)."""
    return ok(PASSED)


def set_acpi_power_state(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set ACPI Power State (section 20.6)."""
    system, device = bmc.settings.acpi or _acpi(bmc)
    for octet, place in zip(data, (0, 1), strict=True):
        if octet & 0x80 and octet & 0x7F != NO_CHANGE:
            system, device = (octet & 0x7F, device) if place == 0 else (system, octet & 0x7F)
    bmc.settings.acpi = system, device
    return ok()


def get_acpi_power_state(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Get ACPI Power State (section 20.7)."""
    return ok(bytes(_acpi(bmc) if not bmc.chassis.host.value.powered else bmc.settings.acpi or _acpi(bmc)))


def _acpi(bmc: Bmc) -> tuple[int, int]:
    return (S0, DEVICE_ON) if bmc.chassis.host.value.powered else (S5, DEVICE_OFF)


def get_guid(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Get Device GUID and Get System GUID (sections 20.8 and 22.14)."""
    return ok(bmc.guid)


def set_bmc_global_enables(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set BMC Global Enables (section 22.1)."""
    bmc.settings.global_enables = data[0]
    return ok()


def get_bmc_global_enables(bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Get BMC Global Enables (section 22.2)."""
    return ok(bytes((bmc.settings.global_enables,)))


def send_message(_bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Send Message (section 22.7)."""
    return refuse(0x83)  # there is nobody to bridge to: NAK on write


def system_interface_only(_bmc: Bmc, _data: bytes, _session: Session | None) -> Answer:
    """Commands of the message queue and the event buffer (sections 22.3 to 22.8)."""
    return refuse(Completion.INSUFFICIENT_PRIVILEGE)  # the message queue belongs to the host's own software


def set_system_info_parameters(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set System Info Parameters (section 22.14a)."""
    parameter, value = data[0], data[1:]
    if parameter == 0:
        return ok() if len(value) == 1 else refuse(Completion.LENGTH_INVALID)
    if parameter not in SYSTEM_PARAMETERS:
        return refuse(NO_PARAMETER)
    if len(value) < 2 or len(value) > 1 + BLOCK or value[0] >= TEXT_BLOCKS:
        return refuse(Completion.INVALID_FIELD)
    bmc.settings.system[parameter, value[0]] = value[1:].ljust(BLOCK, b"\0")
    return ok()


def get_system_info_parameters(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get System Info Parameters (section 22.14b)."""
    parameter, block = data[1], data[2]
    if parameter and parameter not in SYSTEM_PARAMETERS:
        return refuse(NO_PARAMETER)
    if data[0] & ONLY_REVISION:
        return ok(bytes((REVISION,)))
    if parameter == 0:
        return ok(bytes((REVISION, 0)))
    if block >= TEXT_BLOCKS:
        return refuse(Completion.INVALID_FIELD)
    text = _first_text(bmc, parameter)
    kept = bmc.settings.system.get((parameter, block), text if block == 0 else bytes(BLOCK))
    return ok(bytes((REVISION, block)) + kept)


def _first_text(bmc: Bmc, parameter: int) -> bytes:
    """The first block of a text that nobody has written: encoding, length, text."""
    major, minor = bmc.profile.identity.firmware
    text = f"{major}.{minor:02}" if parameter == 1 else bmc.name.removesuffix(".bmc") if parameter == 2 else ""
    octets = text.encode("latin-1", "replace")[: BLOCK - 2]
    return (bytes((ASCII, len(octets))) + octets).ljust(BLOCK, b"\0")


ROWS: Table = {
    (APP, 0x01, 0): IpmiCommand("Get Device ID", USER, 0, 0, get_device_id, steady=True),
    (APP, 0x02, 0): IpmiCommand("Cold Reset", ADMIN, 0, 0, cold_reset, changes=True),
    (APP, 0x03, 0): IpmiCommand("Warm Reset", ADMIN, 0, 0, warm_reset, changes=True),
    (APP, 0x04, 0): IpmiCommand("Get Self Test Results", USER, 0, 0, get_self_test_results, steady=True),
    (APP, 0x06, 0): IpmiCommand("Set ACPI Power State", ADMIN, 2, 2, set_acpi_power_state, changes=True),
    (APP, 0x07, 0): IpmiCommand("Get ACPI Power State", USER, 0, 0, get_acpi_power_state),
    (APP, 0x08, 0): IpmiCommand("Get Device GUID", USER, 0, 0, get_guid, steady=True),
    (APP, 0x2E, 0): IpmiCommand("Set BMC Global Enables", ADMIN, 1, 1, set_bmc_global_enables, changes=True),
    (APP, 0x2F, 0): IpmiCommand("Get BMC Global Enables", USER, 0, 0, get_bmc_global_enables),
    (APP, 0x30, 0): IpmiCommand("Clear Message Flags", USER, 1, 1, system_interface_only),
    (APP, 0x31, 0): IpmiCommand("Get Message Flags", USER, 0, 0, system_interface_only),
    (APP, 0x32, 0): IpmiCommand("Enable Message Channel Receive", USER, 2, 2, system_interface_only),
    (APP, 0x33, 0): IpmiCommand("Get Message", USER, 0, 0, system_interface_only),
    (APP, 0x35, 0): IpmiCommand("Read Event Message Buffer", USER, 0, 0, system_interface_only),
    (APP, 0x34, 0): IpmiCommand("Send Message", USER, 1, 255, send_message),
    (APP, 0x37, 0): IpmiCommand("Get System GUID", NONE, 0, 0, get_guid, steady=True),
    (APP, 0x58, 0): IpmiCommand("Set System Info Parameters", ADMIN, 1, 18, set_system_info_parameters, changes=True),
    (APP, 0x59, 0): IpmiCommand("Get System Info Parameters", USER, 4, 4, get_system_info_parameters),
}
