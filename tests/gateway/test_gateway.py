"""The whole gateway in memory and at full speed, over real sockets and its HTTP interface."""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
import socket
from pathlib import Path

import jsonschema
import pytest

from ridethrough.gateway.config.http import Token
from ridethrough.gateway.config.secrets import SecretError
from ridethrough.gateway.config.site import Site
from ridethrough.mibs import Oid
from ridethrough.rigs.rigfile.schema import RigFile, site_of
from ridethrough.wire import rmcp
from ridethrough.wire.snmp import Kind, Message, Pdu, Tag, VarBind, Version, encode
from tests.support.live import sample
from tests.support.stage import Stage, stage
from tests.support.vectors import vector


def test_from_mains_off_to_everything_back() -> None:
    async def body(stage: Stage) -> None:
        await asyncio.sleep(10)
        stage.inject("city", "off")
        await asyncio.sleep(59)
        assert ("power.outage.confirmed", "UPS1") not in await stage.types()
        await asyncio.sleep(2)
        seen = await stage.types()
        assert seen.index(("ups.input.lost", "UPS1")) < seen.index(("power.outage.confirmed", "UPS1"))
        command = await stage.post("/v1/devices/UPS1/commands", {"command": "output.off"}, 202)
        assert (await stage.done(command))["state"] == "done"
        await asyncio.sleep(25)  # the shutoff delay of this rig is 20 s
        world = (await stage.get("/lab/v1/world"))["devices"]
        assert (world["UPS1"]["output"], world["server1"]["power"], world["server1.bmc"]["state"]) == (
            "off",
            "off",
            "off",
        )
        assert world["server2"]["state"] == "running"
        assert ("bmc.heartbeat.lost", "server1.bmc") not in await stage.types()
        await asyncio.sleep(95)
        seen = await stage.types()
        assert ("bmc.heartbeat.lost", "server1.bmc") in seen
        assert ("bmc.heartbeat.lost", "server2.bmc") not in seen
        conditions = {(item["device"], item["condition"]) for item in (await stage.get("/v1/conditions"))["conditions"]}
        assert {("UPS1", "input"), ("UPS1", "outage"), ("UPS1", "output"), ("server1.bmc", "silence")} <= conditions
        stage.inject("city", "on")
        await asyncio.sleep(60 + 20 + 120 + 10)
        world = (await stage.get("/lab/v1/world"))["devices"]
        assert (world["UPS1"]["state"], world["server1"]["state"]) == ("on-line", "running")
        seen = await stage.types()
        for kind, subject in (
            ("ups.input.restored", "UPS1"),
            ("power.outage.cleared", "UPS1"),
            ("ups.output.on", "UPS1"),
            ("bmc.heartbeat.restored", "server1.bmc"),
        ):
            assert (kind, subject) in seen
        assert (await stage.get("/v1/conditions"))["conditions"] == []

    stage(body)


@pytest.mark.parametrize(
    ("command", "state"),
    [("power.off", "off"), ("power.cycle", "off"), ("power.reset", "booting"), ("power.soft", "shutting-down")],
)
def test_commands_to_a_bmc(command: str, state: str) -> None:
    async def body(stage: Stage) -> None:
        accepted = await stage.post("/v1/devices/server1.bmc/commands", {"command": command}, 202)
        assert (await stage.done(accepted))["state"] == "done"
        assert (await stage.get("/lab/v1/world"))["devices"]["server1"]["state"] == state
        accepted = await stage.post("/v1/devices/server1.bmc/commands", {"command": "power.on"}, 202)
        assert (await stage.done(accepted))["state"] == "done"
        await asyncio.sleep(200)
        expected = "off" if command == "power.soft" else "running"
        assert (await stage.get("/lab/v1/world"))["devices"]["server1"]["state"] == expected

    stage(body)


def test_output_commands_on_line_and_the_order_asked_for() -> None:
    async def body(stage: Stage) -> None:
        wanted = {"command": "output.off", "params": {"order": "conserve"}}
        refused = await stage.done(await stage.post("/v1/devices/UPS1/commands", wanted, 202))
        assert refused["state"] == "failed"
        assert "refused upsBasicControlConserveBattery" in refused["result"]
        done = await stage.done(await stage.post("/v1/devices/UPS1/commands", {"command": "output.off"}, 202))
        assert done["result"].startswith("upsAdvControlUpsOff.0 = 3")
        await asyncio.sleep(20 + 120 + 120 + 10)  # shutoff delay, run time after LowBattery, two minutes
        assert (await stage.get("/lab/v1/world"))["devices"]["UPS1"]["state"] == "off"
        await stage.done(await stage.post("/v1/devices/UPS1/commands", {"command": "output.on"}, 202))
        assert (await stage.get("/lab/v1/world"))["devices"]["UPS1"]["state"] == "on-line"

    stage(body)


def test_idempotency_and_refusals_of_commands() -> None:
    async def body(stage: Stage) -> None:
        path = "/v1/devices/UPS1/commands"
        first = await stage.post(path, {"command": "output.on"}, 202, **{"Idempotency-Key": "k1"})
        again = await stage.post(path, {"command": "output.on"}, 200, **{"Idempotency-Key": "k1"})
        assert again["id"] == first["id"]
        other = await stage.post(path, {"command": "output.off"}, 409, **{"Idempotency-Key": "k1"})
        assert other["detail"].startswith("the idempotency key 'k1' belongs to another command")
        unknown = await stage.post(path, {"command": "power.on"}, 422)
        assert "accepted: output.off, output.on" in unknown["detail"]
        odd = await stage.post(path, {"command": "output.off", "params": {"order": "now"}}, 422)
        assert "accepted: source, order: auto|return|conserve|reboot|stay_off|off_now" in odd["detail"]
        assert (await stage.post(path, {"verb": "x"}, 400))["status"] == 400
        gone = await stage.post("/v1/devices/UPS9/commands", {"command": "output.on"}, 404)
        assert "known: UPS1, UPS2, server1, server1.bmc, server2, server2.bmc" in gone["detail"]

    stage(body)


def test_a_command_to_a_dead_bmc_fails_with_its_reason() -> None:
    async def body(stage: Stage) -> None:
        stage.inject("server1.bmc", "lan_cut")
        accepted = await stage.post("/v1/devices/server1.bmc/commands", {"command": "power.reset"}, 202)
        ended = await stage.done(accepted)
        assert ended["state"] == "failed"
        assert "127.0.11.1" in ended["result"]

    stage(body)


def test_a_silent_card_is_lost_and_found() -> None:
    async def body(stage: Stage) -> None:
        await asyncio.sleep(17)  # the last answer came at 16 s
        stage.inject("UPS1", "mute")
        await asyncio.sleep(47)
        assert ("ups.card.lost", "UPS1") not in await stage.types()
        await asyncio.sleep(10)
        assert ("ups.card.lost", "UPS1") in await stage.types()
        stage.inject("UPS1", "unmute")
        await asyncio.sleep(9)
        assert ("ups.card.found", "UPS1") in await stage.types()

    stage(body)


def test_the_stream_goes_on_behind_the_last_event_known() -> None:
    async def body(stage: Stage) -> None:
        await asyncio.sleep(1)
        known = (await stage.get("/v1/events?limit=1"))["events"][0]["id"]
        stage.inject("server1.bmc", "cpu_ierr")
        lines: list[bytes] = []
        async with stage.session.get(f"{stage.url}/v1/events/stream", headers={"Last-Event-ID": known}) as answer:
            assert answer.content_type == "text/event-stream"
            async for line in answer.content:
                lines.append(line)
                if b"bmc.notice" in line:
                    break
        ids = [line.split()[1].decode() for line in lines if line.startswith(b"id: ")]
        events = (await stage.get(f"/v1/events?after={known}"))["events"]
        assert ids == [event["id"] for event in events]
        assert [event["id"] for event in (await stage.get("/v1/events?last=1"))["events"]] == ids[-1:]
        await stage.get("/v1/events?after=99-99", 404)
        await stage.get("/v1/events/stream?after=99-99", 404)

    stage(body)


def test_answers_keep_to_the_published_document(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        await asyncio.sleep(5)
        await stage.post("/v1/devices/UPS1/commands", {"command": "output.on"}, 202)
        api = await stage.get("/v1/openapi.json")
        command = (await stage.post("/v1/devices/UPS1/commands", {"command": "output.on"}, 202))["id"]
        fills = {
            "/v1/devices/{id}": "/v1/devices/UPS1",
            "/v1/devices/{id}/commands": "/v1/devices/UPS1/commands",
            "/v1/commands/{id}": f"/v1/commands/{command}",
            "/v1/journal/{position}": "/v1/journal/1",
        }
        for path, operations in api["paths"].items():
            content = operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
            if "application/json" not in content:
                continue
            if "/destinations/{id}" in path:
                path = path.replace("{id}", "log")
            answer = await stage.get(fills.get(path, path))
            schema = content["application/json"]["schema"] | {"components": api["components"]}
            jsonschema.Draft202012Validator(schema).validate(answer)
        problem = await stage.get("/v1/devices/none", 404)
        jsonschema.validate(problem, api["components"]["schemas"]["Problem"])
        assert (await stage.get("/nowhere", 404))["title"] == "Not found"

    stage(body, {"gateway": {"sinks": {"log": {"type": "file", "path": str(tmp_path / "log.jsonl")}}}})


def test_ten_thousand_random_datagrams_at_every_port() -> None:
    rng = random.Random(7)

    async def body(stage: Stage) -> None:
        plant = stage.process.emulators
        assert plant is not None
        ports = plant.plant.ports
        places = [("127.0.1.1", ports.snmp), ("127.0.11.1", ports.ipmi), ("127.0.0.1", ports.trap)]
        heads = [b"", b"\x06\x00\xff\x07", b"\x06\x00\xff\x06\x00\x00\x11\xbe", vector("net-snmp-trap-v1")[:40]]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(100):
                for place in places:
                    for _ in range(100):
                        sender.sendto(rng.choice(heads) + rng.randbytes(rng.randrange(200)), place)
                await asyncio.sleep(0.01)
        await asyncio.sleep(1)
        counters = plant.face_counters()
        assert counters["snmpInPkts"] >= 10_000
        assert counters["snmpInASNParseErrs"] >= 9_900
        assert counters["received"] >= 10_000
        assert counters["unreadable"] > 5_000
        journal = await stage.get("/v1/journal")
        assert journal["records"] >= 10_000
        async with stage.session.get(f"{stage.url}/metrics") as answer:
            outcomes = re.findall(r'ridethrough_datagrams_total{outcome="(\w+)"} (\S+)', await answer.text())
        counted = {name: float(number) for name, number in outcomes}
        # The sender is a storm: what is beyond its burst is kept, and not even read.
        assert counted["undecodable"] >= 500
        assert counted["storm"] > 5000
        assert sum(counted.values()) >= 10_000
        types = [event["type"] for event in (await stage.get("/v1/events?limit=1000"))["events"]]
        assert types.count("trap.storm") == 1
        assert types.count("trap.undecodable") < 1000
        # Later requests are answered, and later traps are heard.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            name = VarBind(Oid.parse("1.3.6.1.2.1.1.1.0"), Tag.NULL, None)
            client.sendto(encode(Message(Version.V1, b"public", Pdu(Kind.GET, 1, 0, 0, (name,)))), places[0])
            client.sendto(rmcp.encode_ping(9), places[1])
            await asyncio.sleep(1)
            answers = {client.recv(4096)[:1] for _ in range(2)}
            assert answers == {b"\x30", b"\x06"}
        stage.inject("city", "off")
        await asyncio.sleep(1)
        events = (await stage.get("/v1/events?last=50"))["events"]
        assert "ups.input.lost" in [event["type"] for event in events]

    stage(body)


def test_a_token_may_lie_in_a_file(tmp_path: Path) -> None:
    place = tmp_path / "token"
    document = sample("a1080a-pair.yaml")["gateway"] | {
        "api": {"tokens": {"ops": {"role": "read", "file": str(place)}}}
    }

    async def body(stage: Stage) -> None:
        await stage.get("/v1/devices", 401)
        await stage.get("/v1/devices", 200, Authorization="Bearer 0123456789abcdef")

    place.write_text("0123456789abcdef\n")
    stage(body, {"gateway": document})
    place.write_text("short")
    with pytest.raises(SecretError, match=r"^api\.tokens\.ops\.file .*: a token has at least 16 characters$"):
        stage(body, {"gateway": document})
    place.unlink()
    with pytest.raises(SecretError, match=r"No such file or directory$"):
        stage(body, {"gateway": document})
    with pytest.raises(ValueError, match="give exactly one of sha256 and file"):
        Token.model_validate({"role": "read"})


def test_tokens_and_foreign_pages() -> None:
    def digest(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    tokens = {
        "reader": {"role": "read", "sha256": digest("r")},
        "operator": {"role": "operate", "sha256": digest("o")},
        "lab": {"role": "lab", "sha256": digest("l")},
    }
    assert Token.model_validate(tokens["lab"]).role == "lab"

    async def guarded(stage: Stage) -> None:
        def bearer(text: str) -> dict[str, str]:
            return {"Authorization": f"Bearer {text}"}

        await stage.get("/healthz")
        await stage.get("/v1/devices", 401)
        await stage.get("/v1/devices", 401, **bearer("x"))
        await stage.get("/v1/devices", 200, **bearer("r"))
        await stage.get("/v1/journal/1", 403, **bearer("r"))  # datagrams carry communities
        await stage.get("/v1/journal/1", 200, **bearer("o"))
        await stage.get("/v1/journal/999999999", 404, **bearer("o"))
        await stage.get("/v1/journal/x", 400, **bearer("o"))
        path, body = "/v1/devices/UPS1/commands", {"command": "output.on"}
        await stage.post(path, body, 403, **bearer("r"))
        await stage.post(path, body, 202, **bearer("o"))
        lab, word = "/lab/v1/devices/city/inputs", {"input": "off"}
        await stage.post(lab, word, 403, **bearer("o"))
        await stage.post(lab, word, 200, **bearer("l"))

    async def open_to_loopback(stage: Stage) -> None:
        await stage.get("/v1/devices", 403, Host="evil.example")
        await stage.get("/v1/devices", 403, Origin="https://evil.example")
        await stage.get("/v1/devices", 200, Origin=stage.url)

    document = sample("a1080a-pair.yaml")["gateway"]
    stage(guarded, {"gateway": document | {"api": {"tokens": tokens}}})
    stage(open_to_loopback)


def test_binding_wider_without_tokens_is_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match=r"api\.tokens must name at least one token"):
        Site.model_validate({"api": {"bind": "0.0.0.0:8080"}})


def test_lab_refusals() -> None:
    async def body(stage: Stage) -> None:
        wrong = await stage.post("/lab/v1/devices/city/inputs", {"input": "bang"}, 422)
        assert wrong["detail"] == "'bang' is no input here; accepted: on, off, volts, sag, swell, noise, quiet, hertz"
        odd = await stage.post("/lab/v1/devices/city/inputs", {"input": "volts", "args": ["many"]}, 422)
        assert odd["detail"] == "expected one number, VOLTS"
        assert "off" in (await stage.get("/lab/v1/devices/city/inputs"))["inputs"]
        await stage.get("/lab/v1/devices/none/inputs", 404)
        assert (await stage.get("/lab/v1/clock"))["elapsed_s"] >= 0

    stage(body)


def test_a_restart_remembers_conditions(tmp_path: Path) -> None:
    async def before(stage: Stage) -> None:
        await asyncio.sleep(1)
        stage.inject("city", "off")
        await asyncio.sleep(5)
        accepted = await stage.post("/v1/devices/UPS1/commands", {"command": "output.on"}, 202)
        await stage.done(accepted)

    async def after(stage: Stage) -> None:
        # The mains of the second run are sound, which only a gateway that remembers the loss calls a restoration.
        async with asyncio.timeout(60):
            while ("ups.input.restored", "UPS1") not in (told := await stage.types()):
                await asyncio.sleep(1)
        assert told.count(("ups.input.lost", "UPS1")) == 1
        assert (await stage.get("/v1/journal"))["durable"] is True

    stage(before, data=tmp_path)
    stage(after, data=tmp_path)


def test_a_full_disk_stops_the_acknowledgements_says_so_and_heals(tmp_path: Path) -> None:
    async def limit(stage: Stage, pages: int) -> None:
        # SQLite's own limit gives SQLite's own "database or disk is full".
        store = stage.process.gateway._store
        await store.read(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchone())

    async def ready(stage: Stage) -> int:
        async with stage.session.get(f"{stage.url}/readyz") as answer:
            return answer.status

    async def body(stage: Stage) -> None:
        await asyncio.sleep(5)
        inform = vector("net-snmp-inform-v2c")
        await limit(stage, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as manager:
            manager.setblocking(False)
            sent = 0
            while await ready(stage) == 200:
                assert sent < 10_000, "the disk never fills"
                for _ in range(50):
                    manager.sendto(inform, ("127.0.0.1", stage.trap_port))
                    sent += 1
                await asyncio.sleep(0.1)
            assert "full" in (await stage.get("/v1/journal"))["trouble"]
            acknowledged = 0
            while True:
                try:
                    manager.recv(4096)
                    acknowledged += 1
                except BlockingIOError:
                    break
            assert acknowledged < sent
            events = [kind for kind, _ in await stage.types()]
            assert events.count("ups.card.restarted") >= acknowledged
            await limit(stage, 1_000_000)
            await asyncio.sleep(5)
            assert await ready(stage) == 200
            manager.sendto(inform, ("127.0.0.1", stage.trap_port))
            await asyncio.sleep(1)
            assert manager.recv(4096)[:1] == b"\x30"
        stage.inject("city", "off")
        await asyncio.sleep(1)
        assert ("ups.input.lost", "UPS1") in [
            (event["type"], event["subject"]) for event in (await stage.get("/v1/events?last=5"))["events"]
        ]

    stage(body, data=tmp_path)


def test_a_site_of_a_rig_knows_every_device() -> None:
    rig = RigFile.model_validate(sample("003-a.yaml"))
    site = site_of(rig, None, None)
    assert sorted(site.devices) == sorted([*rig.ups, *rig.servers])
    assert len(rig.ups) == 6
    assert site.devices["UPS2"].groups == ("電源制御2",)  # type: ignore[union-attr]
