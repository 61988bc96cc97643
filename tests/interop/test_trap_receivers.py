"""A card's traps in every version, and its informs, as net-snmp's snmptrapd receives them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.live import running, sample, start, stop

RECEIVER = "127.0.0.5"
KEYS = {"auth": "sha256", "auth_key": "auth passphrase 1", "priv": "aes128", "priv_key": "priv passphrase 2"}
USERS: dict[str, dict[str, str]] = {"trapper": {"type": "read", **KEYS}, "plain": {"type": "read"}}
PROTOCOLS = 'SHA-256 "auth passphrase 1" AES "priv passphrase 2"'


@contextmanager
def snmptrapd(folder: Path, port: int, engine_id: str) -> Iterator[Any]:
    """The daemon; it knows the user at the card's engine, for traps, and at its own, for informs."""
    config = folder / "snmptrapd.conf"
    config.write_text(
        f"createUser -e 0x{engine_id} trapper {PROTOCOLS}\ncreateUser trapper {PROTOCOLS}\n"
        f"createUser -e 0x{engine_id} plain\ncreateUser plain\n"
        "authUser log trapper authPriv\nauthUser log plain noauth\nauthCommunity log public\n"
        "format2 %P~%v\\n\nformat1 v1~%w.%q~%v\\n\n"
    )
    command = ["snmptrapd", "-f", "-n", "-On", "-C", "-c", str(config), "-Lo", f"{RECEIVER}:{port}"]
    process, _ = start(["env", f"SNMP_PERSISTENT_DIR={folder}", *command], "NET-SNMP version")
    try:
        yield process
    finally:
        stop(process)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"version": 1}, "v1~6..5~"),
        ({"version": "2c"}, "TRAP2, SNMP v2c, community public"),
        ({"version": "2c", "inform": True}, "INFORM, SNMP v2c, community public"),
        ({"version": 3, "user": "trapper"}, "TRAP2, SNMP v3, user trapper, context"),
        ({"version": 3, "user": "trapper", "inform": True}, "INFORM, SNMP v3, user trapper, context"),
        ({"version": 3, "user": "plain", "inform": True}, "INFORM, SNMP v3, user plain, context"),
    ],
)
def test_a_receiver_gets_traps_as_its_row_says(tmp_path: Path, row: dict[str, Any], words: str) -> None:
    document = sample("a1080a-pair.yaml")
    port = document["ports"]["trap"]
    # The gateway listens where it does by itself, with the same port at other addresses.
    document["ups"]["UPS1"] |= {"users": USERS, "traps": [{"receiver": RECEIVER, **row}]}
    with snmptrapd(tmp_path, port, "8000000003" + "00c0b7000101") as daemon, running(document, tmp_path) as live:
        live.tell("city off")
        heard = ""
        while "UPS: On battery power" not in heard:  # the test's own timeout bounds this
            heard = daemon.stdout.readline()
            assert heard, "snmptrapd ended"
        assert words in heard
        assert row["version"] == 1 or ".1.3.6.1.6.3.1.1.4.1.0 = OID: .1.3.6.1.4.1.318.0.5" in heard


def test_an_inform_without_an_answer_is_repeated_and_given_up(tmp_path: Path) -> None:
    import socket

    document = sample("a1080a-pair.yaml")
    document["ups"]["UPS1"]["traps"] = [{"receiver": RECEIVER, "version": "2c", "inform": True}]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((RECEIVER, document["ports"]["trap"]))
        silent.settimeout(60)
        with running(document, tmp_path, "--speed", "10"):
            first = silent.recv(2000)
            copies = 1
            while copies < 4:
                copies += silent.recv(2000) == first
