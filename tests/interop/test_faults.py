"""What can go wrong around a gateway, one by one, each with the outcome that docs/faults.md states."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ridethrough.mibs import Oid
from ridethrough.rigs.rigfile.ports import free_port
from tests.support.clients import find
from tests.support.hook import Hook
from tests.support.sites import Site, octets

KIB = 1024


@contextmanager
def running(folder: Path, **more: Any) -> Iterator[Site]:
    site = Site(folder, **more)
    try:
        yield site
    finally:
        site.close()


def in_a_small_disk(folder: Path, kib: int) -> list[str]:
    """A wrapper that gives the gateway a file system of its own for its data."""
    disk = folder / "db"
    disk.mkdir()
    script = f'mount -t tmpfs -o size={kib}k none "{disk}" && exec "$@"'
    return ["unshare", "-m" if os.geteuid() == 0 else "-rm", "sh", "-c", script, "sh"]


def resize(site: Site, kib: int) -> None:
    # The gateway itself holds the namespace: `exec` kept the wrapper's process. The options that the mount has are not
    # said again: it shows its owner by a number that a user namespace does not know.
    enter = [
        "nsenter",
        "-t",
        str(site.process.pid),
        "-m",
        *([] if os.geteuid() == 0 else ["-U", "--preserve-credentials"]),
    ]
    subprocess.run([*enter, "mount", "--options-mode=ignore", "-o", f"remount,size={kib}k", str(site.data)], check=True)


def test_a_full_disk_stops_acknowledgements_not_the_gateway(tmp_path: Path) -> None:
    with running(tmp_path, wrapper=in_a_small_disk(tmp_path, 4 * KIB)) as site:
        informer = site.informer()
        taken: list[int] = []
        while informer.inform(len(taken), patience_s=3, filling=20_000):
            taken.append(len(taken))
        assert 10 < len(taken) < 200
        assert "full" in site.ask("/v1/journal")["trouble"]
        assert site.ask("/readyz")["status"] == "starting"
        assert not informer.inform(1000, patience_s=1)
        resize(site, 64 * KIB)
        while not informer.inform(2000, patience_s=1):  # the test's own timeout bounds this
            pass
        assert site.ask("/v1/journal")["trouble"] == ""
        assert site.ask("/readyz")["status"] == "ready"
        told = site.numbers()
        assert set(taken) <= set(told)
        assert told.count(2000) >= 1


def test_a_disk_that_refuses_writes_is_waited_for(tmp_path: Path) -> None:
    with running(tmp_path) as site:
        informer = site.informer()
        assert informer.inform(1)
        pid = str(site.process.pid)
        subprocess.run(["prlimit", "--pid", pid, "--fsize=0:"], check=True)
        assert not informer.inform(2, patience_s=2)
        assert site.ask("/readyz")["status"] == "starting"
        assert site.ask("/v1/journal")["trouble"]
        subprocess.run(["prlimit", "--pid", pid, "--fsize=unlimited:"], check=True)
        while not informer.inform(3, patience_s=1):  # the test's own timeout bounds this
            pass
        assert {1, 2, 3} <= set(site.numbers())  # 2 waited in memory


def test_a_disk_that_may_not_be_written_is_named_at_the_start(tmp_path: Path) -> None:
    with running(tmp_path) as site:
        command = site.command
    disk = tmp_path / "db"
    script = f'mount --bind "{disk}" "{disk}" && mount -o remount,bind,ro "{disk}" && exec "$@"'
    wrapper = ["unshare", "-m" if os.geteuid() == 0 else "-rm", "sh", "-c", script, "sh"]
    done = subprocess.run([*wrapper, *command], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, done.stderr
    assert (
        done.stderr.splitlines()[-1] == f"ridethrough: journal {disk / 'ridethrough.sqlite'}: {disk} may not be written"
    )


def test_a_spoilt_journal_is_saved_and_told(tmp_path: Path) -> None:
    with running(tmp_path) as site:
        informer = site.informer()
        assert all(informer.inform(number, filling=500) for number in range(100))
    path = site.data / "ridethrough.sqlite"
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 4096 * 4096)
        file.write(b"\xff" * 4096)
    site.begin()
    try:
        assert site.informer().inform(1000)
        (event,) = site.events("journal.damaged")
        assert event["data"]["severity"] == "critical"
        assert Path(event["data"]["kept"]).exists()
        assert 0 < event["data"]["lost"] < 60
        assert 1000 in site.numbers()
    finally:
        site.close()


def test_a_burst_and_sigterm(tmp_path: Path) -> None:
    """What the gateway took from the socket before the signal is on disk and told; it ends by itself."""
    site = Site(tmp_path, correlate={"storms": None})
    informer = site.informer()
    acknowledged = [number for number in range(300) if informer.inform(number)]
    for number in range(1000, 4000):
        informer.trap(number)
    site.process.send_signal(signal.SIGTERM)
    assert site.process.wait(timeout=60) == 0
    site.process.communicate()
    site.begin()
    try:
        told = site.numbers()
        assert told[: len(acknowledged)] == acknowledged
        assert len(told) == len(set(told))
        assert site.ask("/v1/journal")["records"] == len(told)
        assert told[300:] == list(range(1000, 1000 + len(told) - 300))  # none left out up to where hearing ended
    finally:
        site.close()


def test_ten_thousand_sources(tmp_path: Path) -> None:
    with running(tmp_path) as site:
        sockets = 0
        for high in range(40):
            for low in range(250):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                    sender.bind((f"127.1.{high}.{low + 1}", 0))
                    sender.sendto(octets(sockets, sockets + 1), ("127.0.0.1", site.trap))
                    sockets += 1
                    sender.settimeout(10)
                    if low % 50 == 0:
                        assert sender.recv(2000)
        while site.ask("/v1/journal")["events"] < sockets:  # the test's own timeout bounds this
            pass
        assert len({event["subject"] for event in site.events("trap.unknown")}) == 10_000
        assert sorted(site.numbers()) == list(range(10_000))


@pytest.mark.parametrize(
    ("answer", "error"), [(503, "HTTP 503"), (b"SSH-2.0-x\r\n\r\n", "ClientResponseError"), (None, "TimeoutError")]
)
def test_a_sink_in_trouble_gets_everything_afterwards_in_order(tmp_path: Path, answer: Any, error: str) -> None:
    """And another one beside it waits for nothing."""
    hook = Hook()
    sinks = {
        "ops": {"type": "webhook", "url": hook.url, "timeout_s": 0.5},
        "log": {"type": "file", "path": str(tmp_path / "log.jsonl")},
    }
    try:
        with running(tmp_path, sinks=sinks) as site:
            informer = site.informer()
            hook.answer = answer
            assert all(informer.inform(number) for number in range(5))
            while site.destinations()["log"]["delivered"] < 5 or not site.destinations()["ops"]["failures"]:
                pass  # the test's own timeout bounds this
            row = site.destinations()["ops"]
            assert (row["delivered"], row["given_up"], row["backlog"]) == (0, 0, 5)
            assert error in row["last_error"]
            assert set(hook.seen) == {"1-0"}
            hook.answer = 200
            site.until("ops", delivered=5, backlog=0)
            assert list(dict.fromkeys(hook.seen)) == [f"{number}-0" for number in range(1, 6)]
    finally:
        hook.close()


def test_a_sink_that_refuses_an_event_for_good_is_not_held_up_by_it(tmp_path: Path) -> None:
    hook = Hook()
    hook.answer = 422
    try:
        with running(tmp_path, sinks={"ops": {"type": "webhook", "url": hook.url}}) as site:
            informer = site.informer()
            assert informer.inform(1)
            site.until("ops", given_up=1)
            hook.answer = 200
            assert informer.inform(2)
            site.until("ops", delivered=1, given_up=1, backlog=0)
    finally:
        hook.close()


def test_of_a_batch_that_is_refused_the_others_arrive(tmp_path: Path) -> None:
    hook = Hook()
    hook.answer = 503
    hook.refused = {"7-0"}
    try:
        with running(tmp_path, sinks={"ops": {"type": "webhook", "url": hook.url, "batch": 10}}) as site:
            informer = site.informer()
            assert all(informer.inform(number) for number in range(1, 31))
            site.until("ops", backlog=30)
            hook.answer = 200
            site.until("ops", delivered=29, given_up=1, backlog=0)
            assert [item["event"]["id"] for item in site.ask("/v1/destinations/ops/aside")["aside"]] == ["7-0"]
    finally:
        hook.close()
    ids = [f"{number}-0" for number in range(1, 31)]
    assert list(dict.fromkeys(hook.seen)) == ids
    assert max(map(len, hook.groups)) == 10


def test_names_that_cannot_be_found_hold_up_nobody_else(tmp_path: Path) -> None:
    there = free_port()
    sinks = {"gone": {"type": "webhook", "url": "http://nowhere.invalid/hook"}}
    forwards = {"lost": {"to": "nowhere.invalid:162"}, "there": {"to": f"127.0.0.1:{there}"}}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as manager:
        manager.bind(("127.0.0.1", there))
        manager.settimeout(20)
        with running(tmp_path, sinks=sinks, forwards=forwards) as site:
            informer = site.informer()
            informer.trap(7)
            assert manager.recv(2000)
            while not all(site.destinations()[name]["failures"] for name in ("gone", "lost")):
                pass  # the test's own timeout bounds this
            rows = site.destinations()
            assert "nowhere.invalid" in rows["gone"]["last_error"]
            assert "nowhere.invalid" in rows["lost"]["last_error"]
            assert (rows["gone"]["backlog"], rows["lost"]["backlog"], rows["there"]["delivered"]) == (1, 1, 1)


def test_a_destination_that_swallows_everything_costs_nobody_else(tmp_path: Path) -> None:
    hole, there = free_port(), free_port()
    forwards = {
        "hole": {"to": f"127.0.0.1:{hole}", "as": "v2c", "inform": True},
        "there": {"to": f"127.0.0.1:{there}", "as": "v2c"},
    }
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as swallows,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as manager,
    ):
        swallows.bind(("127.0.0.1", hole))
        manager.bind(("127.0.0.1", there))
        manager.settimeout(20)
        with running(tmp_path, forwards=forwards) as site:
            informer = site.informer()
            for number in range(50):
                assert informer.inform(number)
                assert manager.recv(2000)
            site.until("there", delivered=50, backlog=0)
            assert site.destinations()["hole"]["backlog"] == 50


def test_the_clock_of_the_machine_jumps(tmp_path: Path) -> None:
    """Both ways, by days: informs are taken, and an outage is still confirmed. `faketime` moves only this process."""
    lever = tmp_path / "clock"
    lever.write_text("+0")
    settings = [f"LD_PRELOAD={find('libfaketime.so.1')}", f"FAKETIME_TIMESTAMP_FILE={lever}", "FAKETIME_NO_CACHE=1"]
    devices = {"UPS1": {"kind": "ups", "address": "127.0.0.77", "confirm_s": 2, "silence_s": 9999}}
    with running(tmp_path, wrapper=["env", *settings, "DONT_FAKE_MONOTONIC=1"], devices=devices) as site:
        card = site.informer("127.0.0.77", Oid.parse("1.3.6.1.4.1.318.0.5"))
        other = site.informer()
        for jump in ("+3d", "-10d", "+0"):
            lever.write_text(jump)
            assert other.inform(1)
        assert card.inform(1)
        lever.write_text("-2d")
        while not site.events("power.outage.confirmed"):  # the test's own timeout bounds this
            assert other.inform(2)
        ids = [event["id"] for event in site.events()]
        assert len(ids) == len(set(ids))
