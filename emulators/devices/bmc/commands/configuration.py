"""Configuration parameters: LAN (IPMI 2.0 section 23), serial over LAN (26), event filtering (30.3, 30.4)."""

from __future__ import annotations

from ridethrough.emulators.bindings.ipmi import Answer, IpmiCommand, Table, ok, refuse
from ridethrough.emulators.devices.bmc.commands.common import ADMIN, EVENT, OPERATOR, TRANSPORT, USER, is_lan
from ridethrough.emulators.devices.bmc.lan import REVISION, ParameterRefusal
from ridethrough.emulators.devices.bmc.model import Bmc
from ridethrough.emulators.devices.bmc.pef_parameters import READERS, WRITERS
from ridethrough.emulators.devices.bmc.sol_parameters import READ_ONLY_SOL, SOL_DEFAULTS, SolParameter
from ridethrough.wire.ipmi.message import Completion
from ridethrough.wire.ipmi.session import Session

ONLY_REVISION = 0x80
NUMBER = 0x7F


def set_lan_parameters(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set LAN Configuration Parameters (section 23.1)."""
    if not is_lan(data[0]):
        return refuse(Completion.INVALID_FIELD)
    result = bmc.lan.set(data[1], data[2:])
    if isinstance(result, ParameterRefusal):
        return refuse(result)
    return ok() if result else refuse(Completion.INVALID_FIELD)


def get_lan_parameters(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get LAN Configuration Parameters (section 23.2)."""
    if not is_lan(data[0]):
        return refuse(Completion.INVALID_FIELD)
    value = bmc.lan.get(data[1], data[2])
    if isinstance(value, ParameterRefusal):
        return refuse(value)
    if value is None:
        return refuse(Completion.INVALID_FIELD)
    return ok(bytes((REVISION,)) + (b"" if data[0] & ONLY_REVISION else value))


def suspend_arps(_bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Suspend BMC ARPs (section 23.3)."""
    return ok(bytes((data[1] & 0x03,))) if is_lan(data[0]) else refuse(Completion.INVALID_FIELD)


def get_lan_statistics(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get IP/UDP/RMCP Statistics (section 23.4)."""
    if not is_lan(data[0]):
        return refuse(Completion.INVALID_FIELD)
    # The emulated controller sees good datagrams only; the kernel keeps the others.
    received = min(bmc.settings.datagrams, 0xFFFF).to_bytes(2, "little")
    none = bytes(2)
    if data[1] & 1:
        bmc.settings.datagrams = 0
    return ok(received + none * 3 + received * 3 + none * 2)


def set_sol_parameters(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set SOL Configuration Parameters (section 26.2)."""
    parameter, value = data[1], data[2:]
    if not is_lan(data[0]):
        return refuse(Completion.INVALID_FIELD)
    if parameter not in SOL_DEFAULTS:
        return refuse(ParameterRefusal.UNSUPPORTED)
    if parameter in READ_ONLY_SOL:
        return refuse(ParameterRefusal.READ_ONLY)
    if len(value) != len(SOL_DEFAULTS[parameter]):
        return refuse(Completion.LENGTH_INVALID)
    bmc.settings.sol[parameter] = value
    return ok()


def get_sol_parameters(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get SOL Configuration Parameters (section 26.3)."""
    parameter = data[1]
    if not is_lan(data[0]):
        return refuse(Completion.INVALID_FIELD)
    if parameter not in SOL_DEFAULTS:
        return refuse(ParameterRefusal.UNSUPPORTED)
    value = bmc.settings.sol.get(parameter, SOL_DEFAULTS[parameter])
    if parameter == SolParameter.PORT:
        value = bmc.options.port.to_bytes(2, "little")
    return ok(bytes((REVISION,)) + (b"" if data[0] & ONLY_REVISION else value))


def set_pef_parameters(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Set PEF Configuration Parameters (section 30.3)."""
    parameter, value = data[0] & NUMBER, data[1:]
    if parameter not in READERS:
        return refuse(ParameterRefusal.UNSUPPORTED)
    if parameter not in WRITERS:
        return refuse(ParameterRefusal.READ_ONLY)
    result = WRITERS[parameter](bmc.events.pef, value)
    if isinstance(result, ParameterRefusal):
        return refuse(result)
    return ok() if result else refuse(Completion.INVALID_FIELD)


def get_pef_parameters(bmc: Bmc, data: bytes, _session: Session | None) -> Answer:
    """Get PEF Configuration Parameters (section 30.4)."""
    parameter = data[0] & NUMBER
    if parameter not in READERS:
        return refuse(ParameterRefusal.UNSUPPORTED)
    value = READERS[parameter](bmc.events.pef, data[1], data[2])
    if value is None:
        return refuse(Completion.INVALID_FIELD)
    return ok(bytes((REVISION,)) + (b"" if data[0] & ONLY_REVISION else value))


ROWS: Table = {
    (TRANSPORT, 0x01, 0): IpmiCommand(
        "Set LAN Configuration Parameters", ADMIN, 3, 64, set_lan_parameters, changes=True
    ),
    (TRANSPORT, 0x02, 0): IpmiCommand("Get LAN Configuration Parameters", OPERATOR, 4, 4, get_lan_parameters),
    (TRANSPORT, 0x03, 0): IpmiCommand("Suspend BMC ARPs", OPERATOR, 2, 2, suspend_arps),
    (TRANSPORT, 0x04, 0): IpmiCommand("Get IP/UDP/RMCP Statistics", USER, 2, 2, get_lan_statistics),
    (TRANSPORT, 0x21, 0): IpmiCommand(
        "Set SOL Configuration Parameters", ADMIN, 3, 16, set_sol_parameters, changes=True
    ),
    (TRANSPORT, 0x22, 0): IpmiCommand("Get SOL Configuration Parameters", USER, 4, 4, get_sol_parameters),
    (EVENT, 0x12, 0): IpmiCommand("Set PEF Configuration Parameters", ADMIN, 2, 64, set_pef_parameters, changes=True),
    (EVENT, 0x13, 0): IpmiCommand("Get PEF Configuration Parameters", OPERATOR, 3, 3, get_pef_parameters),
}
