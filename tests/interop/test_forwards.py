"""Forwards: real senders on one side, net-snmp's snmptrapd on the other, every pair of versions between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ridethrough.rigs.rigfile.ports import free_port
from tests.support.live import stop, tool
from tests.support.sites import SENDERS, Site, next_line, snmptrapd

FORWARDS: dict[str, dict[str, Any]] = {
    "same": {},
    "v1": {"as": "v1"},
    "v2c": {"as": "v2c"},
    "told": {"as": "v2c", "inform": True},
}


@contextmanager
def gateway(folder: Path, forwards: dict[str, Any]) -> Iterator[Site]:
    site = Site(folder, forwards)
    try:
        yield site
    finally:
        stop(site.process)


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
