"""Commands: what each does to an emulated device, read back; deadlines; restarts; who gave them."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ridethrough.gateway.records import Command, CommandState, encode_json
from ridethrough.gateway.storage.sqlite.schema import FILE_NAME
from ridethrough.rigs.rigfile.ports import free_port
from ridethrough.wire.wol import Wake, decode, mac_address
from tests.support.sites import Site
from tests.support.stage import Stage, stage

UPS = "/v1/devices/UPS1/commands"
MAC = "00:0d:61:08:22:4a"


async def give(stage: Stage, command: str, path: str = UPS, **params: Any) -> dict[str, Any]:
    return await stage.done(await stage.post(path, {"command": command, "params": params}, 202))


async def state(stage: Stage, device: str) -> dict[str, Any]:
    found: dict[str, Any] = (await stage.get("/lab/v1/world"))["devices"][device]
    return found


def test_settings_are_written_read_back_and_corrected() -> None:
    async def body(stage: Stage) -> None:
        done = await give(stage, "settings.write", settings={"shutoff_delay_s": 180, "return_delay_s": 180})
        assert (done["state"], done["result"]) == ("done", "shutoff_delay_s = 180, return_delay_s = 180")
        assert done["details"] == {"settings": {"shutoff_delay_s": 180, "return_delay_s": 180}, "corrected": {}}
        # 200 s is none that this model permits; the card takes it and shows another one, seconds later.
        done = await give(stage, "settings.write", settings={"shutoff_delay_s": 200})
        assert done["state"] == "done"
        assert list(done["details"]["corrected"]) == ["shutoff_delay_s"]
        asked, shown = done["details"]["corrected"]["shutoff_delay_s"]
        assert (asked, shown) == (200, done["details"]["settings"]["shutoff_delay_s"])
        assert f"shutoff_delay_s = {shown:g} instead of 200" == done["result"]
        exactly = {"command": "settings.write", "params": {"settings": {"shutoff_delay_s": 201}, "exact": True}}
        failed = await stage.done(await stage.post(UPS, exactly | {"deadline_s": 200}, 202))
        assert failed["state"] == "failed"
        assert "127.0.1.1 corrected what was written: shutoff_delay_s = " in failed["result"]

    stage(body)


def test_orders_that_return_by_themselves() -> None:
    async def body(stage: Stage) -> None:
        for command in ("output.off_and_return", "output.reboot", "output.sleep"):
            assert (await give(stage, command))["state"] == "done"
            await asyncio.sleep(25)
            assert (await state(stage, "UPS1"))["output"] == "off", command
            await asyncio.sleep(600 if command == "output.sleep" else 120)
            assert (await state(stage, "UPS1"))["output"] == "on", command
        stage.inject("city", "off")
        await asyncio.sleep(5)
        done = await give(stage, "output.off_and_return")
        assert done["result"].startswith("upsBasicControlConserveBattery.0 = 2")
        await asyncio.sleep(60)
        assert (await state(stage, "UPS1"))["output"] == "off"
        stage.inject("city", "on")
        await asyncio.sleep(120)
        assert (await state(stage, "UPS1"))["output"] == "on"

    stage(body)


def test_tests_are_started_and_told() -> None:
    async def body(stage: Stage) -> None:
        assert (await give(stage, "test.start"))["result"].startswith("upsAdvTestDiagnostics.0 = 2")
        await asyncio.sleep(60)
        assert ("ups.test.passed", "UPS1") in await stage.types()
        assert (await give(stage, "test.start", kind="calibration"))["state"] == "done"
        await asyncio.sleep(10)
        assert ("ups.calibration.started", "UPS1") in await stage.types()
        assert (await give(stage, "test.start", kind="cancel_calibration"))["state"] == "done"
        assert (await give(stage, "identify"))["state"] == "done"

    stage(body)


@pytest.mark.parametrize(
    ("command", "params", "said"),
    [
        ("output.nap", {}, "a UPS does not take 'output.nap'; accepted: output.off, output.on, output.off_and_return"),
        ("output.off", {"order": "now"}, "Invalid enum value 'now'"),
        ("output.on", {"x": 1}, "Object contains unknown field `x`"),
        ("test.start", {"kind": "exam"}, "Invalid enum value 'exam'"),
        ("settings.write", {}, "Object missing required field `settings`"),
        ("settings.write", {"settings": {}}, "settings is empty; accepted: shutoff_delay_s"),
        ("settings.write", {"settings": {"volts": 3}}, "there is no setting 'volts'; accepted: shutoff_delay_s"),
        ("settings.write", {"settings": {"sleep_s": -1}}, "sleep_s -1 is outside what a card can take"),
        ("settings.write", {"settings": {"sleep_s": "soon"}}, "sleep_s 'soon': expected a whole number"),
        ("settings.write", {"settings": {"name": "123456789"}}, "expected 1 to 8 half-width characters"),
        ("settings.read", {"settings": {}}, "Object contains unknown field `settings`"),
        ("output.on", {"source": "127.0.0.9"}, "not asked from '127.0.0.9'; accepted: 127.0.21.1"),
    ],
)
def test_what_can_never_work_is_refused(command: str, params: dict[str, Any], said: str) -> None:
    async def body(stage: Stage) -> None:
        problem = await stage.post(UPS, {"command": command, "params": params}, 422)
        assert said in problem["detail"]

    stage(body)


def test_a_command_that_may_be_given_twice_waits_for_its_device() -> None:
    async def body(stage: Stage) -> None:
        stage.inject("UPS1", "mute")
        accepted = await stage.post(UPS, {"command": "output.on", "deadline_s": 100}, 202)
        other = await stage.post(UPS, {"command": "output.reboot", "deadline_s": 100}, 202)
        await asyncio.sleep(30)
        assert (await stage.get(f"/v1/commands/{accepted['id']}"))["attempts"] > 1
        lost = await stage.get(f"/v1/commands/{other['id']}")
        assert (lost["state"], lost["attempts"]) == ("failed", 1)  # it may have heard it
        stage.inject("UPS1", "unmute")
        assert (await stage.done(accepted))["state"] == "done"

    stage(body)


def test_a_deadline_ends_a_command() -> None:
    async def body(stage: Stage) -> None:
        stage.inject("UPS1", "mute")
        ended = await stage.done(await stage.post(UPS, {"command": "output.on", "deadline_s": 50}, 202))
        assert ended["state"] == "expired"
        assert ended["result"].startswith("no outcome before the deadline: 127.0.1.1: ")
        assert ended["ended_ms"] - ended["created_ms"] == pytest.approx(50_000, abs=100)
        problem = await stage.post(UPS, {"command": "output.on", "deadline_s": 0}, 422)
        assert problem["detail"] == "deadline_s 0 is outside 0..86400"

    stage(body)


def test_commands_of_a_device_page_by_page() -> None:
    async def body(stage: Stage) -> None:
        given = [(await give(stage, "identify"))["id"] for _ in range(5)]
        await give(stage, "identify", "/v1/devices/UPS2/commands")
        page = await stage.get(f"{UPS}?limit=3")
        assert [item["id"] for item in page["commands"]] == given[:3]
        rest = await stage.get(f"{UPS}?after={page['next']}")
        assert [item["id"] for item in rest["commands"]] == given[3:]
        assert {item["by"] for item in rest["commands"]} == {"local"}
        await stage.get(f"{UPS}?after=none", 404)

    stage(body)


def command(number: int, name: str, state: CommandState, deadline_ms: int) -> Command:
    return Command(f"c{number}", "UPS1", name, {}, state, 0, deadline_ms)


def test_what_an_earlier_run_left(tmp_path: Path) -> None:
    """A gateway ended with commands under way; those that never began or may be given twice are carried out."""
    late = 4_102_444_800_000
    left = [
        command(1, "identify", CommandState.PENDING, late),
        command(2, "identify", CommandState.RUNNING, late),
        command(3, "output.reboot", CommandState.RUNNING, late),
        command(4, "identify", CommandState.PENDING, 1),
        command(5, "identify", CommandState.DONE, late),
    ]
    site = Site(tmp_path)
    site.close()
    with closing(sqlite3.connect(site.data / FILE_NAME)) as database, database:
        for item in left:
            database.execute("INSERT INTO commands VALUES (?, '', ?, 0)", (item.id, encode_json(item)))

    async def body(stage: Stage) -> None:
        ended = [await stage.done(await stage.get(f"/v1/commands/c{number}")) for number in range(1, 6)]
        assert [item["state"] for item in ended] == ["done", "done", "expired", "expired", "done"]
        assert ended[2]["result"] == "the gateway stopped before the outcome was known"
        assert ended[3]["result"] == "the gateway came back too late"

    stage(body, data=site.data)


def listener() -> socket.socket:
    ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ear.bind(("127.0.0.1", free_port()))
    ear.settimeout(20)
    return ear


@pytest.mark.parametrize(
    ("secureon", "password"),
    [(None, b""), ("00:11:22:33:44:55\n", bytes.fromhex("001122334455")), ("1.2.3.4", b"\1\2\3\4")],
)
def test_a_server_is_woken(tmp_path: Path, secureon: str | None, password: bytes) -> None:
    with listener() as ear:
        wake: dict[str, Any] = {"mac": MAC, "to": "127.0.0.1", "port": ear.getsockname()[1]}
        if secureon is not None:
            (tmp_path / "secureon").write_text(secureon)
            wake["secureon_file"] = str(tmp_path / "secureon")
        devices = {"server1": {"kind": "server", "address": "127.0.0.99", "port": free_port(), "wake": wake}}
        site = Site(tmp_path, devices=devices)
        try:
            given = site.ask("/v1/devices/server1/commands", {"command": "wake"})
            assert [decode(ear.recv(2000)) for _ in range(3)] == [Wake(mac_address(MAC), password)] * 3
            while (given := site.ask(f"/v1/commands/{given['id']}"))["state"] == "running":
                pass  # the test's own timeout bounds this
            assert given["result"] == f"3 magic packets for {MAC} sent to 127.0.0.1:{ear.getsockname()[1]}"
        finally:
            site.close()


def test_a_server_is_woken_until_it_is_up(tmp_path: Path) -> None:
    """By broadcast, to a server that begins to answer after the first packets."""
    echo = free_port()
    with listener() as ear, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        wake = {"mac": MAC, "to": "127.255.255.255", "port": ear.getsockname()[1]}
        heartbeat = {"interval_s": 0.2, "timeout_s": 1}
        device = {"kind": "server", "address": "127.0.0.99", "port": echo, "wake": wake, "heartbeat": heartbeat}
        ear.close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as broadcasts:
            broadcasts.bind(("0.0.0.0", wake["port"]))
            broadcasts.settimeout(20)
            site = Site(tmp_path, devices={"server1": device})
            try:
                body = {"command": "wake", "params": {"until_up": True}}
                given = site.ask("/v1/devices/server1/commands", body)
                assert decode(broadcasts.recv(2000)).mac == mac_address(MAC)
                assert site.ask(f"/v1/commands/{given['id']}")["state"] == "running"
                server.bind(("127.0.0.99", echo))
                server.settimeout(0.2)
                while (given := site.ask(f"/v1/commands/{given['id']}"))["state"] == "running":
                    try:
                        data, peer = server.recvfrom(2000)
                        server.sendto(data, peer)
                    except TimeoutError:
                        continue
                assert (given["state"], given["result"]) == ("done", "the server is up after 3 magic packets")
            finally:
                site.close()


def test_a_secureon_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("open sesame")
    for name, said in (("none", "No such file or directory"), ("bad", "expected 00:11:22:aa:bb:cc or 1.2.3.4")):
        wake = {"mac": MAC, "secureon_file": str(tmp_path / name)}
        devices = {"server1": {"kind": "server", "address": "127.0.0.99", "wake": wake}}
        with pytest.raises(AssertionError, match=f"ridethrough: wake.secureon_file {tmp_path / name}: {said}"):
            Site(tmp_path, devices=devices)
