"""Version 3 traps and informs of net-snmp's senders, as the gateway takes them."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from ridethrough.rigs.rigfile.ports import free_port
from tests.support.live import stop, tool
from tests.support.sites import Site, next_line, snmptrapd

AUTH, PRIV = "auth passphrase 1", "priv passphrase 2"
ENGINE = "0x80001f8880aabbccdd"
NAME = "1.3.6.1.4.1.99999.0.1"
LEVELS: dict[str, tuple[dict[str, str], list[str]]] = {
    "plain": ({}, ["-l", "noAuthNoPriv"]),
    "md5": ({"auth": "md5"}, ["-l", "authNoPriv", "-a", "MD5", "-A", AUTH]),
    "shades": ({"auth": "sha", "priv": "des"}, ["-l", "authPriv", "-a", "SHA", "-A", AUTH, "-x", "DES", "-X", PRIV]),
    "sha256": (
        {"auth": "sha256", "priv": "aes128"},
        ["-l", "authPriv", "-a", "SHA-256", "-A", AUTH, "-x", "AES", "-X", PRIV],
    ),
    "sha512": (
        {"auth": "sha512", "priv": "aes256"},
        ["-l", "authPriv", "-a", "SHA-512", "-A", AUTH, "-x", "AES-256", "-X", PRIV],
    ),
}


def users(folder: Path) -> dict[str, dict[str, str]]:
    """The site's users, with their passphrases in files."""
    (folder / "auth.key").write_text(AUTH + "\n")
    (folder / "priv.key").write_text(PRIV + "\n")
    result = {}
    for name, (protocols, _) in LEVELS.items():
        files = {f"{kind}_key_file": str(folder / f"{kind}.key") for kind in protocols}
        result[name] = protocols | files
    return result


@contextmanager
def gateway(folder: Path, **more: Any) -> Iterator[Site]:
    site = Site(folder, {}, access={"users": users(folder)}, **more)
    try:
        yield site
    finally:
        stop(site.process)


def get(site: Site, path: str) -> Any:
    with urlopen(f"http://{site.api}{path}", timeout=20) as answer:
        return json.load(answer)


def events(site: Site, count: int) -> list[dict[str, Any]]:
    """What was told of traps, as soon as there are so many."""
    while True:  # the test's own timeout bounds this
        found = [event for event in get(site, "/v1/events")["events"] if event["type"] == "trap.unknown"]
        if len(found) >= count:
            return found


def outcomes(site: Site) -> dict[str, float]:
    with urlopen(f"http://{site.api}/metrics", timeout=20) as answer:
        lines = answer.read().decode().splitlines()
    rows = [line for line in lines if line.startswith("ridethrough_datagrams_total{")]
    return {row.split('"')[1]: float(row.rpartition(" ")[2]) for row in rows}


def send(site: Site, level: str, *words: str, inform: bool = False, expect: int = 0, user: str = "") -> None:
    program = ["snmpinform", "-v3", "-r", "1", "-t", "2"] if inform else ["snmptrap", "-v3", "-e", ENGINE]
    options = list(words) or LEVELS[level][1]
    tool(*program, "-u", user or level, *options, f"127.0.0.1:{site.trap}", "4711", NAME, expect=expect)


@pytest.mark.parametrize("inform", [False, True], ids=["trap", "inform"])
def test_every_level_is_taken(tmp_path: Path, inform: bool) -> None:
    with gateway(tmp_path) as site:
        for level in LEVELS:
            send(site, level, inform=inform)
        seen = [event["data"]["evidence"] for event in events(site, len(LEVELS))]
        assert [item["user"] for item in seen] == list(LEVELS)
        assert {(item["version"], item["inform"], item["trap_oid"]) for item in seen} == {("v3", inform, NAME)}


def test_what_is_not_as_the_user_s_row_says_is_refused_by_name(tmp_path: Path) -> None:
    with gateway(tmp_path) as site:
        wrong = ["-l", "authNoPriv", "-a", "MD5", "-A", "another passphrase"]
        send(site, "md5", *wrong)
        send(site, "md5", *wrong, inform=True, expect=1)
        send(site, "plain", user="stranger")
        send(site, "plain", user="stranger", inform=True, expect=1)
        send(site, "plain", user="sha256")  # below the level of that user
        send(site, "plain", user="sha256", inform=True, expect=1)
        bad_privacy = ["-l", "authPriv", "-a", "SHA-256", "-A", AUTH, "-x", "AES", "-X", "another passphrase"]
        send(site, "sha256", *bad_privacy)
        send(site, "sha256")
        assert [event["data"]["evidence"]["user"] for event in events(site, 1)] == ["sha256"]
        seen = outcomes(site)
        assert seen["refused_wrong_digests"] >= 2
        assert seen["refused_unknown_user_names"] >= 2
        assert seen["refused_unsupported_security_levels"] >= 2
        assert seen["refused_decryption_errors"] == 1
        assert seen["notification"] == 1


def captured(folder: Path, site: Site, boots: int) -> bytes:
    """The octets of a trap whose engine has started so many times."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(20)
        words = ["-Z", f"{boots},1000", "-u", "sha256", *LEVELS["sha256"][1]]
        tool("snmptrap", "-v3", "-e", ENGINE, *words, f"127.0.0.1:{ear.getsockname()[1]}", "4711", NAME)
        return ear.recv(2000)


def test_an_old_trap_sent_again_is_refused_also_after_a_restart(tmp_path: Path) -> None:
    with gateway(tmp_path) as site, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(("127.0.0.1", site.trap))
        older, newer = captured(tmp_path, site, 3), captured(tmp_path, site, 4)
        sender.send(older)
        sender.send(newer)
        events(site, 2)
        sender.send(older)
        while outcomes(site).get("refused_not_in_time_windows") != 1:  # the test's own timeout bounds this
            pass
        site.process.kill()
        site.process.communicate()
        site.begin()
        sender.send(older)
        while outcomes(site).get("refused_not_in_time_windows") != 1:
            pass
        told = [event["type"] for event in get(site, "/v1/events")["events"]]
        assert told == ["trap.unknown", "trap.unknown", "security.refused"]  # again within ten minutes: counted


def test_informs_find_the_same_engine_after_a_restart(tmp_path: Path) -> None:
    with gateway(tmp_path) as site:
        send(site, "sha256", inform=True)
        site.process.kill()
        site.process.communicate()
        site.begin()
        send(site, "sha256", inform=True)
        assert len(events(site, 2)) == 2


def test_version_3_goes_on_in_version_2(tmp_path: Path) -> None:
    port = free_port()
    forwards = {"nms": {"to": f"127.0.0.1:{port}", "as": "v2c"}}
    with snmptrapd(tmp_path, port) as daemon:
        site = Site(tmp_path, forwards, access={"users": users(tmp_path)})
        try:
            for inform in (False, True):
                send(site, "sha512", inform=inform)
                line = next_line(daemon, NAME)
                assert line.startswith("v2~TRAP2, SNMP v2c, community public~")
        finally:
            stop(site.process)


def test_without_users_version_3_is_refused_and_counted(tmp_path: Path) -> None:
    site = Site(tmp_path, {})
    try:
        send(site, "plain")
        while not outcomes(site).get("refused_version_3"):  # the test's own timeout bounds this
            pass
        (refused,) = get(site, "/v1/events")["events"]
        assert (refused["type"], refused["data"]["reason"]) == ("security.refused", "version_3")
    finally:
        stop(site.process)


def test_one_name_with_other_keys_at_other_devices_and_a_device_known_by_its_engine(tmp_path: Path) -> None:
    """Four BMCs with an Administrator each; and a card behind an address that is not its own."""
    rows: dict[str, Any] = {}
    for number in (1, 2):
        key = tmp_path / f"key{number}"
        key.write_text(f"passphrase number {number}")
        rows[f"bmc{number}"] = {
            "name": "Administrator",
            "auth": "sha256",
            "auth_key_file": str(key),
            "sources": [f"127.0.12.{number}/32"],
        }
    device = {"kind": "ups", "address": "127.0.12.99", "engine_id": ENGINE.removeprefix("0x"), "silence_s": 9999}
    site = Site(tmp_path, {}, access={"users": rows}, devices={"UPS1": device})
    try:
        for number in (1, 2, 1, 2):
            words = ["-l", "authNoPriv", "-a", "SHA-256", "-A", f"passphrase number {number}"]
            place = f"127.0.0.1:{site.trap}"
            own = ["--clientaddr=127.0.12." + str(number)]
            tool("snmptrap", "-v3", "-e", ENGINE, "-u", "Administrator", *words, *own, place, "4711", NAME)
            tool("snmpinform", "-v3", "-u", "Administrator", *words, *own, place, "4711", NAME)
        seen = events(site, 8)
        assert [event["subject"] for event in seen[:2]] == ["UPS1", "127.0.12.1"]  # an inform names our engine
        wrong = ["-l", "authNoPriv", "-a", "SHA-256", "-A", "passphrase number 2", "--clientaddr=127.0.12.1"]
        tool("snmptrap", "-v3", "-e", ENGINE, "-u", "Administrator", *wrong, f"127.0.0.1:{site.trap}", "4711", NAME)
        stranger = [*wrong[:-1], "--clientaddr=127.0.12.3"]
        tool("snmptrap", "-v3", "-e", ENGINE, "-u", "Administrator", *stranger, f"127.0.0.1:{site.trap}", "4711", NAME)
        while outcomes(site).get("refused_unknown_user_names") != 1:  # the test's own timeout bounds this
            pass
        assert outcomes(site)["refused_wrong_digests"] == 1
        assert len(events(site, 8)) == 8
    finally:
        site.close()
