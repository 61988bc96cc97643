"""A datagram field by field."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridethrough.gateway.decode.fields import fields
from ridethrough.gateway.status import RecordField
from ridethrough.mibs import standard_tree
from tests.support.vectors import vector

TREE = standard_tree()


def told(data: bytes) -> dict[str, str]:
    return {field.name: field.value for field in fields(data, TREE)}


def test_a_version_1_trap_of_net_snmp() -> None:
    found = told(vector("net-snmp-trap-v1"))
    assert found["version"] == "0 (version 1)"
    assert found["community"] == "public"
    assert set(found) >= {
        "enterprise",
        "agent-addr",
        "generic-trap",
        "specific-trap",
        "time-stamp",
        "variable-bindings",
    }
    assert found["generic-trap"] == "6"


@pytest.mark.parametrize("name", ["net-snmp-trap-v2c", "net-snmp-inform-v2c", "net-snmp-get-v1", "net-snmp-bulk-v2c"])
def test_every_octet_is_accounted_for(name: str) -> None:
    data = vector(name)
    rows = fields(data, TREE)
    assert rows[0] == RecordField(0, len(data), 0, "message", "SEQUENCE", "")
    leaves = [row for at, row in enumerate(rows) if at + 1 == len(rows) or rows[at + 1].depth <= row.depth]
    assert all(before.at + before.octets <= after.at for before, after in itertools.pairwise(leaves))
    assert leaves[-1].at + leaves[-1].octets == len(data)
    assert told(data)["community"] == "public"


def test_names_of_objects_are_told() -> None:
    values = [row.value for row in fields(vector("net-snmp-trap-v2c"), TREE)]
    assert any(value.endswith("(sysUpTime.0)") for value in values)
    assert any(value.endswith("(snmpTrapOID.0)") for value in values)


def test_what_is_cut_off_names_the_rule_and_the_octet() -> None:
    data = vector("net-snmp-trap-v1")[:-1]
    last = fields(data, TREE)[-1]
    assert (last.name, last.at) == ("unreadable", 1)
    assert "longer than what encloses it" in last.value


@given(st.binary(max_size=200))
def test_any_octets_give_fields(data: bytes) -> None:
    for row in fields(data, TREE):
        assert 0 <= row.at <= len(data)


@given(st.integers(0, 60), st.binary(max_size=5))
def test_a_deep_nest_ends(depth: int, inside: bytes) -> None:
    data = inside
    for _ in range(depth):
        data = bytes((0x30, len(data))) + data if len(data) < 128 else data
    assert fields(data, TREE) or not data
