"""A changed site file, taken up while traps pour in: users, communities, sinks and forwards."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from ridethrough.rigs.rigfile.ports import free_port
from ridethrough.wire.snmp import Kind
from tests.support.hook import Hook
from tests.support.live import tool
from tests.support.sites import Site, octets

NAME = "1.3.6.1.4.1.99999.0.1"


def change(site: Site, **keys: Any) -> Any:
    with site.file.open() as stream:
        document = YAML(typ="safe", pure=True).load(stream)
    document |= keys
    with site.file.open("w") as stream:
        YAML().dump(document, stream)
    return site.ask("/v1/rules/reload", {})


def lines(path: Path) -> list[str]:
    """None where nothing was written: the change may come before the first delivery."""
    return path.read_text().splitlines() if path.exists() else []


def test_users_and_communities(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("a passphrase")
    site = Site(tmp_path)
    words = ["-u", "mgr", "-l", "authNoPriv", "-a", "SHA", "-A", "a passphrase", "-r", "0"]
    place = f"127.0.0.1:{site.trap}"
    try:
        tool("snmpinform", "-v3", *words, place, "1", NAME, expect=1)
        user = {"auth": "sha", "auth_key_file": str(key)}
        assert change(site, access={"communities": ["other"], "users": {"mgr": user}})["need_restart"] == []
        tool("snmpinform", "-v3", *words, place, "1", NAME)
        tool("snmpinform", "-v2c", "-c", "other", "-r", "0", place, "1", NAME)
        tool("snmpinform", "-v2c", "-c", "public", "-r", "0", "-t", "0.5", place, "1", NAME, expect=1)
        change(site, access={"communities": ["public"]})
        tool("snmpinform", "-v3", *words, place, "1", NAME, expect=1)
        tool("snmpinform", "-v2c", "-c", "public", "-r", "0", place, "1", NAME)
        assert change(site, access={"sources": ["10.0.0.0/8"]})["need_restart"] == ["access.sources"]
    finally:
        site.close()


def test_sinks_and_forwards_come_change_and_go_and_nothing_is_lost(tmp_path: Path) -> None:
    hook, first, second = Hook(), tmp_path / "first", tmp_path / "second"
    site = Site(tmp_path, sinks={"log": {"type": "file", "path": str(first)}}, correlate={"storms": None})
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as manager,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        manager.bind(("127.0.0.1", free_port()))
        manager.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        manager.settimeout(20)
        sender.connect(("127.0.0.1", site.trap))
        to = f"127.0.0.1:{manager.getsockname()[1]}"
        try:

            def pour(start: int) -> None:
                for number in range(start, start + 100):
                    sender.send(octets(number, number, Kind.TRAP_V2))

            pour(0)
            sinks: dict[str, Any] = {
                "log": {"type": "file", "path": str(second)},
                "ops": {"type": "webhook", "url": hook.url, "severity": "info"},
            }
            assert change(site, sinks=sinks, forwards={"nms": {"to": to, "as": "v2c"}})["need_restart"] == []
            assert set(site.destinations()) == {"stream", "log", "ops", "nms"}
            position = site.ask("/v1/journal")["last_position"]
            pour(100)
            assert [manager.recv(4000) for _ in range(200 - position)]
            site.until("ops", delivered=200, backlog=0)
            site.until("log", backlog=0)
            told = lines(first) + lines(second)
            assert 200 <= len(told) <= 201  # the one under way at the change may be in both
            del sinks["ops"]
            change(site, sinks=sinks, forwards={})
            assert set(site.destinations()) == {"stream", "log"}
            pour(200)
            while len(lines(second)) + len(lines(first)) < 300:
                pass  # the test's own timeout bounds this
            assert len(hook.seen) == 200
            change(site, sinks={**sinks, "ops": {"type": "webhook", "url": hook.url}})
            site.until("ops", delivered=100, backlog=0)  # it goes on from where it was
            assert len(hook.seen) == 300
        finally:
            site.close()
            hook.close()


def test_a_mistake_leaves_everything_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "log"
    site = Site(tmp_path, sinks={"log": {"type": "file", "path": str(path)}})
    try:
        for sinks, said in (
            ({"log": {"type": "file"}}, "path"),
            ({"ops": {"type": "webhook", "url": "http://x", "secret_file": "/nowhere"}}, "secret_file /nowhere"),
        ):
            problem = change(site, sinks=sinks)
            assert problem["status"] == 422
            assert said in problem["detail"]
        assert site.informer().inform(1)
        site.until("log", delivered=1)
    finally:
        site.close()
