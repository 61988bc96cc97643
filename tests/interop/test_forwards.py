"""Forwards: real senders on one side, net-snmp's snmptrapd on the other, every pair of versions between them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from ruamel.yaml import YAML

from tests.support.live import free_port, start, stop, tool

VALUE = ["1.3.6.1.4.1.318.2.3.3.0", "s", "On battery"]
UPTIME = "4711"
SENDERS = {
    "v1": ["snmptrap", "-v1", "-c", "public"],
    "v2c": ["snmptrap", "-v2c", "-c", "public"],
    "inform": ["snmpinform", "-v2c", "-c", "public", "-r", "0"],
}
FORWARDS: dict[str, dict[str, Any]] = {
    "same": {},
    "v1": {"as": "v1"},
    "v2c": {"as": "v2c"},
    "told": {"as": "v2c", "inform": True},
}


@contextmanager
def snmptrapd(folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """Prints a line for each notification: kind, agent address, name, uptime and variables."""
    config = folder / f"snmptrapd-{port}.conf"
    config.write_text("disableAuthorization yes\nformat2 v2~%P~%v\\n\nformat1 v1~%P~%a~%N.%w%q~%T~%v\\n\n")
    command = ["snmptrapd", "-f", "-n", "-On", "-Oq", "-C", "-c", str(config), "-Lo", f"127.0.0.1:{port}"]
    process, _ = start(["env", f"SNMP_PERSISTENT_DIR={folder}", *command], "NET-SNMP version")
    try:
        yield process
    finally:
        stop(process)


class Site:
    """A gateway in a process of its own."""

    def __init__(self, folder: Path, forwards: dict[str, Any], **more: Any) -> None:
        self.trap = free_port()
        self.api = f"127.0.0.1:{free_port()}"
        document = {
            "name": "relay",
            "listen": [{"address": "127.0.0.1", "port": self.trap}],
            "forwards": forwards,
            "api": {"bind": self.api},
            **more,
        }
        with (folder / "site.yaml").open("w") as stream:
            YAML().dump(document, stream)
        words = ["gateway", str(folder / "site.yaml"), "--data", str(folder / "db")]
        self.command = [sys.executable, "-m", "rigs.cli", *words]
        self.begin()

    def begin(self) -> None:
        self.process, _ = start(self.command, "gateway ready")
        while True:  # the test's own timeout bounds this
            try:
                urlopen(f"http://{self.api}/readyz", timeout=20).close()
            except URLError:
                continue
            return

    def send(self, kind: str, specific: int) -> None:
        place = f"127.0.0.1:{self.trap}"
        if kind == "v1":
            words = ["1.3.6.1.4.1.318", "192.0.2.7", "6", str(specific), UPTIME]
        else:
            words = [UPTIME, f"1.3.6.1.4.1.318.0.{specific}"]
        tool(*SENDERS[kind], place, *words, *VALUE)

    def destinations(self) -> dict[str, dict[str, Any]]:
        with urlopen(f"http://{self.api}/v1/destinations", timeout=20) as answer:
            return {row["name"]: row for row in json.load(answer)["destinations"]}

    def until(self, name: str, **wanted: int) -> dict[str, Any]:
        while True:  # the test's own timeout bounds this
            row = self.destinations()[name]
            if all(row[key] == value for key, value in wanted.items()):
                return row


@contextmanager
def gateway(folder: Path, forwards: dict[str, Any]) -> Iterator[Site]:
    site = Site(folder, forwards)
    try:
        yield site
    finally:
        stop(site.process)


def next_line(daemon: subprocess.Popen[str], part: str) -> str:
    assert daemon.stdout is not None
    while part not in (line := daemon.stdout.readline()):  # the test's own timeout bounds this
        assert line, "snmptrapd ended"
    return line.strip()


@pytest.mark.parametrize("form", FORWARDS)
def test_every_version_arrives_in_every_version(tmp_path: Path, form: str) -> None:
    port = free_port()
    with (
        snmptrapd(tmp_path, port) as daemon,
        gateway(tmp_path, {"nms": {"to": f"127.0.0.1:{port}", **FORWARDS[form]}}) as site,
    ):
        lines = {}
        for specific, kind in enumerate(SENDERS, start=5):
            site.send(kind, specific)
            lines[kind] = next_line(daemon, "On battery")
            arrives = {"same": kind, "told": "inform"}.get(form, form)
            address = "192.0.2.7" if kind == "v1" else "127.0.0.1"
            if arrives == "v1":
                assert lines[kind].startswith("v1~TRAP, SNMP v1, community public~")
                assert f"~{address}~.1.3.6.1.4.1.318.6.{specific}~" in lines[kind]
            else:
                words = "INFORM" if arrives == "inform" else "TRAP2"
                assert lines[kind].startswith(f"v2~{words}, SNMP v2c, community public~")
                assert f".1.3.6.1.6.3.1.1.4.1.0 .1.3.6.1.4.1.318.0.{specific}" in lines[kind]
            named = f".1.3.6.1.6.3.18.1.3.0 {address}"
            assert (named in lines[kind]) is (form in ("v2c", "told")), lines[kind]
            assert '.1.3.6.1.4.1.318.2.3.3.0 "On battery"' in lines[kind]
        assert (".1.3.6.1.6.3.1.1.4.3.0 .1.3.6.1.4.1.318" in lines["v1"]) is (form in ("v2c", "told"))
        row = site.until("nms", delivered=len(SENDERS), backlog=0)
        assert (row["type"], row["given_up"], row["failures"]) == ("forward", 0, 0)


def test_a_community_of_its_own_and_no_source(tmp_path: Path) -> None:
    port = free_port()
    forward = {"to": f"127.0.0.1:{port}", "as": "v2c", "community": "nms", "source": "none"}
    with snmptrapd(tmp_path, port) as daemon, gateway(tmp_path, {"nms": forward}) as site:
        site.send("v2c", 5)
        line = next_line(daemon, "On battery")
        assert "community nms" in line
        assert ".1.3.6.1.6.3.18.1" not in line


def test_informs_wait_on_disk_for_a_destination_that_is_away(tmp_path: Path) -> None:
    """The gateway is killed meanwhile; another destination gets everything at once."""
    away, there = free_port(), free_port()
    forwards = {
        "away": {"to": f"localhost:{away}", "as": "v2c", "inform": True},
        "there": {"to": f"127.0.0.1:{there}", "as": "v2c", "inform": True},
    }
    with snmptrapd(tmp_path, there) as here, gateway(tmp_path, forwards) as site:
        for specific in (5, 6, 7):
            site.send("inform", specific)
        for specific in (5, 6, 7):
            next_line(here, f".1.3.6.1.4.1.318.0.{specific}")
        site.until("there", delivered=3)
        while not site.destinations()["away"]["failures"]:  # the test's own timeout bounds this
            pass
        row = site.destinations()["away"]
        assert (row["delivered"], row["backlog"]) == (0, 3)
        assert row["last_error"] == f"localhost:{away}: nobody listens there"
        site.process.kill()
        site.process.communicate()
        site.begin()
        with snmptrapd(tmp_path, away) as back:
            for specific in (5, 6, 7):
                next_line(back, f".1.3.6.1.4.1.318.0.{specific}")
            site.until("away", delivered=3, backlog=0)


def test_what_cannot_be_converted_is_counted_and_holds_up_nothing(tmp_path: Path) -> None:
    port = free_port()
    with (
        snmptrapd(tmp_path, port) as daemon,
        gateway(tmp_path, {"nms": {"to": f"127.0.0.1:{port}", "as": "v1"}}) as site,
    ):
        place = f"127.0.0.1:{site.trap}"
        name = "1.3.6.1.4.1.99999.0.1"
        tool("snmptrap", "-v2c", "-c", "public", place, "1", name, "1.3.6.1.4.1.99999.1", "C", "7")
        tool("snmptrap", "-v2c", "-c", "wrong", place, "1", name)
        site.send("v2c", 5)
        next_line(daemon, "On battery")
        row = site.until("nms", delivered=1, given_up=1)
        assert row["skipped"] == {"a Counter64 does not go into version 1": 1, "community": 1}
