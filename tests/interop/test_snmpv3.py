"""SNMPv3 with net-snmp."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.live import Live, running, sample, tool

AUTH_KEY, PRIV_KEY = "auth passphrase 1", "priv passphrase 2"
# Two cards hold four users each; every protocol is some user's.
USERS: dict[str, dict[str, tuple[str, str | None]]] = {
    "UPS1": {
        "md5des": ("md5", "des"),
        "shaaes": ("sha", "aes128"),
        "sha224": ("sha224", "aes128"),
        "noprivuser": ("sha256", None),
    },
    "UPS2": {"sha256": ("sha256", "aes128"), "sha384": ("sha384", "aes192"), "sha512": ("sha512", "aes256")},
}
NET_SNMP = {
    "md5": "MD5",
    "sha": "SHA",
    "sha224": "SHA-224",
    "sha256": "SHA-256",
    "sha384": "SHA-384",
    "sha512": "SHA-512",
}
CIPHERS = {"des": "DES", "aes128": "AES", "aes192": "AES-192", "aes256": "AES-256"}
MODEL = "1.3.6.1.4.1.318.1.1.1.1.1.1.0"
NAME = "1.3.6.1.4.1.318.1.1.1.1.1.2.0"
CASES = [(card, name, *protocols) for card, users in USERS.items() for name, protocols in users.items()]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    document = sample("a1080a-pair.yaml")
    for card, users in USERS.items():
        rows: dict[str, Any] = {}
        for name, (auth, priv) in users.items():
            rows[name] = {"type": "write", "auth": auth, "auth_key": AUTH_KEY}
            if priv:
                rows[name] |= {"priv": priv, "priv_key": PRIV_KEY}
        document["ups"][card]["users"] = rows
    document["ups"]["UPS2"]["users"]["reader"] = {"type": "read"}
    with running(document, tmp_path_factory.mktemp("rig")) as rig:
        yield rig


def options(user: str, auth: str, priv: str | None, auth_key: str = AUTH_KEY, priv_key: str = PRIV_KEY) -> list[str]:
    words = ["-v3", "-u", user, "-a", NET_SNMP[auth], "-A", auth_key, "-r", "1", "-t", "2"]
    if priv is None:
        return [*words, "-l", "authNoPriv"]
    return [*words, "-l", "authPriv", "-x", CIPHERS[priv], "-X", priv_key]


@pytest.mark.parametrize(("card", "user", "auth", "priv"), CASES)
def test_every_protocol_reads_walks_and_writes(live: Live, card: str, user: str, auth: str, priv: str | None) -> None:
    login = options(user, auth, priv)
    assert "SMART-UPS 1400" in tool("snmpget", *login, live.card(card), MODEL)
    lines = tool("snmpbulkwalk", *login, "-On", live.card(card), "1.3.6.1.4.1.318").splitlines()
    assert len([line for line in lines if " = " in line and "No more" not in line]) == 143
    assert "V3" in tool("snmpset", *login, live.card(card), NAME, "s", "V3")


@pytest.mark.parametrize(
    ("login", "words"),
    [
        (options("shaaes", "sha", "aes128", auth_key="wrong passphrase"), "Authentication failure"),
        (options("nobody", "sha", "aes128"), "Unknown user name"),
        (options("noprivuser", "sha256", "aes128"), "Unsupported security level"),
        (options("shaaes", "sha", None), "authorizationError"),
        (options("shaaes", "sha", "aes128", priv_key="wrong passphrase"), ""),
    ],
)
def test_refusals(live: Live, login: list[str], words: str) -> None:
    done = tool("bash", "-c", 'snmpget "$@" 2>&1; true', "-", *login, live.card("UPS1"), MODEL)
    assert "SMART-UPS" not in done
    assert words in done


def test_a_user_without_keys_reads_and_may_not_write(live: Live) -> None:
    login = ["-v3", "-u", "reader", "-l", "noAuthNoPriv", "-r", "1", "-t", "2"]
    assert "SMART-UPS 1400" in tool("snmpget", *login, live.card("UPS2"), MODEL)
    assert "noAccess" in tool("snmpset", *login, live.card("UPS2"), NAME, "s", "NO", expect=2)


def test_a_user_asks_only_from_the_place_of_its_row(tmp_path: Path) -> None:
    document = sample("a1080a-pair.yaml")
    here, there = ({"type": "read", "manager": manager} for manager in ("127.0.0.255", "192.0.2.1"))
    document["ups"]["UPS1"]["users"] = {"here": here, "there": there}
    with running(document, tmp_path) as rig:
        words = ["-v3", "-l", "noAuthNoPriv", "-r", "0", "-t", "2", rig.card("UPS1"), MODEL]
        assert "SMART-UPS 1400" in tool("snmpget", "-u", "here", *words)
        assert "Timeout" in tool("snmpget", "-u", "there", *words, expect=1)
        assert "security.authentication_failure" in rig.ridethrough("events", "--json")


def test_after_a_restart_managers_find_the_new_boots(live: Live, tmp_path: Path) -> None:
    login = options("shaaes", "sha", "aes128")
    tool("snmpset", *login, live.card("UPS1"), "1.3.6.1.4.1.318.2.2.1.0", "i", "1")
    tool("snmpget", *login, "-r", "12", live.card("UPS1"), MODEL, timeout=60)  # the card is silent for 15 s
