"""Rules of a site: what they match, what they tell, and that they are read again without a lost datagram."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from ruamel.yaml import YAML

from ridethrough.gateway.build.stages import rules_of
from ridethrough.gateway.config.site import Site as SiteFile
from ridethrough.gateway.decode import decode_datagram
from ridethrough.gateway.records import (
    Arrival,
    ConditionClears,
    ConditionOpens,
    Notification,
    Occurrence,
    RecordKind,
    Severity,
)
from ridethrough.gateway.translate import Inventory, KnownDevice, Translator
from ridethrough.mibs import Oid, standard_tree
from ridethrough.wire.snmp import Kind, Message, Pdu, Tag, VarBind, Version, encode
from ridethrough.wire.snmp.convert import SNMP_TRAP_OID
from tests.support.live import stop, tool
from tests.support.sites import Site

DOOR = "1.3.6.1.4.1.99999.0.7"
TREE = standard_tree()
UPS = KnownDevice("UPS1", "ups", "192.0.2.7")


def heard(trap: str, source: str = "192.0.2.7", **values: int | str) -> Notification:
    """Variables by the last parts of their names under 1.3.6.1.4.1.99999."""
    binds = [VarBind(SNMP_TRAP_OID, Tag.OBJECT_IDENTIFIER, Oid.parse(trap))]
    for name, item in values.items():
        oid = Oid.parse("1.3.6.1.4.1.99999." + name.removeprefix("v").replace("_", "."))
        octets = item.encode() if isinstance(item, str) else item
        binds.append(VarBind(oid, Tag.INTEGER if isinstance(item, int) else Tag.OCTET_STRING, octets))
    data = encode(Message(Version.V2C, b"public", Pdu(Kind.TRAP_V2, 1, 0, 0, tuple(binds))))
    arrival = Arrival(0, RecordKind.DATAGRAM, data, "127.0.0.1:162", source, 999)
    value = decode_datagram(arrival, TREE, frozenset({b"public"})).value
    assert isinstance(value, Notification)
    return value


def translator(*rules: dict[str, Any]) -> Translator:
    devices = {"UPS1": {"kind": "ups", "address": "192.0.2.7"}}
    site = SiteFile.model_validate({"rules": rules, "devices": devices})
    return Translator(Inventory([UPS]), rules_of(site))


@pytest.mark.parametrize(
    ("match", "applies"),
    [
        ({"trap": DOOR}, True),
        ({"trap": DOOR[:-1] + "8"}, False),
        ({"trap": "1.3.6.1.4.1.99999.*"}, True),
        ({"trap": "1.3.6.1.4.1.9999.*"}, False),
        ({"trap": "1.3.6.1.4.1.99999"}, False),
        ({"sources": ["192.0.2.0/24"]}, True),
        ({"sources": ["198.51.100.0/24", "192.0.2.7/32"]}, True),
        ({"sources": ["198.51.100.0/24"]}, False),
        ({"device": "UPS1"}, True),
        ({"variables": {"1.3.6.1.4.1.99999.1": 2}}, True),
        ({"variables": {"1.3.6.1.4.1.99999.1.0": "2"}}, True),
        ({"variables": {"1.3.6.1.4.1.99999.1": 3}}, False),
        ({"variables": {"1.3.6.1.4.1.99999.3": 2}}, False),
        ({"trap": DOOR, "variables": {"1.3.6.1.4.1.99999.1": 3}}, False),
    ],
)
def test_what_a_rule_matches(match: dict[str, Any], applies: bool) -> None:
    (signal_,) = translator({"match": match, "event": "door.opened"}).datagram(heard(DOOR, v1_0=2))
    assert (signal_.type == "door.opened") is applies
    assert (signal_.type == "trap.unknown") is not applies


def test_what_a_rule_tells() -> None:
    rule = {
        "match": {"trap": DOOR},
        "event": "door.opened",
        "severity": "critical",
        "text": "door {1.3.6.1.4.1.99999.2} of {device} at {source} is open ({trap}, {1.3.6.1.4.1.99999.3})",
        "opens": "door",
    }
    (told,) = translator(rule).datagram(heard(DOOR, v1_0=2, v2_0="north"))
    assert isinstance(told, ConditionOpens)
    assert (told.device, told.severity, told.condition) == ("UPS1", Severity.CRITICAL, "door")
    assert told.text == f"door north of UPS1 at 192.0.2.7 is open ({DOOR}, ?)"
    assert told.evidence["rule"] == 1
    (stranger,) = translator(rule).datagram(heard(DOOR, "198.51.100.9"))
    assert isinstance(stranger, Occurrence)  # nothing is remembered of strangers
    assert stranger.device == "198.51.100.9"


def test_rules_of_a_site_come_first_and_in_their_order() -> None:
    on_battery = "1.3.6.1.4.1.318.0.5"
    rules: list[dict[str, Any]] = [
        {"match": {"trap": "upsOnBattery", "variables": {"1.3.6.1.4.1.99999.1": 1}}, "drop": True},
        {"match": {"trap": on_battery}, "event": "mine.first"},
        {"match": {"trap": on_battery}, "event": "mine.second"},
    ]
    assert translator(*rules).datagram(heard(on_battery, v1_0=1)) == []
    assert [told.type for told in translator(*rules).datagram(heard(on_battery))] == ["mine.first"]
    assert [told.type for told in translator().datagram(heard(on_battery))] == ["ups.input.lost"]


@pytest.mark.parametrize(
    ("event", "condition", "opens"), [("ups.input.lost", "input", True), ("ups.input.restored", "input", False)]
)
def test_another_maker_s_ups_can_lose_its_input(event: str, condition: str, opens: bool) -> None:
    (told,) = translator({"match": {"trap": DOOR}, "event": event}).datagram(heard(DOOR))
    assert isinstance(told, ConditionOpens if opens else ConditionClears)
    assert (told.type, told.condition) == (event, condition)


def ask(site: Site, path: str, method: str = "GET") -> Any:
    with urlopen(Request(f"http://{site.api}{path}", method=method), timeout=20) as answer:
        return json.load(answer)


def rewrite(folder: Path, rules: Any) -> None:
    path = folder / "site.yaml"
    document = YAML(typ="safe", pure=True).load(path.read_text()) | {"rules": rules}
    with path.open("w") as stream:
        YAML().dump(document, stream)


def test_rules_are_read_again_while_traps_pour_in(tmp_path: Path) -> None:
    """By signal and by HTTP, a mistake in between; every trap becomes an event, of one rule or the other."""
    site = Site(tmp_path, {}, rules=[{"match": {"trap": DOOR}, "event": "door.first"}])
    count = 300
    try:
        words = ["snmptrap", "-v2c", "-c", "public", f"127.0.0.1:{site.trap}", "1", DOOR]
        loop = ["sh", "-c", f'for i in $(seq {count}); do "$@"; done', "traps", *words]
        sender = subprocess.Popen(loop)
        while len(ask(site, "/v1/events?last=1000")["events"]) < count // 10:  # the test's own timeout bounds this
            pass
        rewrite(tmp_path, [{"match": {"trap": DOOR}, "event": "door.second"}])
        site.process.send_signal(signal.SIGHUP)
        while ask(site, "/v1/events?last=1")["events"][0]["type"] != "door.second":
            pass
        rewrite(tmp_path, [{"match": {}, "event": "door.wrong"}])
        with pytest.raises(HTTPError) as caught:
            ask(site, "/v1/rules/reload", "POST")
        assert caught.value.code == 422
        assert "match asks for nothing" in caught.value.read().decode()
        site.process.send_signal(signal.SIGHUP)  # logged, and nothing else
        rewrite(
            tmp_path, [{"match": {"trap": DOOR}, "event": "door.third"}, {"match": {"trap": "1.3.*"}, "drop": True}]
        )
        assert ask(site, "/v1/rules/reload", "POST") == {"rules": 2, "need_restart": []}
        assert sender.wait() == 0
        tool(*words)
        while len(types := [event["type"] for event in ask(site, "/v1/events?limit=1000")["events"]]) < count + 1:
            pass
        assert types == sorted(types)  # first, second, third
        assert set(types) == {"door.first", "door.second", "door.third"}
    finally:
        stop(site.process)
