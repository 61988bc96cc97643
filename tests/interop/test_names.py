"""Names with several addresses and devices of IPv6, with real resolvers, servers and clients."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import AsyncExitStack, ExitStack, closing
from pathlib import Path
from typing import Any

import nats
import pytest
from typer.testing import CliRunner

from ridethrough.gateway.deliver.sinks.base import Delivered
from ridethrough.gateway.deliver.sinks.nats import NatsSink
from ridethrough.gateway.records import Event
from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.jetstream.client import JetStreamClient, Layout
from ridethrough.rigs.cli import record as record_verbs
from ridethrough.rigs.recording import bmc as bmc_recorder
from ridethrough.rigs.recording import ups as recorder
from ridethrough.rigs.rigfile.ports import free_port
from tests.support.hook import Hook
from tests.support.live import Live
from tests.support.names import NAME, has_ipv6, manager, named, relay, silent_stream, with_hosts
from tests.support.nats import nats_server
from tests.support.sites import Site, next_line, snmptrapd

PAIRS = [("::1", "127.0.0.1"), ("127.0.7.1", "127.0.0.1")]
ROOT = Path(__file__).parents[2]


def event(number: int) -> Event:
    return Event(f"{number}-0", "ups.input.lost", "/t", "UPS1", "2026-01-01T00:00:00.000Z", {"n": number})


# --- /etc/hosts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hosts",
    [
        "::1 localhost\n127.0.0.1 localhost\n",
        "127.0.0.1 localhost\n::1 localhost\n",
        "2001:db8::1 localhost\n127.0.0.1 localhost\n",
        "127.0.7.1 localhost\n127.0.0.1 localhost\n",
    ],
    ids=["six-first", "four-first", "six-elsewhere", "another-four"],
)
def test_localhost_of_which_only_127_0_0_1_listens(tmp_path: Path, hosts: str) -> None:
    """Traps, informs, syslog over both transports, a webhook and NATS all arrive, and the interface is there."""
    port, hook = free_port(), Hook()
    with ExitStack() as stack:
        daemon = stack.enter_context(snmptrapd(tmp_path, port))
        server = stack.enter_context(nats_server(tmp_path))
        heard = stack.enter_context(closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)))
        heard.bind(("127.0.0.1", 0))
        heard.settimeout(20)
        stream = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        stream.settimeout(20)
        stack.callback(hook.close)
        asyncio.run(made_stream(server.url))
        site = Site(
            tmp_path,
            {
                "trap": {"to": f"localhost:{port}", "as": "v2c", "community": "trap"},
                "inform": {"to": f"localhost:{port}", "as": "v2c", "inform": True, "community": "inform"},
            },
            with_hosts(tmp_path, hosts),
            host="localhost" if "::1 " in hosts else "127.0.0.1",
            sinks={
                "udp": {"type": "syslog", "to": f"localhost:{heard.getsockname()[1]}"},
                "tcp": {"type": "syslog", "to": f"localhost:{stream.getsockname()[1]}", "transport": "tcp"},
                "hook": {"type": "webhook", "url": hook.url.replace("127.0.0.1", "localhost")},
                "bus": {"type": "nats", "login": {"servers": [server.url.replace("127.0.0.1", "localhost")]}},
            },
        )
        stack.callback(site.close)
        for specific in (5, 6):
            site.send("inform", specific)
        lines: dict[str, list[str]] = {"trap": [], "inform": []}
        while any(len(found) < 2 for found in lines.values()):  # the test's own timeout bounds this
            line = next_line(daemon, "On battery")
            kind = "inform" if "INFORM" in line else "trap"
            number = next(n for n in ("5", "6") if f".1.3.6.1.4.1.318.0.{n}" in line)
            lines[kind] = list(dict.fromkeys([*lines[kind], number]))
        assert lines == {"trap": ["5", "6"], "inform": ["5", "6"]}
        assert heard.recv(4000).startswith(b"<")
        client, _ = stream.accept()
        with client:
            client.settimeout(20)
            assert client.recv(4000)
        for name in ("trap", "inform", "udp", "tcp", "hook", "bus"):
            site.until(name, delivered=2, backlog=0)
        assert hook.seen == ["1-0", "2-0"]


async def made_stream(url: str) -> None:
    connection = await nats.connect(url)
    await connection.jetstream().add_stream(name="events", subjects=["ridethrough.events.>"])
    await connection.close()


@pytest.mark.timeout(240)
def test_a_machine_without_ipv6(tmp_path: Path) -> None:
    """The tests that speak IPv6, and those of forwards, in a network whose loopback has no ::1."""
    code = (
        "import sys, pytest\nfrom tests.support.isolation import own_network\nown_network(ipv6=False)\n"
        "sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', '-p', 'no:xdist', *sys.argv[1:]]))"
    )
    cases = [
        "tests/gateway/test_operations.py::test_over_ipv6_beside_ipv4",
        "tests/interop/test_forwards.py::test_informs_wait_on_disk_for_a_destination_that_is_away",
        "tests/interop/test_names.py::test_the_interface_by_a_name",
        "tests/interop/test_names.py::test_a_device_of_ipv6",
        "tests/interop/test_names.py::test_a_card_at_an_ipv6_address_is_recorded",
        "tests/interop/test_names.py::test_localhost_of_which_only_127_0_0_1_listens[six-first]",
    ]
    words = [*with_hosts(tmp_path, "::1 localhost\n127.0.0.1 localhost\n"), sys.executable, "-c", code, *cases]
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, env=environment, timeout=220)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " skipped" not in done.stdout


def test_the_interface_by_a_name(tmp_path: Path) -> None:
    """It listens at all addresses of localhost that the machine has; `doctor` says so before."""
    hosts = with_hosts(tmp_path, "::1 localhost\n127.0.0.1 localhost\n")
    site = Site(tmp_path, None, hosts, host="localhost")
    port = site.api.rpartition(":")[2]
    ridethrough = [*hosts, sys.executable, "-m", "ridethrough"]
    words = [*ridethrough, "doctor", str(site.file), "--data", str(site.data)]
    try:
        for host in ("127.0.0.1", "[::1]", "localhost")[:: 1 if has_ipv6() else 2]:
            environment = os.environ | {"RIDETHROUGH_URL": f"http://{host}:{port}"}
            done = subprocess.run(
                [*ridethrough, "devices"], capture_output=True, text=True, check=False, env=environment
            )
            assert done.returncode == 0, done.stdout + done.stderr
        taken = subprocess.run(words, capture_output=True, text=True, check=False)
        assert f"localhost:{port}/tcp" in taken.stdout
        assert "Address already in use" in taken.stdout
    finally:
        site.close()
    free = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "Address already in use" not in free.stdout
    assert "HTTP: free" in free.stdout


# --- devices of IPv6 --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ups", "bmc"])
def test_a_device_of_ipv6(tmp_path: Path, pair: Live, kind: str) -> None:
    """It is polled, or pinged, and takes a command; a machine without IPv6 says that it does not answer."""
    bmc = pair.document["servers"]["server1"]["bmc"]["address"]
    host, port = (pair.card("UPS1").rsplit(":", 1)) if kind == "ups" else (bmc, pair.ports["ipmi"])
    with ExitStack() as stack:
        front = stack.enter_context(relay("::1", (host, int(port)))) if has_ipv6() else free_port()
        device: dict[str, Any] = {"kind": kind, "address": "::1"}
        if kind == "ups":
            device |= {"snmp": {"port": front}, "poll_s": 0.5, "silence_s": 5}
        else:
            (tmp_path / "password").write_text("admin")
            device |= {"port": front, "password_file": str(tmp_path / "password")}
            device |= {"heartbeat": {"interval_s": 0.5, "timeout_s": 5}}
        site = Site(tmp_path, devices={"it": device})
        stack.callback(site.close)
        command = site.ask("/v1/devices/it/commands", {"command": "identify", "deadline_s": 40 if has_ipv6() else 4})
        while (state := site.ask(f"/v1/commands/{command['id']}"))["state"] not in ("done", "failed", "expired"):
            pass  # the test's own timeout bounds this
        assert (state["state"] == "done") is has_ipv6(), state
        if has_ipv6():
            until_s = 6 + time.monotonic()  # longer than the silence after which it counts as lost
            while time.monotonic() < until_s or site.ask("/v1/devices/it")["heard_s_ago"] > 1:
                pass
            assert site.ask("/v1/devices/it")["conditions"] == []
        else:
            while not site.ask("/v1/devices/it")["conditions"]:
                pass


# --- recordings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["refuses", "silent", "elsewhere"])
def test_a_card_is_recorded_by_a_name(tmp_path: Path, pair: Live, monkeypatch: pytest.MonkeyPatch, first: str) -> None:
    monkeypatch.setattr(recorder, "TIMEOUT_S", 1)
    monkeypatch.setattr(recorder, "RETRIES", 0)
    host, _, port = pair.card("UPS1").rpartition(":")
    other = {"refuses": "127.0.7.1", "silent": "127.0.7.2", "elsewhere": "2001:db8::1"}[first]
    named(monkeypatch, other, host)
    out = tmp_path / "card.snmprec"

    async def body() -> int:
        credentials = recorder.community("1", "public")
        if first == "silent":
            async with manager(other, int(port), mute=True):
                return await recorder.record(NAME, int(port), credentials, out, lambda _count, _oid: None)
        return await recorder.record(NAME, int(port), credentials, out, lambda _count, _oid: None)

    assert asyncio.run(body()) == 150


@pytest.mark.parametrize("first", ["127.0.7.1", "2001:db8::1", "::1"])
def test_a_bmc_is_recorded_by_a_name(pair: Live, monkeypatch: pytest.MonkeyPatch, first: str) -> None:
    """pyghmi asks all addresses at once and keeps the one that answers."""
    named(monkeypatch, first, pair.document["servers"]["server1"]["bmc"]["address"])
    login = bmc_recorder.BmcLogin(NAME, pair.ports["ipmi"], "admin", "admin")
    assert bmc_recorder.record(login, "mine", lambda _what, _done, _total: None)["sensors"]


@pytest.mark.parametrize("verb", ["ups", "bmc"])
def test_a_recording_of_a_name_that_is_not_there(tmp_path: Path, verb: str) -> None:
    (tmp_path / "password").write_text("admin")
    words = [verb, "nobody.invalid", "--out", str(tmp_path / "x")]
    done = CliRunner().invoke(
        record_verbs.app, [*words, *(["--password-file", str(tmp_path / "password")] if verb == "bmc" else [])]
    )
    assert done.exit_code == 3, done.output
    assert "nobody.invalid" in done.output
    assert "Traceback" not in done.output


def test_a_card_at_an_ipv6_address_is_recorded(tmp_path: Path, pair: Live) -> None:
    host, _, port = pair.card("UPS1").rpartition(":")
    out = tmp_path / "card.snmprec"
    if has_ipv6():
        with relay("::1", (host, int(port))) as front:
            said = pair.ridethrough("record", "ups", f"[::1]:{front}", "--out", str(out))
        assert "150 instances" in said.replace("\n", " ")
    else:
        assert "::1" in pair.ridethrough("record", "ups", "[::1]:161", "--out", str(out), expect=3)


# --- NATS -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("addresses", [*PAIRS, ("127.0.0.1", "::1"), ("2001:db8::1", "127.0.0.1")], ids="+".join)
@pytest.mark.parametrize("silent", [False, True])
async def test_nats_by_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...], silent: bool
) -> None:
    """A sink and a shared journal reach the one address of two that has a server, also when it starts anew."""
    elsewhere = next(address for address in addresses if address != "127.0.0.1")
    silent = silent and not elsewhere.startswith("2001:") and (has_ipv6() or ":" not in elsewhere)
    async with AsyncExitStack() as stack:
        server = stack.enter_context(nats_server(tmp_path))
        await made_stream(server.url)
        named(monkeypatch, *addresses)
        if silent:
            await stack.enter_async_context(silent_stream(elsewhere, server.port))
        url = f"nats://{NAME}:{server.port}"
        out = NatsSink(lambda: {"servers": [url]}, lambda: None, "ridethrough.events.{type}", None, 3)
        stack.push_async_callback(out.close)
        assert await out.deliver(event(1)) == Delivered()
        bus = JetStreamClient(lambda: {"servers": [url]}, lambda: None, Layout("twin", 1, 1, 5, None, None))
        await bus.start()
        stack.push_async_callback(bus.stop)
        server.kill()
        server.begin()
        async with asyncio.timeout(30):
            while await out.deliver(event(2)) != Delivered():
                await asyncio.sleep(0.05)
            while not await reached(bus):
                await asyncio.sleep(0.05)


async def reached(bus: JetStreamClient) -> bool:
    try:
        await bus.last(bus.raw_name)
    except StoreError:
        return False
    return True


# --- clients ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["::1", "127.0.7.1", "2001:db8::1"])
def test_client_verbs_by_a_name(tmp_path: Path, pair: Live, first: str) -> None:
    port = pair.url.rpartition(":")[2]
    words = [
        *with_hosts(tmp_path, f"{first} localhost\n127.0.0.1 localhost\n"),
        sys.executable,
        "-m",
        "ridethrough",
        "devices",
        "--json",
    ]
    environment = os.environ | {"RIDETHROUGH_URL": f"http://localhost:{port}"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
