"""Whom the receiver of a forward sees: version 3, addresses of choice, spoofed sources, relays before us; failover."""

from __future__ import annotations

import json
import signal
import socket
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from ridethrough.gateway.config.site import Site as Config
from ridethrough.gateway.storage.sqlite import archive
from ridethrough.gateway.storage.sqlite.schema import ENGINE
from ridethrough.rigs.rigfile.ports import free_port
from ridethrough.wire.snmp import Pdu, TrapV1, decode
from ridethrough.wire.snmp.relay import SNMP_TRAP_ADDRESS
from tests.support.live import start, stop, tool
from tests.support.sites import Site, next_line

AUTH, PRIV = "authentication phrase", "privacy phrase"
DAEMON = ["snmptrapd", "-f", "-n", "-On", "-Oq", "-C"]


def secrets(folder: Path) -> dict[str, str]:
    for name, text in (("auth", AUTH), ("priv", PRIV)):
        (folder / name).write_text(text)
    return {"auth_key_file": str(folder / "auth"), "priv_key_file": str(folder / "priv")}


@pytest.mark.parametrize(
    ("auth", "priv", "inform"),
    [("sha256", "aes128", False), ("sha256", "aes128", True), ("md5", "des", True), ("sha512", "aes256", False)],
)
def test_version_3_at_snmptrapd(tmp_path: Path, auth: str, priv: str, inform: bool) -> None:
    """What came as v1 and v2c arrives sealed, traps from the gateway's engine and informs at the receiver's."""
    port = free_port()
    keys = secrets(tmp_path)
    forward = {
        "to": f"127.0.0.1:{port}",
        "as": "v3",
        "inform": inform,
        "user": "mgr",
        "auth": auth,
        "priv": priv,
        **keys,
    }
    site = Site(tmp_path, {"nms": forward})
    names = {"sha256": "SHA-256", "sha512": "SHA-512", "md5": "MD5", "aes128": "AES", "aes256": "AES-256", "des": "DES"}
    try:
        saved = archive.saved(site.data, ENGINE)
        assert saved is not None
        engine = "" if inform else f"-e 0x{b64decode(json.loads(saved)['engine_id']).hex()} "
        config = tmp_path / "receiver.conf"
        config.write_text(
            f'createUser {engine}mgr {names[auth]} "{AUTH}" {names[priv]} "{PRIV}"\nauthUser log mgr priv\n'
            "format2 v2~%P~%v\\n\n"
        )
        command = ["env", f"SNMP_PERSISTENT_DIR={tmp_path}", *DAEMON, "-c", str(config), "-Lo", f"127.0.0.1:{port}"]
        daemon, _ = start(command, "NET-SNMP version")
        try:
            for kind in ("v1", "v2c", "inform"):
                site.send(kind, 5)
                line = next_line(daemon, "On battery")
                assert f"{'INFORM' if inform else 'TRAP2'}, SNMP v3, user mgr, context" in line
                assert ".1.3.6.1.6.3.1.1.4.1.0 .1.3.6.1.4.1.318.0.5" in line
                assert f".1.3.6.1.6.3.18.1.3.0 {'192.0.2.7' if kind == 'v1' else '127.0.0.1'}" in line
            row = site.until("nms", delivered=3, backlog=0)
            assert row["given_up"] == 0
        finally:
            stop(daemon)
    finally:
        site.close()


def test_a_receiver_of_version_3_that_starts_anew_is_learned_again(tmp_path: Path) -> None:
    """Its engine has another time and other boots; informs reach it all the same."""
    port = free_port()
    forward = {"to": f"127.0.0.1:{port}", "as": "v3", "inform": True, "user": "mgr", "auth": "sha256", "priv": "aes128"}
    site = Site(tmp_path, {"nms": forward | secrets(tmp_path)})
    config = tmp_path / "receiver.conf"
    config.write_text(f'createUser mgr SHA-256 "{AUTH}" AES "{PRIV}"\nauthUser log mgr priv\nformat2 v2~%P~%v\\n\n')
    command = ["env", f"SNMP_PERSISTENT_DIR={tmp_path}", *DAEMON, "-c", str(config), "-Lo", f"127.0.0.1:{port}"]
    try:
        for _ in range(3):
            daemon, _ = start(command, "NET-SNMP version")
            site.send("v2c", 5)
            assert "SNMP v3, user mgr" in next_line(daemon, "On battery")
            stop(daemon)
    finally:
        site.close()


def heard(manager: socket.socket) -> tuple[Any, str]:
    data, peer = manager.recvfrom(4000)
    return decode(data).pdu, peer[0]


def addresses(pdu: Any) -> list[bytes]:
    assert isinstance(pdu, Pdu)
    return [
        bytes(bind.value) for bind in pdu.varbinds if bind.oid == SNMP_TRAP_ADDRESS and isinstance(bind.value, bytes)
    ]


def test_an_address_of_choice_an_own_one_and_the_device_s(tmp_path: Path) -> None:
    """Requirements section 7: the receiver shows the device, or whom it is told to show (R2)."""
    managers = {}
    for name in ("kept", "chosen", "chosen1", "bound", "spoofed", "spoofed2"):
        managers[name] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        managers[name].bind(("127.0.0.1", 0))
        managers[name].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 400_000)
        managers[name].settimeout(20)
    to = {name: f"127.0.0.1:{manager.getsockname()[1]}" for name, manager in managers.items()}
    forwards = {
        "kept": {"to": to["kept"], "as": "v2c"},
        "chosen": {"to": to["chosen"], "as": "v2c", "source": "192.0.2.200"},
        "chosen1": {"to": to["chosen1"], "as": "v1", "source": "192.0.2.200"},
        "bound": {"to": to["bound"], "as": "v2c", "source": "none", "send_from": "127.0.0.50"},
        "spoofed": {"to": to["spoofed"], "source": "spoof"},
        "spoofed2": {"to": to["spoofed2"], "as": "v1", "source": "spoof"},
    }
    site = Site(tmp_path, forwards)
    try:
        site.informer("127.0.0.77").trap(1)
        seen = {name: heard(manager) for name, manager in managers.items()}
        assert addresses(seen["kept"][0]) == [bytes((127, 0, 0, 77))]
        assert addresses(seen["chosen"][0]) == [bytes((192, 0, 2, 200))]
        assert isinstance(seen["chosen1"][0], TrapV1)
        assert seen["chosen1"][0].agent_addr == bytes((192, 0, 2, 200))
        assert (addresses(seen["bound"][0]), seen["bound"][1]) == ([], "127.0.0.50")
        assert (addresses(seen["spoofed"][0]), seen["spoofed"][1]) == ([], "127.0.0.77")
        assert seen["spoofed2"][1] == "127.0.0.77"
        for number in range(300):  # more sources than sockets are kept for
            site.informer(f"127.0.3.{number % 250 + 1}" if number < 250 else f"127.0.4.{number - 249}").trap(number)
        sources = [heard(managers["spoofed"])[1] for _ in range(300)]
        assert len(set(sources)) == 300
    finally:
        site.close()
        for manager in managers.values():
            manager.close()


def test_what_a_trusted_relay_names_is_the_device(tmp_path: Path) -> None:
    """Two gateways in a row: the second shows the device as if it had heard it itself, if it trusts the first."""
    device = {"kind": "ups", "address": "127.0.0.77", "silence_s": 9999}
    for trusted, form in ((["127.0.0.60/32"], "v2c"), (["127.0.0.60/32"], "v1"), ([], "v2c")):
        folder = tmp_path / f"{form}-{len(trusted)}"
        (folder / "second").mkdir(parents=True)
        second = Site(folder / "second", devices={"UPS1": device}, access={"trusted_relays": trusted})
        first = Site(folder, {"on": {"to": f"127.0.0.1:{second.trap}", "as": form, "send_from": "127.0.0.60"}})
        try:
            card = first.informer("127.0.0.77")
            card.trap(1)
            while not (events := second.events("trap.unknown")):
                pass  # the test's own timeout bounds this
            evidence = events[0]["data"]["evidence"]
            assert (evidence["source"], evidence.get("relay")) == ("127.0.0.60", "127.0.0.60" if trusted else None)
            # agent-addr of version 1 is believed from anybody; snmpTrapAddress.0 only from relays.
            assert events[0]["subject"] == ("UPS1" if trusted else "127.0.0.60")
            stranger = first.informer("127.0.0.78")
            stranger.trap(2)
            while len(events := second.events("trap.unknown")) < 2:
                pass
            assert events[1]["subject"] == ("127.0.0.78" if trusted else "127.0.0.60")
        finally:
            first.close()
            second.close()


def test_r1_a_clustered_receiver_gets_everything_after_its_failover(tmp_path: Path) -> None:
    """The virtual address moves to another node; what was sent to a node's own address stays undelivered and is told."""
    port = free_port()
    forwards = {
        "virtual": {"to": f"127.0.0.90:{port}", "as": "v2c", "inform": True},
        "physical": {"to": f"127.0.0.91:{port}", "as": "v2c", "inform": True},
    }
    config = tmp_path / "node.conf"
    config.write_text("disableAuthorization yes\nformat2 v2~%P~%v\\n\n")
    command = ["env", f"SNMP_PERSISTENT_DIR={tmp_path}", *DAEMON, "-c", str(config), "-Lo"]
    site = Site(tmp_path, forwards)
    try:
        node, _ = start([*command, f"127.0.0.90:{port},127.0.0.91:{port}"], "NET-SNMP version")
        site.send("v2c", 5)
        next_line(node, ".318.0.5")
        next_line(node, ".318.0.5")
        stop(node)  # the active node dies; its own address is gone for good
        site.send("v2c", 6)
        while not all(site.destinations()[name]["failures"] for name in forwards):
            pass  # the test's own timeout bounds this
        other, _ = start([*command, f"127.0.0.90:{port}"], "NET-SNMP version")
        try:
            assert ".318.0.6" in next_line(other, ".318.0.")
            site.until("virtual", delivered=2, backlog=0)
            row = site.destinations()["physical"]
            assert (row["delivered"], row["backlog"]) == (1, 1)
            assert row["last_error"] == f"127.0.0.91:{port}: nobody listens there"
        finally:
            stop(other)
    finally:
        site.close()


def test_r4_another_way_of_receiving_waits_for_a_restart(tmp_path: Path) -> None:
    site = Site(tmp_path)
    try:
        with site.file.open() as stream:
            document = YAML(typ="safe", pure=True).load(stream)
        other = free_port()
        document["listen"] = [{"address": "127.0.0.1", "port": other}]
        document["access"] = {"communities": ["another"]}
        with site.file.open("w") as stream:
            YAML().dump(document, stream)
        assert site.ask("/v1/rules/reload", {}) == {"rules": 0, "need_restart": ["listen"]}
        site.process.send_signal(signal.SIGHUP)
        # Still at the old place; the community is another one from now on.
        tool("snmpinform", "-v2c", "-c", "another", f"127.0.0.1:{site.trap}", "1", "1.3.6.1.4.1.99999.0.1")
        assert not site.informer().inform(1, 1)
        site.process.kill()
        site.process.communicate()
        site.trap = other
        site.begin()
        tool("snmpinform", "-v2c", "-c", "another", f"127.0.0.1:{other}", "1", "1.3.6.1.4.1.99999.0.1")
    finally:
        site.close()


@pytest.mark.parametrize(
    ("forward", "said"),
    [
        ({"as": "v3"}, "`as: v3` goes with a user"),
        ({"as": "v2c", "user": "mgr"}, "`as: v3` goes with a user"),
        ({"as": "v3", "user": "mgr", "auth": "sha256"}, "auth goes with exactly one of auth_key and auth_key_file"),
        ({"as": "v3", "user": "mgr", "priv": "aes128", "priv_key": "12345678"}, "no privacy without authentication"),
        ({"source": "spoof", "as": "v2c", "inform": True}, "source: spoof goes with neither informs"),
        ({"source": "192.0.2.1"}, "an address as source goes with `as: v1`, `v2c` or `v3`"),
        ({"source": "elsewhere"}, "Input should be 'varbind', 'none' or 'spoof'"),
        ({"as": "v3", "user": "mgr", "community": "x"}, "community goes with `as: v1` or `as: v2c`"),
    ],
)
def test_forwards_that_cannot_be_meant(forward: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Config.model_validate({"forwards": {"nms": {"to": "127.0.0.1:9", **forward}}})
    assert said in str(caught.value)
