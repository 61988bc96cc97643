from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ridethrough.gateway.decode import decode_datagram, decode_observation
from ridethrough.gateway.records import (
    Arrival,
    ConditionClears,
    ConditionOpens,
    Damage,
    DatagramsLost,
    JournalDamage,
    Notification,
    Observation,
    Occurrence,
    Readings,
    RecordKind,
    Recovery,
    RecoveryStep,
    RefusedDatagram,
    Severity,
    Silence,
    Undecodable,
    encode_json,
)
from ridethrough.gateway.translate import Inventory, KnownDevice, Translator
from ridethrough.gateway.translate.platform import MEANINGS, NoticeClass
from ridethrough.gateway.translate.readings import FACTS
from ridethrough.gateway.translate.translator import BY_CONDITION
from ridethrough.gateway.translate.trap_rules import RULES
from ridethrough.gateway.vocabulary import Condition, EventType
from ridethrough.mibs import Oid, standard_tree
from tests.support.vectors import vector

UPS = KnownDevice("UPS1", "ups", "127.0.1.1")
BMC = KnownDevice("server1.bmc", "bmc", "127.0.11.1", "server1", {"127.0.21.1:162": ("mrw1",)})
TRANSLATOR = Translator(Inventory([UPS, BMC]))
TREE = standard_tree()
PUBLIC = frozenset({b"public"})


def arrival(data: bytes, source: str = "127.0.1.1", listener: str = "127.0.0.1:162") -> Arrival:
    return Arrival(0, RecordKind.DATAGRAM, data, listener, source, 999)


def notice(source: str, listener: str = "127.0.0.1:162", name: str = "net-snmp-trap-v1") -> Notification:
    value = decode_datagram(arrival(vector(name), source, listener), TREE, PUBLIC).value
    assert isinstance(value, Notification)
    return value


def test_a_trap_with_its_names_and_units() -> None:
    value = notice("127.0.1.1")
    assert (value.trap_name, value.version, value.agent, value.uptime_ticks) == (
        "upsOnBattery",
        "v1",
        "127.0.1.1",
        360000,
    )
    assert [(item.name, item.value) for item in value.variables] == [("mtrapargsString.0", "UPS: On battery power")]
    (signal,) = TRANSLATOR.datagram(value)
    assert isinstance(signal, ConditionOpens)
    assert (signal.type, signal.device, signal.condition) == (EventType.INPUT_LOST, "UPS1", "input")


def test_the_sender_is_known_by_its_source_or_by_the_agent_address() -> None:
    assert TRANSLATOR.datagram(notice("127.0.1.1"))[0].device == "UPS1"
    assert TRANSLATOR.datagram(notice("10.9.9.9"))[0].device == "UPS1"  # behind NAT: agent-addr names it
    stranger = Translator(Inventory([])).datagram(notice("10.9.9.9"))
    assert stranger[0].device == "10.9.9.9"
    assert isinstance(stranger[0], Occurrence)  # strangers leave no state behind


def test_an_inform_waits_for_an_acknowledgement() -> None:
    decoded = decode_datagram(arrival(vector("net-snmp-inform-v2c")), TREE, PUBLIC)
    assert decoded.ack is not None
    assert isinstance(decoded.value, Notification)
    assert decoded.value.inform
    assert decode_datagram(arrival(vector("net-snmp-trap-v2c")), TREE, PUBLIC).ack is None


def test_what_is_not_taken_has_a_reason() -> None:
    other = decode_datagram(arrival(vector("net-snmp-trap-v1")), TREE, frozenset({b"x"}))
    assert other.value == RefusedDatagram("127.0.1.1", "community", "127.0.0.1:162")
    assert decode_datagram(arrival(vector("net-snmp-get-v1")), TREE, PUBLIC).value == RefusedDatagram(
        "127.0.1.1", "no_notification", "127.0.0.1:162"
    )
    (signal,) = TRANSLATOR.datagram(RefusedDatagram("127.0.1.1", "wrong_digests", answered=True))
    assert (signal.type, signal.device, signal.text) == (
        "security.refused",
        "UPS1",
        "a datagram from 127.0.1.1 is not taken: wrong digests",
    )
    # A sender of informs that learns our time is no incident; an old message, for which there is no report, is one.
    assert TRANSLATOR.datagram(RefusedDatagram("127.0.1.1", "not_in_time_windows", answered=True)) == []
    assert TRANSLATOR.datagram(RefusedDatagram("127.0.1.1", "not_in_time_windows"))


def test_what_cannot_be_read_is_an_event() -> None:
    decoded = decode_datagram(arrival(b"\x30\x80"), TREE, PUBLIC)
    assert isinstance(decoded.value, Undecodable)
    (signal,) = TRANSLATOR.datagram(decoded.value)
    assert signal.type == EventType.TRAP_UNDECODABLE
    assert "indefinite" in signal.text


def test_a_platform_event_is_a_notice_only_at_the_keyword_of_its_server() -> None:
    (signal,) = TRANSLATOR.datagram(notice("127.0.11.1", "127.0.21.1:162", "pet-watchdog"))
    assert (signal.type, signal.device, signal.severity) == (
        EventType.BMC_NOTICE,
        "server1.bmc",
        Severity.CRITICAL,
    )
    assert signal.data["server"] == "server1"
    assert signal.data["category"] == "BMCNOTICE"
    assert signal.data["monitors"] == ["mrw1"]
    assert signal.data["class"] == "fatal"
    assert signal.data["incident"] == 1
    assert signal.data["bmc_time_s"] == 1773146096
    (elsewhere,) = TRANSLATOR.datagram(notice("127.0.11.1", "127.0.0.1:162", "pet-watchdog"))
    assert elsewhere.type == EventType.BMC_EVENT
    (unknown,) = TRANSLATOR.datagram(notice("10.0.0.1", "127.0.21.1:162", "pet-watchdog"))
    assert unknown.type == EventType.BMC_EVENT


def test_every_trap_of_our_texts_has_a_rule() -> None:
    ours = {str(item.oid) for item in TREE if item.notification}
    without = ours - set(RULES)
    assert {TREE.label(Oid.parse(oid)) for oid in without} == {"linkDown", "linkUp"}
    assert set(RULES) <= ours


def test_the_table_stands_by_mib_and_number_and_names_each_trap_once() -> None:
    rows = [TREE.get(Oid.parse(oid)) for oid in RULES]
    modules = ["PowerNet-MIB", "UPS-MIB", "SNMPv2-MIB"]
    places = [(modules.index(row.module), row.oid) for row in rows if row is not None]
    assert places == sorted(places)
    text = (Path(__file__).parents[2] / "gateway/translate/trap_rules.csv").read_text()
    assert len(text.splitlines()) == 1 + len(RULES)


def test_conditions_are_opened_and_cleared_by_some_rule() -> None:
    for condition in {rule.condition for rule in RULES.values() if rule.condition}:
        assert (condition, True) in BY_CONDITION
        assert (condition, False) in BY_CONDITION
    assert set(FACTS) <= {condition for condition, _ in BY_CONDITION}


@pytest.mark.parametrize(
    ("offset", "type_"), [(2, "security.authentication_failure"), (3, "security.user_locked"), (0, "bmc.event")]
)
def test_what_a_session_audit_says_is_a_matter_of_security(offset: int, type_: str) -> None:
    value = notice("127.0.11.1", "127.0.0.1:162", "pet-watchdog")
    assert value.platform is not None
    platform = msgspec.structs.replace(value.platform, sensor_type=0x2A, offset=offset)
    (signal,) = TRANSLATOR.datagram(msgspec.structs.replace(value, platform=platform))
    assert (signal.type, signal.device) == (type_, "server1.bmc")


def test_a_step_of_a_recovery_is_said_with_its_incident() -> None:
    step = Recovery(incident=7, started=True, node="server1", granted_s=120)
    (signal,) = TRANSLATOR.observation(RecoveryStep("server1.bmc", step))
    assert (signal.type, signal.data["incident"], signal.data["granted_s"]) == ("bmc.recovery.started", 7, 120)
    (signal,) = TRANSLATOR.observation(RecoveryStep("server1.bmc", Recovery(7, False, result="ok")))
    assert (signal.type, signal.data["result"]) == ("bmc.recovery.ended", "ok")


FOLDERS = ("gateway/correlate", "gateway/translate")


def test_every_word_of_the_vocabulary_is_used() -> None:
    root = Path(__file__).parents[2]
    source = "".join(path.read_text() for folder in FOLDERS for path in (root / folder).glob("*.py"))
    types = {rule.type.name for rule in RULES.values()} | set(re.findall(r"\bEventType\.([A-Z_]+)", source))
    assert types == set(EventType.__members__)
    conditions = {rule.condition for rule in RULES.values()}
    named = {item.name for item in Condition if item in conditions} | set(re.findall(r"\bCondition\.([A-Z_]+)", source))
    assert named == set(Condition.__members__)


def test_a_word_of_the_vocabulary_is_written_in_one_place() -> None:
    root = Path(__file__).parents[2]
    words = "|".join(re.escape(word) for word in EventType)
    for path in (path for folder in (*FOLDERS, "rigs/controllers") for path in (root / folder).rglob("*.py")):
        assert not re.findall(f'"(?:{words})"', path.read_text()), path


# The fatal events of the reference table.
@pytest.mark.parametrize("key", [(12, 0x6F, 1), (7, 0x6F, 0), (7, 0x6F, 1), (35, 0x6F, 1), (32, 0x6F, 1), (1, 1, 11)])
def test_fatal_platform_events(key: tuple[int, int, int]) -> None:
    assert MEANINGS[key].notice_class is NoticeClass.FATAL
    assert len(MEANINGS) == 66


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"upsBasicOutputStatus": 2}, {"input": False, "output": False}),
        ({"upsBasicOutputStatus": 3, "upsAdvInputLineFailCause": 4}, {"input": True, "output": False}),
        ({"upsBasicOutputStatus": 3, "upsAdvInputLineFailCause": 9}, {"output": False}),  # a self test is no outage
        ({"upsBasicOutputStatus": 11, "upsAdvInputLineVoltage": 0}, {"input": True, "output": True}),
        ({"upsBasicOutputStatus": 7, "upsAdvInputLineVoltage": 100}, {"input": False, "output": True}),
        ({"upsBasicOutputStatus": 1, "upsCommStatus": 2}, {"link": True}),
        ({"upsBasicBatteryStatus": 3}, {"battery": True}),
        ({"upsBasicBatteryStatus": 2, "upsBasicOutputStatus": 12}, {"battery": False, "input": False, "output": False}),
        ({}, {}),
    ],
)
def test_readings_say_facts(values: dict[str, int], said: dict[str, bool]) -> None:
    signals = TRANSLATOR.observation(Readings("UPS1", values))
    assert signals[0].type == EventType.CARD_FOUND
    changes = [signal for signal in signals[1:] if not isinstance(signal, Occurrence)]
    assert {signal.condition: isinstance(signal, ConditionOpens) for signal in changes} == said
    assert all(signal.baseline for signal in signals if isinstance(signal, ConditionClears))


def test_silence() -> None:
    assert [item.type for item in TRANSLATOR.observation(Silence("UPS1"))] == [EventType.CARD_LOST]
    assert [item.type for item in TRANSLATOR.observation(Silence("server1.bmc"))] == [EventType.HEARTBEAT_LOST]
    assert TRANSLATOR.observation(Silence("gone")) == []


def before(device: str, **said: Any) -> bytes:
    """An observation as journals of the version before `kind` have it: every field, in this order."""
    fields = {"silent": False, "values": {}, "recovery": None, "damage": None, "lost": 0}
    return encode_json({"device": device, **fields, **said})


STEP: dict[str, Any] = {"incident": 7, "started": True, "node": "s", "granted_s": 9, "result": "", "action": ""}
DAMAGE: dict[str, Any] = {"kept": "/x", "saved": 3, "lost": 1, "reason": "torn"}
OBSERVED: list[tuple[Observation, bytes]] = [
    (Readings("UPS1", {"upsCommStatus": 1}), before("UPS1", values={"upsCommStatus": 1})),
    (Readings("server1.bmc"), before("server1.bmc")),
    (Silence("UPS1"), before("UPS1", silent=True)),
    (RecoveryStep("server1.bmc", Recovery(**STEP)), before("server1.bmc", recovery=STEP)),
    (JournalDamage("journal", Damage(**DAMAGE)), before("journal", damage=DAMAGE)),
    (DatagramsLost("127.0.0.1:162", 4), before("127.0.0.1:162", lost=4)),
]


class ObservationBefore(msgspec.Struct):
    """What the version before `kind` reads."""

    device: str
    silent: bool = False
    values: dict[str, int] = {}
    recovery: Recovery | None = None
    damage: Damage | None = None
    lost: int = 0


@pytest.mark.parametrize(("value", "stored"), OBSERVED)
def test_observations_are_read_across_versions_either_way(value: Observation, stored: bytes) -> None:
    assert decode_observation(encode_json(value)) == value
    assert decode_observation(stored) == value
    assert encode_json(msgspec.json.decode(encode_json(value), type=ObservationBefore)) == stored


def test_what_is_no_observation_is_refused() -> None:
    for data in (b"", b"{}", b'{"device":1}', b'{"kind":"gossip"}', b"\xff"):
        with pytest.raises(msgspec.DecodeError):
            decode_observation(data)
