"""The card's console by a real telnet client and over its serial port, as the first-time set-up of the documents."""

from __future__ import annotations

import os
import re
import subprocess
import termios
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clients import find
from tests.support.live import Live, running, sample, tool

MODEL = "1.3.6.1.4.1.318.1.1.1.1.1.1.0"
# [2: Network], [1: TCP/IP], BOOTP := Disable, accept; then the address, accept; back to the main menu, log out.
SET_UP = ["apc", "apc", "2", "1", "1", "1", "5", "2", "127.0.1.9", "3", "255.255.255.0", "5", "\x1b\x1b", "4"]


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    document = sample("a1080a-pair.yaml")
    document["ups"]["UPS1"]["serial"] = str(tmp_path / "ups1.tty")
    document["ups"]["UPS1"]["access"] = [{"community": "public", "manager": "any", "type": "write"}]
    with running(document, tmp_path) as rig:
        yield rig


class Line:
    """A serial line with somebody typing at it."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._descriptor, termios.TCSANOW)
        self.heard = ""

    def expect(self, pattern: str) -> str:
        """Read until the pattern has come, and return what came up to there."""
        while not (found := re.search(pattern, self.heard)):  # the test's own timeout bounds this
            heard = os.read(self._descriptor, 1000)
            assert heard, f"the line was hung up; heard before: {self.heard!r}"
            self.heard += heard.decode()
        text, self.heard = self.heard[: found.end()], self.heard[found.end() :]
        return text

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def close(self) -> None:
        os.close(self._descriptor)


def test_the_first_time_set_up_over_the_serial_line(live: Live) -> None:
    line = Line(live.document["ups"]["UPS1"]["serial"])
    try:
        line.expect("User Name : ")
        line.type("apc\r")
        line.expect("Password  : ")
        line.type("apc\r")
        screen = line.expect("> ")
        assert "***" in screen  # the password is not shown
        assert "2- Network" in screen
        line.type("2\r")
        assert "1- TCP/IP" in line.expect("\n> ")
        line.type("1\r")
        assert "BOOTP           : Enabled" in line.expect("\n> ")
        line.type("2\r")
        assert "disable it and accept" in line.expect("\n> ")
        line.type("1\r")
        line.expect("BOOTP : ")
        line.type("1\r")
        assert "BOOTP           : Disabled" in line.expect("\n> ")
        line.type("5\r")
        assert "Accepted" in line.expect("\n> ")
        line.type("2\r")
        line.expect("System IP : ")
        line.type("127.0.1.9\r")
        line.expect("\n> ")
        line.type("5\r")
        assert "Accepted" in line.expect("\n> ")
        # Effective at log-off only.
        assert "SMART-UPS 1400" in tool("snmpget", "-v1", "-c", "public", live.card("UPS1"), MODEL)
        line.type("\x1b\x1b")
        line.expect("4- Logout")
        line.type("4\r")
        line.expect("Bye")
        moved = f"127.0.1.9:{live.ports['snmp']}"
        assert "SMART-UPS 1400" in tool("snmpget", "-v1", "-c", "public", "-r", "10", "-t", "0.5", moved, MODEL)
        # A serial port has no address: whoever sits there logs on again, on the same line.
        line.expect("User Name : ")
        line.type("apc\r")
        line.expect("Password  : ")
    finally:
        line.close()
    tool("snmpget", "-v1", "-c", "public", "-r", "0", "-t", "0.5", live.card("UPS1"), MODEL, expect=1)


def test_an_address_that_is_not_ours_leaves_the_card_where_it_is(live: Live) -> None:
    client = Telnet(live.ports["console"])
    keys = "\n".join("192.0.2.9" if key == "127.0.1.9" else key for key in SET_UP) + "\n"
    client.type(keys)
    assert "Bye." in client.end()
    assert "SMART-UPS 1400" in tool("snmpget", "-v1", "-c", "public", "-r", "10", live.card("UPS1"), MODEL)


class Telnet:
    """A telnet client with somebody typing into it."""

    def __init__(self, port: int) -> None:
        self._process = subprocess.Popen(
            [str(find("inetutils-telnet")), "127.0.1.1", str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.shown = ""

    def type(self, keys: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(keys)
        self._process.stdin.flush()

    def until(self, words: str) -> str:
        """Read lines until the words come; the test's own timeout bounds this."""
        assert self._process.stdout is not None
        while words not in self.shown:
            line = self._process.stdout.readline()
            assert line, self.shown
            self.shown += line
        return self.shown

    def end(self) -> str:
        """Everything shown until the card hung up."""
        assert self._process.stdout is not None
        self.shown += self._process.stdout.read()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=20)
        return self.shown


def test_a_telnet_client_logs_on_looks_and_leaves(live: Live) -> None:
    client = Telnet(live.ports["console"])
    client.type("apc\napc\n1\n")
    client.until("Serial    : QS0148221236")
    # While somebody is on, the type Write reads only.
    words = ["-v2c", "-c", "public", live.card("UPS1"), "1.3.6.1.2.1.1.5.0", "s", "X"]
    assert "noAccess" in tool("snmpset", *words, expect=2)
    client.type("\x1b4\n")
    assert "Bye." in client.end()
    tool("snmpset", *words)


def test_three_wrong_passwords_end_the_line_and_are_told(live: Live) -> None:
    client = Telnet(live.ports["console"])
    client.type("apc\nno\napc\nno\napc\nno\n")
    assert client.end().count("Wrong user name or password.") == 3
    deadline = time.monotonic() + 20
    while live.ridethrough("events", "--json").count("security.access_violation") < 3:
        assert time.monotonic() < deadline
