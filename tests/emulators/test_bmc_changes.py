"""The column `changes` of the command table: a command that is not marked changes nothing, one that is marked does.

Whether the world settles after a command, and whether answers given before may be given again, hangs on that mark
alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ridethrough.emulators.bindings.ipmi import dispatch
from ridethrough.emulators.devices.bmc.commands import TABLE
from ridethrough.emulators.devices.bmc.pef import TEMPERATURE
from ridethrough.wire import pet
from ridethrough.wire.ipmi.algorithms import SUITES, SessionKeys
from ridethrough.wire.ipmi.message import IpmiRequest, NetFn, Privilege
from ridethrough.wire.ipmi.session import Account, Session
from ridethrough.wire.primitives import Hmac
from tests.emulators.rig import PLANT, Desk

SERVER = PLANT["servers"]["server1"]
ALERTS = [{"receiver": "127.0.0.8", "acknowledge": True, "timeout_s": 5, "retries": 3}]
BMC = SERVER["bmc"] | {"inject": True, "link": {"on": True}, "alerts": ALERTS}
RIG = PLANT | {"servers": {"server1": SERVER | {"bmc": BMC}}}
ROWS = list(TABLE.items())
NAMES = [row.name for _, row in ROWS]
STATUS = IpmiRequest(0x00, 0x01, b"")  # Get Chassis Status, whose answer is given again
NODE = b"node"
ACCOUNT = Account(2, b"admin", b"admin", Privilege.ADMINISTRATOR)
# Refused wherever they come from: the host's own queue, no satellites.
REFUSED = {
    "Clear Message Flags": 0xD4,
    "Get Message Flags": 0xD4,
    "Enable Message Channel Receive": 0xD4,
    "Get Message": 0xD4,
    "Read Event Message Buffer": 0xD4,
    "Send Message": 0x83,
}
# Data of a request that is carried out, in hexadecimal; `@` is the number of a temperature sensor, nothing stands
# for no data. Get Power Limit is answered with 80h while no limit is active, so there one is.
DATA: dict[str, str] = {
    "Set ACPI Power State": "8181",
    "Set BMC Global Enables": "0f",
    "Clear Message Flags": "01",
    "Enable Message Channel Receive": "0101",
    "Send Message": "00",
    "Set System Info Parameters": "010000 03616263",
    "Get System Info Parameters": "00010000",
    "Set Watchdog Timer": "04010000c800",
    "Get Channel Authentication Capabilities": "0e04",
    "Set Channel Access": "014283",
    "Get Channel Access": "0140",
    "Get Channel Info": "01",
    "Get Channel Cipher Suites": "010080",
    "Set Channel Security Keys": "010101" + "4b" * 20,
    "Set User Access": "910203",
    "Get User Access": "0102",
    "Set User Name": "03" + b"oper".ljust(16, b"\0").hex(),
    "Get User Name": "02",
    "Set User Password": "0302" + b"secret".ljust(16, b"\0").hex(),
    "Activate Payload": "010100000000",
    "Deactivate Payload": "010100000000",
    "Get Payload Activation Status": "01",
    "Get Payload Instance Info": "0101",
    "Set User Payload Access": "014202000000",
    "Get User Payload Access": "0102",
    "Get Channel Payload Support": "01",
    "Get Channel Payload Version": "0101",
    "Suspend/Resume Payload Encryption": "010101",
    "Set System Boot Options": "058004000000",
    "Get System Boot Options": "050000",
    "Chassis Control": "00",
    "Chassis Identify": "0f",
    "Set Power Restore Policy": "00",
    "Set Front Panel Button Enables": "0f",
    "Set Power Cycle Interval": "1e",
    "Set LAN Configuration Parameters": "0110" + b"secret".ljust(18, b"\0").hex(),
    "Get LAN Configuration Parameters": "01030000",
    "Suspend BMC ARPs": "0100",
    "Get IP/UDP/RMCP Statistics": "0100",
    "Set SOL Configuration Parameters": "0104030a",
    "Get SOL Configuration Parameters": "01010000",
    "Set PEF Configuration Parameters": "0100",
    "Get PEF Configuration Parameters": "010000",
    "Get DCMI Capability Info": "01",
    "Get Power Reading": "010000",
    "Get Power Limit": "0000",
    "Set Power Limit": "00000000 c800 00000000 0000 0000",
    "Activate Power Limit": "000000",
    "Get Asset Tag": "0010",
    "Get DCMI Sensor Info": "01400000",
    "Set Asset Tag": "0003616263",
    "Get Management Controller Identifier String": "0010",
    "Set Management Controller Identifier String": "0003616200",
    "Get Temperature Readings": "01400000",
    "Get FRU Inventory Area Info": "00",
    "Read FRU Data": "00000010",
    "Write FRU Data": "0000005a",
    "Set Event Receiver": "2000",
    "Platform Event": "0407016f00",
    "Arm PEF Postpone Timer": "1e",
    "Set Last Processed Event ID": "000500",
    "Alert Immediate": "010100",
    "Get Link Info": "",
    "Set Link Configuration": "0114003c00000000",
    "Recovery Start": "0100 0000 04" + NODE.hex(),
    "Recovery End": "010000",
    "Get Incident": "0100",
    "Heartbeat": "04" + NODE.hex() + "0100000000",
    "Get Heartbeat Table": "00",
    "Inject Fault": "@0001ffff",
    "Get SDR": "0000000000ff",
    "Get Device SDR": "0000000000ff",
    "Set SDR Repository Time": "00000060",
    "Get SEL Entry": "0000000000ff",
    "Add SEL Entry": "0000 02 00000000 2000 04 01 01 6f 00ffff",
    "Delete SEL Entry": "01000000",
    "Clear SEL": "0100434c52aa",
    "Set SEL Time": "00000060",
    "Set SEL Time UTC Offset": "3c00",
    "Get Sensor Reading Factors": "@00",
    "Set Sensor Hysteresis": "@ff0505",
    "Get Sensor Hysteresis": "@ff",
    "Set Sensor Thresholds": "@10 00000000 70 00",
    "Get Sensor Thresholds": "@",
    "Set Sensor Event Enable": "@00",
    "Get Sensor Event Enable": "@",
    "Re-arm Sensor Events": "@00",
    "Get Sensor Event Status": "@",
    "Get Sensor Reading": "@",
    "Get Sensor Type": "@",
    "Set Sensor Reading And Event Status": "@0160",
}


def _session() -> Session:
    session = Session(1, ("127.0.0.1", 1), Privilege.ADMINISTRATOR, 0, ACCOUNT, Privilege.ADMINISTRATOR, active=True)
    session.keys = SessionKeys(SUITES[3], Hmac("sha1", bytes(20)))
    return session


def _sensor(desk: Desk) -> int:
    """A temperature with an upper critical threshold."""
    rows = desk.bmc.model.sensors.by_number.values()
    return int(next(row.number for row in rows if row.sensor_type == TEMPERATURE and row.thresholds.ucr is not None))


def _request(desk: Desk, key: tuple[int, int, int], name: str) -> IpmiRequest:
    netfn, command, body = key
    head = body.to_bytes({NetFn.GROUP: 1, NetFn.OEM: 3}.get(NetFn(netfn), 0), "little")
    if name == "PET Acknowledge":
        waiting = desk.bmc.model.events.alerts.waiting
        return IpmiRequest(netfn, command, pet.acknowledge(waiting[0].event) if waiting else bytes(12))
    data = bytes.fromhex(DATA.get(name, "").replace("@", f"{_sensor(desk):02x}"))
    return IpmiRequest(netfn, command, head + data)


# Commands whose answers are looked at: by the specification's names and not by the mark, so that no command which lost
# its mark is carried out by a look. The count of datagrams grows by itself.
LOOKS = [
    (key, row.name)
    for key, row in ROWS
    if row.name.startswith(("Get ", "Read ")) and row.name != "Get IP/UDP/RMCP Statistics"
]


def seen(desk: Desk) -> dict[str, Any]:
    """Everything that anybody outside can see of a controller."""
    bmc, session = desk.bmc, _session()
    answering = bmc.answering(desk.world.now)
    return {
        "answers": {name: dispatch(TABLE, bmc.model, _request(desk, key, name), session) for key, name in LOOKS},
        "kept": bmc.dump_state(),
        "shown": bmc.snapshot(desk.world.now),
        "ports": [port.value for port in bmc.ports()],
        "traps": list(bmc.outgoing),
        "alerts": dict(bmc.model.events.alerts.status),
        "console": (bmc.console_holder, bmc.console_since(0)),
        "sessions": (bmc.lifecycle.generation, answering, bmc.account(b"admin"), bmc.login_policy),
        "due": bmc.next_deadline(),
    }


def _give(desk: Desk, name: str) -> None:
    """A command that goes before another."""
    key = next(key for key, row in ROWS if row.name == name)
    assert desk.bmc.execute(_request(desk, key, name), _session())[0] == 0, name
    desk.world.settle()


def _hold(desk: Desk) -> None:
    desk.inject("server1.bmc", "memory_uncorrectable")


def _recover(desk: Desk) -> None:
    _hold(desk)
    _give(desk, "Recovery Start")


def _hot(desk: Desk) -> None:
    desk.inject("server1.bmc", "inlet", "70")


def _written(desk: Desk) -> None:
    _give(desk, "Add SEL Entry")
    _give(desk, "Reserve SEL")


# What must have happened before a command can do anything.
BEFORE: dict[str, Callable[[Desk], object]] = {
    "Reset Watchdog Timer": lambda desk: _give(desk, "Set Watchdog Timer"),
    "Deactivate Payload": lambda desk: _give(desk, "Activate Payload"),
    "Get SEL Entry": _written,
    "Delete SEL Entry": _written,
    "Clear SEL": _written,
    "Activate Power Limit": lambda desk: desk.ok(NetFn.GROUP, 0x05, b"\xdc\x01\x00\x00"),
    "Get Power Limit": lambda desk: desk.ok(NetFn.GROUP, 0x05, b"\xdc\x01\x00\x00"),
    "Arm PEF Postpone Timer": _hold,
    "PET Acknowledge": _hold,
    "Recovery Start": _hold,
    "Recovery End": _recover,
    "Get Incident": _hold,
    "Re-arm Sensor Events": _hot,
}


@pytest.mark.parametrize(("key", "row"), ROWS, ids=NAMES)
def test_a_command_changes_something_if_and_only_if_it_is_marked(key: tuple[int, int, int], row: Any) -> None:
    desk = Desk(RIG)
    if row.name in BEFORE:
        BEFORE[row.name](desk)
    session, before = _session(), seen(desk)
    revision = desk.bmc.model.revision
    code, _ = desk.bmc.execute(_request(desk, key, row.name), session)
    assert code == REFUSED.get(row.name, 0)
    assert (desk.bmc.model.revision != revision) is row.changes
    desk.world.settle()
    after = seen(desk)
    changed = [part for part in before if before[part] != after[part]]
    assert bool(changed) is row.changes, changed


happenings = st.sampled_from(
    [
        "server1.bmc memory_uncorrectable",
        "server1.bmc temperature_critical",
        "server1.bmc inlet 70",
        "server1.bmc lan_cut",
        "server1.bmc cold_reset",
        "server1 power_button",
        "city off",
        *(row.name for _, row in ROWS if row.changes),
    ]
)


@given(
    st.lists(happenings, max_size=4),
    st.sampled_from([pair for pair in ROWS if not pair[1].changes]),
    st.binary(max_size=24),
    st.booleans(),
)
@settings(deadline=None)
def test_a_command_that_is_not_marked_changes_nothing_whatever_it_carries(
    happened: list[str], pair: Any, data: bytes, valid: bool
) -> None:
    desk = Desk(RIG)
    session = _session()
    for what in happened:
        if what in NAMES:
            key = ROWS[NAMES.index(what)][0]
            desk.bmc.execute(_request(desk, key, what), session)
            desk.world.settle()
        else:
            place, word, *words = what.split()
            desk.inject(place, word, *words)
        desk.at(desk.world.now / 1000 + 1)
    key, row = pair
    request = _request(desk, key, row.name)
    if not valid:
        head = request.data[: {NetFn.GROUP: 1, NetFn.OEM: 3}.get(NetFn(key[0]), 0)]
        request = request._replace(data=head + data.ljust(row.shortest, b"\x01")[: row.longest])
    before = seen(desk)
    status = desk.bmc.execute(STATUS, session)
    known, revision = desk.bmc._answers.answer(STATUS, session), desk.bmc.model.revision
    desk.bmc.execute(request, session)
    assert desk.bmc.model.revision == revision
    assert status == known == desk.bmc._answers.answer(STATUS, session)
    assert seen(desk) == before
    desk.world.settle()
    assert seen(desk) == before
