"""Sessions and the serial console of the emulated BMC under ipmitool and FreeIPMI."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.bmcs import SUITES, freeipmi, ipmitool
from tests.support.live import Live, tool
from tests.support.terminal import terminal

# --- sessions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", SUITES)
def test_freeipmi_logs_in_with_every_suite(bmcs: Live, suite: int) -> None:
    assert "System Power                        : on" in freeipmi("ipmi-chassis", "--get-chassis-status", suite=suite)


@pytest.mark.parametrize("suite", [suite for suite in SUITES if suite not in (11, 12)])  # on these it aborts by itself
def test_ipmitool_logs_in_with_every_suite(bmcs: Live, suite: int) -> None:
    assert "Manufacturer ID           : 119" in ipmitool(bmcs, "mc", "info", suite=suite)


def test_the_open_suite_only_where_it_is_on(bmcs: Live) -> None:
    assert "System Power" in freeipmi("ipmi-chassis", "--get-chassis-status", suite=0, server=2)
    assert "Unable to establish" in ipmitool(bmcs, "mc", "info", suite=0, expect=1)


@pytest.mark.parametrize(("kind", "works"), [("MD5", True), ("NONE", False), ("STRAIGHT_PASSWORD_KEY", False)])
def test_sessions_of_ipmi_15(bmcs: Live, kind: str, works: bool) -> None:
    options = ["-h", "127.0.12.3", "-u", "admin", "-p", "admin", "-D", "LAN", "-a", kind, "-l", "ADMIN"]
    said = tool("ipmi-chassis", *options, "--get-chassis-status", expect=0 if works else 1)
    assert ("System Power" in said) is works


def test_straight_passwords_and_none_log_in_where_an_administrator_allows_them(bmcs: Live) -> None:
    # LAN parameter 2: callback, user, operator, administrator, OEM.
    ipmitool(bmcs, *["raw", "0x0c", "0x01", "1", "2", "0x04", "0x04", "0x04", "0x15", "0x04"], server=4)
    for kind in ("MD5", "NONE", "STRAIGHT_PASSWORD_KEY"):
        options = ["-h", "127.0.12.4", "-u", "admin", "-p", "admin", "-D", "LAN", "-a", kind, "-l", "ADMIN"]
        assert "System Power" in tool("ipmi-chassis", *options, "--get-chassis-status"), kind


def test_a_suite_can_be_switched_off_by_its_privilege(bmcs: Live) -> None:
    ipmitool(bmcs, "lan", "set", "1", "cipher_privs", "XaXXXXXXXXXXXXX", server=5)
    assert "Unable to establish" in ipmitool(bmcs, "mc", "info", suite=3, server=5, expect=1)
    assert "Manufacturer ID" in ipmitool(bmcs, "mc", "info", suite=17, server=5)


def test_a_key_of_the_controller_is_needed_once_it_is_set(bmcs: Live) -> None:
    octets = [f"0x{octet:02x}" for octet in b"a key of twenty char"]
    ipmitool(bmcs, *["raw", "0x06", "0x56", "1", "1", "1"], *octets, server=6)
    assert "Unable to establish" in ipmitool(bmcs, "mc", "info", server=6, expect=1)
    options = ["-I", "lanplus", "-C", "17", *bmcs.bmc("server6"), "-k", "a key of twenty char"]
    assert "Manufacturer ID" in tool("ipmitool", *options, "mc", "info")


def test_an_operator_may_not_do_what_administrators_do(bmcs: Live) -> None:
    options = ["-I", "lanplus", "-C", "17", "-H", "127.0.12.3", "-U", "oper", "-P", "operpw", "-N", "2", "-R", "2"]
    said = tool("ipmitool", *options, "-L", "ADMINISTRATOR", "mc", "info", expect=1)
    assert "Unable to establish" in said
    assert "System Power" in tool("ipmitool", *options, "-L", "OPERATOR", "chassis", "status")
    refused = tool("ipmitool", *options, "-L", "OPERATOR", "raw", "0x06", "0x02", expect=1)
    assert "Insufficient privilege" in refused


def test_bad_passwords_lock_a_user_out_and_are_logged(bmcs: Live, tmp_path: Path) -> None:
    ipmitool(bmcs, "lan", "set", "1", "bad_pass_thresh", "2", "1", "6", "600", server=7)
    for _ in range(2):
        options = ["-h", "127.0.12.7", "-u", "oper", "-p", "wrong", "-D", "LAN", "-l", "OPERATOR"]
        limits = ["--session-timeout", "2000", "--retransmission-timeout", "500"]
        tool("ipmi-chassis", *options, *limits, "--get-chassis-status", expect=1)
    options = ["-I", "lanplus", "-C", "17", "-H", "127.0.12.7", "-U", "oper", "-P", "operpw", "-N", "1", "-R", "1"]
    assert "Unable to establish" in tool("ipmitool", *options, "-L", "OPERATOR", "mc", "info", expect=1)
    log = freeipmi("ipmi-sel", "--sdr-cache-directory", str(tmp_path), server=7)
    assert log.count("Invalid Username or Password") == 2  # repeated datagrams are no further attempts
    rows = [line for line in log.splitlines() if "Session Audit" in line]
    assert len(rows) == 3  # and one that says that the user is locked out


# --- serial console -------------------------------------------------------------------------------------------


def test_the_console_under_ipmitool(bmcs: Live) -> None:
    with terminal("ipmitool", "-I", "lanplus", "-C", "17", *bmcs.bmc("server1"), "sol", "activate") as console:
        console.until("SOL Session operational")
        console.type("\r")
        console.until("server1 login: ")
        console.type("root\r")
        console.until("root\r\nPassword: ")
        console.type("secret\r")
        console.until("Login incorrect")
        bmcs.tell("server1 shutdown")
        console.until("The system is going down")
        console.until("Power down.")
        bmcs.tell("server1 power_button")
        console.until("Memory test")
        console.until("server1 login: ")
        console.type("~.")
        console.until("terminated")


def test_a_second_console_is_refused_until_it_steals_the_first(bmcs: Live) -> None:
    options = ["-h", "127.0.12.3", "-u", "admin", "-p", "admin", "-l", "ADMIN", "-I", "17"]
    with terminal("ipmiconsole", *options) as first:
        first.until("SOL established")
        assert "already active" in ipmitool(bmcs, "sol", "activate", server=3, expect=1)
        with terminal("ipmiconsole", *options) as second:  # FreeIPMI's way is to steal
            second.until("SOL established")
            second.type("\r")
            second.until("server3 login: ")
            second.type("&.")
            second.until("closing the connection")
        first.until("SOL session stolen")
