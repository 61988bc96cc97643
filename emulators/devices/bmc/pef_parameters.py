"""Event filtering as parameters that managers read and write (IPMI 2.0 table 30-6)."""

from __future__ import annotations

from collections.abc import Callable

from ridethrough.emulators.devices.bmc.lan import ParameterRefusal, lock
from ridethrough.emulators.devices.bmc.pef import BLOCK, FILTERS, POLICIES, STRING_BLOCKS, STRINGS, Pef

FILTER_OCTETS, POLICY_OCTETS, GUID_OCTETS = 21, 4, 17

Reader = Callable[[Pef, int, int], bytes | None]
Writer = Callable[[Pef, bytes], bool | ParameterRefusal]


def _row(rows: list[bytes], selector: int) -> bytes | None:
    return rows[selector - 1] if 1 <= selector <= len(rows) else None


def _data_1(pef: Pef, selector: int, _block: int) -> bytes | None:
    row = _row(pef.filters, selector)
    return None if row is None else row[:2]


def _key(pef: Pef, selector: int, _block: int) -> bytes | None:
    return pef.string_keys[selector] if selector < len(pef.string_keys) else None


def _string(pef: Pef, selector: int, block: int) -> bytes | None:
    if selector > STRINGS or not 1 <= block <= STRING_BLOCKS:
        return None
    return bytes((selector, block)) + pef.strings.get((selector, block), bytes(BLOCK))


READERS: dict[int, Reader] = {
    0: lambda pef, _selector, _block: bytes((pef.in_progress,)),
    1: lambda pef, _selector, _block: bytes((pef.control,)),
    2: lambda pef, _selector, _block: bytes((pef.actions,)),
    3: lambda pef, _selector, _block: bytes((pef.startup_delay_s,)),
    4: lambda pef, _selector, _block: bytes((pef.alert_delay_s,)),
    5: lambda _pef, _selector, _block: bytes((FILTERS,)),
    6: lambda pef, selector, _block: _row(pef.filters, selector),
    7: _data_1,
    8: lambda _pef, _selector, _block: bytes((POLICIES,)),
    9: lambda pef, selector, _block: _row(pef.policies, selector),
    10: lambda pef, _selector, _block: pef.guid,
    11: lambda _pef, _selector, _block: bytes((STRINGS,)),
    12: _key,
    13: _string,
}


def _octet(assign: Callable[[Pef, int], None]) -> Writer:
    def write(pef: Pef, data: bytes) -> bool:
        if len(data) != 1:
            return False
        assign(pef, data[0])
        return True

    return write


def _set_control(pef: Pef, octet: int) -> None:
    pef.control = octet


def _set_actions(pef: Pef, octet: int) -> None:
    pef.actions = octet


def _set_startup_delay(pef: Pef, seconds: int) -> None:
    pef.startup_delay_s = seconds


def _set_alert_delay(pef: Pef, seconds: int) -> None:
    pef.alert_delay_s = seconds


def _replace(rows: list[bytes], data: bytes, size: int) -> bool:
    if len(data) != size or not 1 <= data[0] & 0x7F <= len(rows):
        return False
    rows[(data[0] & 0x7F) - 1] = bytes((data[0] & 0x7F,)) + data[1:]
    return True


def _set_data_1(pef: Pef, data: bytes) -> bool:
    if len(data) != 2 or not 1 <= data[0] & 0x7F <= FILTERS:
        return False
    at = (data[0] & 0x7F) - 1
    pef.filters[at] = pef.filters[at][:1] + data[1:] + pef.filters[at][2:]
    return True


def _set_guid(pef: Pef, data: bytes) -> bool:
    if len(data) != GUID_OCTETS:
        return False
    pef.guid = data
    return True


def _set_key(pef: Pef, data: bytes) -> bool:
    if len(data) != 3 or data[0] & 0x7F > STRINGS:
        return False
    pef.string_keys[data[0] & 0x7F] = data
    return True


def _set_string(pef: Pef, data: bytes) -> bool:
    if not 3 <= len(data) <= 2 + BLOCK or data[0] > STRINGS or not 1 <= data[1] <= STRING_BLOCKS:
        return False
    pef.strings[data[0], data[1]] = data[2:].ljust(BLOCK, b"\0")
    return True


WRITERS: dict[int, Writer] = {
    0: lock,
    1: _octet(_set_control),
    2: _octet(_set_actions),
    3: _octet(_set_startup_delay),
    4: _octet(_set_alert_delay),
    6: lambda pef, data: _replace(pef.filters, data, FILTER_OCTETS),
    7: _set_data_1,
    9: lambda pef, data: _replace(pef.policies, data, POLICY_OCTETS),
    10: _set_guid,
    12: _set_key,
    13: _set_string,
}
