"""pysnmp, another SNMP engine in Python, with every pair of authentication and privacy protocols."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from pysnmp.hlapi.v3arch import asyncio as hlapi

from ridethrough.wire.snmp.usm import Auth, Priv
from tests.support.live import Live, running, sample

AUTH_KEY, PRIV_KEY = "auth passphrase 1", "priv passphrase 2"
MODEL = "1.3.6.1.4.1.318.1.1.1.1.1.1.0"
AUTH = {
    Auth.MD5: hlapi.USM_AUTH_HMAC96_MD5,
    Auth.SHA: hlapi.USM_AUTH_HMAC96_SHA,
    Auth.SHA224: hlapi.USM_AUTH_HMAC128_SHA224,
    Auth.SHA256: hlapi.USM_AUTH_HMAC192_SHA256,
    Auth.SHA384: hlapi.USM_AUTH_HMAC256_SHA384,
    Auth.SHA512: hlapi.USM_AUTH_HMAC384_SHA512,
}
PRIV = {
    Priv.DES: hlapi.USM_PRIV_CBC56_DES,
    Priv.AES128: hlapi.USM_PRIV_CFB128_AES,
    Priv.AES192: hlapi.USM_PRIV_CFB192_AES_BLUMENTHAL,
    Priv.AES256: hlapi.USM_PRIV_CFB256_AES_BLUMENTHAL,
}
# A card holds four users: one card for each authentication protocol, one user for each cipher.
CARDS = {auth: f"UPS{index}" for index, auth in enumerate(Auth, start=1)}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    document = sample("a1080a-pair.yaml")
    template: dict[str, Any] = document["ups"]["UPS1"]
    for index, (auth, card) in enumerate(CARDS.items(), start=1):
        users = {
            f"{auth}-{priv}": {"type": "read", "auth": auth.value, "auth_key": AUTH_KEY}
            | {"priv": priv.value, "priv_key": PRIV_KEY}
            for priv in Priv
        }
        document["ups"][card] = {**template, "address": f"127.0.1.{index}", "users": users}
    with running(document, tmp_path_factory.mktemp("rig")) as rig:
        yield rig


@pytest.mark.parametrize("priv", list(Priv))
@pytest.mark.parametrize("auth", list(Auth))
def test_a_pair_of_protocols(live: Live, auth: Auth, priv: Priv) -> None:
    host, port = live.card(CARDS[auth]).split(":")

    async def ask() -> str:
        engine = hlapi.SnmpEngine()
        user = hlapi.UsmUserData(f"{auth}-{priv}", AUTH_KEY, PRIV_KEY, authProtocol=AUTH[auth], privProtocol=PRIV[priv])
        target = await hlapi.UdpTransportTarget.create((host, int(port)), timeout=2, retries=1)
        answer = await hlapi.get_cmd(
            engine, user, target, hlapi.ContextData(), hlapi.ObjectType(hlapi.ObjectIdentity(MODEL)), lookupMib=False
        )
        engine.close_dispatcher()
        assert not answer[0], answer[0]
        return str(answer[3][0][1])

    assert asyncio.run(ask()) == "SMART-UPS 1400"
