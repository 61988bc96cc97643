"""Rules of `check` about cards and addresses: what the emulated card and the documents' arithmetic say about them."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridethrough.emulators.bindings.snmp import Access
from ridethrough.emulators.build import build
from ridethrough.emulators.devices.ups import EmulatedUps
from ridethrough.rigs.checks import RULES
from tests.support.rule_rigs import broken, document, rig

ROW = st.fixed_dictionaries(
    {
        "community": st.sampled_from(["public", "other"]),
        "manager": st.sampled_from(["any", "127.0.21.1", "127.0.21.2", "127.0.21.255", "127.0.22.255"]),
        "type": st.sampled_from(["read", "write", "write+", "disabled"]),
    }
)


@given(st.lists(ROW, max_size=4), st.sampled_from([None, "public", "other", "third"]))
def test_rows_do_when_the_card_lets_its_askers_write(rows: list[dict[str, str]], community: str | None) -> None:
    groups = {name: {"policy": {"community": community}} for name in ("GROUP1", "GROUP2")}
    found = rig("nodes-2", {"ups": {"UPS2": {"access": rows}}, "groups": {"Cluster1": {"groups": groups}}})
    card = build(found, 0).devices["UPS2"]
    assert isinstance(card, EmulatedUps)
    writing = next((row["community"] for row in rows if row["type"].startswith("write")), "public")
    asked = (community or writing).encode()
    rights = [card.card.access(asked, address) for address in ("127.0.21.1", "127.0.21.2")]
    own = {rule.name for rule in RULES for keys, _ in rule.find(found) if keys[:2] == ("ups", "UPS2")}
    assert ("X35" in own or "X36" in own or "X34" in own) is any(right is not Access.WRITE for right in rights)
    assert ("X35" in own) is (Access.READ in rights)
    assert ("X34" in own) is (asked not in {row.community.encode() for row in card.card.rows})


@pytest.mark.parametrize("known", ["127.0.21.20", "127.0.21.117", "127.0.21.255"])
@pytest.mark.parametrize("ups", ["UPS1", "UPS2", "UPS3"])
def test_a_disk_knows_its_terminal_and_a_node_its_own_too(ups: str, known: str) -> None:
    needed = {"UPS1": {"127.0.21.117"}, "UPS2": {"127.0.21.117"}, "UPS3": {"127.0.21.117", "127.0.21.20"}}[ups]
    rows = [{"community": "public", "manager": known, "type": "write"}]
    there = needed if known == "127.0.21.255" else {known}
    assert ("X36" in broken(rig("003-a", {"ups": {ups: {"access": rows}}}))) is not (needed <= there)


@pytest.mark.parametrize(("known", "missing"), [(["127.0.22.1"], True), (["127.0.21.1", "127.0.22.1"], False)])
def test_the_row_has_the_address_from_which_a_server_asks(known: list[str], missing: bool) -> None:
    rows = [{"community": "public", "manager": address, "type": "write"} for address in known]
    patch = {"servers": {"server1": {"other_addresses": ["127.0.22.1"]}}, "ups": {"UPS1": {"access": rows}}}
    assert ("X36" in broken(rig("card", patch))) is missing


@pytest.mark.parametrize("generation", [True, False])
@pytest.mark.parametrize("authentication", [True, False])
def test_both_kinds_of_traps_are_enabled(generation: bool, authentication: bool) -> None:
    row = {"receiver": "127.0.0.1", "generation": generation, "authentication": authentication}
    good = {"receiver": "127.0.0.2"}
    found = broken(rig("card", {"ups": {"UPS1": {"traps": [good, row]}}}))
    assert ("X37" in found) is not (generation and authentication)


@pytest.mark.parametrize(("traps", "off"), [(None, False), ([], True), ([{"receiver": "127.0.0.1"}], False)])
def test_a_card_has_a_receiver(traps: Any, off: bool) -> None:
    assert ("X37" in broken(rig("card", {"ups": {"UPS1": {"traps": traps}}}))) is off


def test_cards_outside_the_tree_are_not_judged() -> None:
    assert not {"X34", "X35", "X36", "X37"} & broken(rig("hyper-v-um", {"ups": {"UPS1": {"access": [], "traps": []}}}))


@given(st.integers(min_value=0, max_value=2**24 - 2), st.integers(min_value=8, max_value=30), st.integers())
def test_the_address_is_the_broadcast_of_the_terminals(number: int, prefix: int, other: int) -> None:
    address = 127 * 2**24 + number
    mask = 2**32 - 2 ** (32 - prefix)
    broadcast = (address & mask) | (~mask & 2**32 - 1)  # 001 7.1
    given_address = broadcast ^ (other % 2) << other % 24
    patch = {
        "servers": {"server1": {"address": str(ip_address(address))}},
        "groups": {"group1": {"policy": {"address": str(ip_address(given_address))}}},
        "environment": {"netmask": str(ip_address(mask))},
    }
    assert ("X33" in broken(rig("card", patch))) is (given_address not in (broadcast, address))


@pytest.mark.parametrize(("terminals", "refused"), [(1, False), (2, True)])
def test_a_terminals_own_address_does_where_it_is_the_only_one(terminals: int, refused: bool) -> None:
    policy = {"policy": {"address": "127.0.21.1"}}
    second = (
        {"slot": "ct"}
        if terminals == len(document("nodes-2")["servers"])
        else {"slot": "lt", "ct": [], "lt": ["NODE2"]}
    )
    groups = {"Cluster1": {**policy, "groups": {"GROUP1": policy, "GROUP2": {**policy, **second}}}}
    assert ("X33" in broken(rig("nodes-2", {"groups": groups}))) is refused


@pytest.mark.parametrize(
    ("given", "mask", "refused"),
    [
        ("255.255.255.255", "255.255.255.0", False),
        ("127.0.21.255", "255.255.255.0", False),
        ("127.0.22.255", "255.255.255.0", False),  # of its other interface
        ("127.0.21.1", "255.255.255.0", True),
        ("127.0.21.255", "255.255.0.0", True),
        ("127.0.255.255", "255.255.0.0", False),
        ("127.0.21.3", "255.255.255.252", False),
    ],
)
def test_the_gui_of_a_server_has_a_broadcast_of_its_own_networks(given: str, mask: str, refused: bool) -> None:
    patch = {
        "servers": {"NODE1": {"other_addresses": ["127.0.22.1"]}},
        "environment": {"netmask": mask, "servers": {"NODE1": {"communication_ip": given}}},
    }
    assert ("X33" in broken(rig("nodes-2", patch))) is refused
