"""ipmitool, FreeIPMI and pyghmi against the emulated BMC."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.support.live import Live, tool
from tests.support.vectors import vector


def ipmitool(pair: Live, server: str, *words: str, suite: int = 17, expect: int = 0, interface: str = "lanplus") -> str:
    options = ["-C", str(suite)] if interface == "lanplus" else []
    return tool("ipmitool", "-I", interface, *options, *pair.bmc(server), "-N", "2", "-R", "2", *words, expect=expect)


@pytest.mark.parametrize("server", ["server1", "server2"])
@pytest.mark.parametrize("suite", [3, 17])
def test_ipmitool(pair: Live, server: str, suite: int) -> None:
    info = ipmitool(pair, server, "mc", "info", suite=suite)
    assert "IPMI Version              : 2.0" in info
    assert "Manufacturer ID           : 119" in info
    assert "System Power         : on" in ipmitool(pair, server, "chassis", "status", suite=suite)
    ipmitool(pair, server, "chassis", "power", "off", suite=suite)
    assert "Chassis Power is off" in ipmitool(pair, server, "chassis", "power", "status", suite=suite)
    ipmitool(pair, server, "chassis", "power", "on", suite=suite)
    assert "Chassis Power is on" in ipmitool(pair, server, "chassis", "power", "status", suite=suite)
    log = ipmitool(pair, server, "sel", "list", suite=suite)
    assert "Power off/down | Asserted" in log
    assert "Power off/down | Deasserted" in log
    sensors = ipmitool(pair, server, "sdr", "list", suite=suite)
    assert "Inlet Temp       | 22 degrees C      | ok" in sensors
    assert "Fan1             | 6000 RPM          | ok" in sensors
    assert "P12V             | 12 Volts          | ok" in sensors


def test_ipmitool_chooses_suite_17_by_itself_and_speaks_ipmi_15(pair: Live) -> None:
    words = ["chassis", "power", "status"]
    assert "Chassis Power is" in tool("ipmitool", "-I", "lanplus", *pair.bmc("server1"), *words)
    assert "Chassis Power is" in ipmitool(pair, "server1", *words, interface="lan")
    without = tool("ipmitool", "-I", "lan", "-A", "NONE", *pair.bmc("server1"), "-N", "1", "-R", "1", *words, expect=1)
    assert "Chassis Power is" not in without


@pytest.mark.parametrize("suite", [0, 1, 2, 8, 15])
def test_suites_that_are_off_do_not_log_in(pair: Live, suite: int) -> None:
    assert "Unable to establish" in ipmitool(pair, "server1", "mc", "info", suite=suite, expect=1)


def test_a_wrong_password_and_an_unknown_user(pair: Live) -> None:
    address = pair.bmc("server1")[:4]
    for user, password in (("admin", "wrong"), ("nobody", "admin")):
        words = [*address, "-U", user, "-P", password, "-N", "1", "-R", "1", "mc", "info"]
        assert "Unable to establish" in tool("ipmitool", "-I", "lanplus", "-C", "17", *words, expect=1)


@pytest.mark.parametrize(("driver", "suite"), [("LAN_2_0", "3"), ("LAN_2_0", "17"), ("LAN", "")])
def test_freeipmi(pair: Live, driver: str, suite: str) -> None:
    address = pair.document["servers"]["server2"]["bmc"]["address"]
    options = ["-h", f"{address}:{pair.ports['ipmi']}", "-u", "admin", "-p", "admin", "-D", driver, "-l", "ADMIN"]
    options += ["-I", suite] if suite else []
    assert "System Power" in tool("ipmi-chassis", *options, "--get-chassis-status")
    info = tool("bmc-info", *options)
    assert "IPMI Version" in info
    assert "NEC" in info


def test_freeipmi_reads_sensors_and_log(pair: Live, tmp_path: Path) -> None:
    address = pair.document["servers"]["server2"]["bmc"]["address"]
    options = ["-h", f"{address}:{pair.ports['ipmi']}", "-u", "admin", "-p", "admin", "-D", "LAN_2_0", "-l", "ADMIN"]
    options += ["--sdr-cache-directory", str(tmp_path)]
    sensors = tool("ipmi-sensors", *options)
    assert "Inlet Temp" in sensors
    assert "22.00" in sensors
    pair.tell("server2.bmc front_panel_nmi")
    assert "Critical Int" in tool("ipmi-sel", *options)


def test_presence_ping(pair: Live) -> None:
    address = pair.document["servers"]["server1"]["bmc"]["address"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(5)
        probe.sendto(vector("ipmitool-ping"), (address, pair.ports["ipmi"]))
        assert probe.recv(100).hex() == "0600ff06000011be40000010000011be00000000810000000000000" + "0"


def test_pyghmi(pair: Live) -> None:
    from pyghmi.ipmi.command import Command

    address = pair.document["servers"]["server1"]["bmc"]["address"]
    link = Command(address, b"admin", b"admin", port=pair.ports["ipmi"], keepalive=False)
    try:
        assert link.get_power() == {"powerstate": "on"}
        readings = {reading.name: reading.value for reading in link.get_sensor_data()}
        assert readings["Inlet Temp"] == pytest.approx(22)
    finally:
        link.ipmi_session.logout()
