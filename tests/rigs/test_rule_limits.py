"""Rules of `check` on both sides of their limits, and against the plant where the plant can say who is right."""

from __future__ import annotations

from ipaddress import ip_address
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridethrough.emulators.bindings.snmp import Access
from ridethrough.emulators.build import build
from ridethrough.emulators.devices.ups import EmulatedUps
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.rigs.checks import RULES
from ridethrough.rigs.checks.outage_times import battery_s, off_s
from tests.support.rule_rigs import broken, document, rig

HEAVY = 880  # W at which a battery lasts less than the three times of 001 9.1 together


# --- times ----------------------------------------------------------------------------------------------------------


# 003 1.7.7(5) ②: the terminal's time is longer than 60 + 8 + 120 + 60 + 4x2 = 256 s. Its example B has 256 s do.
@pytest.mark.parametrize(("confirm_s", "short"), [(226, True), (255, True), (256, True), (257, False)])
def test_a_terminal_waits_longer_than_the_sum(confirm_s: int, short: bool) -> None:
    assert ("X09" in broken(rig("003-a", {"ups": {"UPS1": {"confirm_s": confirm_s}}}))) is short


@pytest.mark.parametrize("timeout_s", [60, 120, 300])
@pytest.mark.parametrize("linked_s", [40, 60, 100])
@pytest.mark.parametrize("nodes", [1, 2, 3, 4])
def test_every_term_of_the_sum_counts(timeout_s: int, linked_s: int, nodes: int) -> None:
    names = [f"CLUS{number}" for number in range(1, 5)]
    gone = {f"CLUSTER{number}": None for number in range(nodes + 1, 5)}
    patch = {
        "ups": {f"UPS{number}": {"confirm_s": linked_s} for number in range(3, 7)},
        "clusters": {"cluster": {"nodes": names}},
        "groups": {"電源制御2": {"groups": gone}},
        "controllers": [{"type": "esmpro_ac", "cluster_timeout_s": timeout_s}],
    }
    limit_s = linked_s + 8 + timeout_s + 60 + 2 * nodes
    for confirm_s, short in ((limit_s, True), (limit_s + 1, False)):
        assert ("X09" in broken(rig("003-a", patch, {"ups": {"UPS1": {"confirm_s": confirm_s}}}))) is short


@pytest.mark.parametrize("timeout_s", [60, 120])
@pytest.mark.parametrize(("over_s", "long"), [(-1, False), (0, False), (1, True)])
@pytest.mark.parametrize("sample", ["003-a", "003-b", "001-ssc", "nodes-2", "mirror", "intelligent"])
def test_a_cluster_stops_in_its_time(sample: str, timeout_s: int, over_s: int, long: bool) -> None:
    (name,) = document(sample)["clusters"]
    controllers = [{**item, "cluster_timeout_s": timeout_s} for item in document(sample)["controllers"]]
    patch = {"clusters": {name: {"shutdown_s": timeout_s + over_s}}, "controllers": controllers}
    assert ("X39" in broken(rig(sample, patch))) is long


@pytest.mark.parametrize(("over_s", "long"), [(-1, False), (0, True), (1, True)])
@pytest.mark.parametrize(
    ("sample", "server", "ups"),
    [
        ("003-a", "SERVER2", "UPS1"),
        ("003-a", "CLUS1", "UPS3"),
        ("c4", "SERVER3", "UPS1"),
        ("hyper-v-ac", "host1", "UPS2"),
        ("hyper-v-um", "host1", "UPS1"),
        ("mirror", "server2", "UPS2"),
    ],
)
def test_operating_systems_end_before_their_output(sample: str, server: str, ups: str, over_s: int, long: bool) -> None:
    guests_s = 20 if document(sample)["servers"][server].get("guests") else 0  # all of one rank
    limit_s = off_s(rig(sample), ups)
    patch = {"servers": {server: {"shutdown_s": limit_s - guests_s + over_s}}}
    assert ("X40" in broken(rig(sample, patch))) is long


def test_guests_of_several_ranks_stop_one_after_the_other() -> None:
    guests = {f"vm{number}": {"rank": number // 2, "shutdown_s": 10 * number} for number in range(2, 6)}
    for own_s, long in ((219, False), (220, True)):  # 30 of the lower rank, 50 of the higher
        patch = {"servers": {"host1": {"guests": {"vm1": None, **guests}, "shutdown_s": own_s}}}
        found = rig("hyper-v-ac", patch)
        assert ("X40" in broken(found)) is long
        world = build(found, 0)
        world.advance(Instant(0))
        world.settle()
        world.devices["host1"].inputs.apply("shutdown", [], world.now)
        world.settle()
        for second, off in ((own_s + 79, False), (own_s + 81, True)):
            world.advance(Instant(second * 1000))
            assert (world.devices["host1"].snapshot(world.now)["state"] == "off") is off


@pytest.mark.parametrize(("given_s", "taken_s"), [(None, 20), (20, 20), (21, 180), (180, 180), (301, 600), (999, 600)])
def test_the_time_is_the_one_that_the_ups_takes(given_s: int | None, taken_s: int) -> None:
    found = rig("card", {"ups": {"UPS1": {"settings": {"shutoff_delay_s": given_s}}}})
    assert off_s(found, "UPS1") == taken_s
    ups = build(found, 0).devices["UPS1"]
    assert isinstance(ups, EmulatedUps)
    assert ups.ups.settings.shutoff_delay_s == taken_s


@pytest.mark.parametrize("sample", ["003-a", "003-b", "001-ssc", "nodes-2", "c4", "mirror", "hyper-v-um"])
@pytest.mark.parametrize("watts", [0, 40, 200, 500, 880])
def test_a_battery_lasts_as_long_as_in_the_plant(sample: str, watts: int) -> None:
    servers = {name: {"load_w": watts} for name in document(sample)["servers"]}
    found = rig(sample, {"servers": servers})
    world = build(found, 0)
    world.advance(Instant(0))
    world.settle()
    for name in found.ups:
        device = world.devices[name]
        assert isinstance(device, EmulatedUps)
        assert battery_s(found, name) == pytest.approx(device.ups.runtime_s(world.now))


def test_a_server_on_two_supplies_loads_two_batteries() -> None:
    both = rig("003-a", {"servers": {"CLUS1": {"power": ["UPS3", "UPS4"], "load_w": 800}}})
    world = build(both, 0)
    world.advance(Instant(0))
    world.settle()
    for name in ("UPS3", "UPS4"):
        device = world.devices[name]
        assert isinstance(device, EmulatedUps)
        assert battery_s(both, name) == pytest.approx(device.ups.runtime_s(world.now))


@pytest.mark.parametrize(("over_s", "short"), [(-1, False), (0, False), (1, True)])
@pytest.mark.parametrize(
    ("sample", "ups"), [("003-a", "UPS3"), ("003-a", "UPS2"), ("nodes-2", "UPS1"), ("mirror", "UPS1")]
)
def test_a_battery_lasts_for_the_three_times(sample: str, ups: str, over_s: int, short: bool) -> None:
    found = rig(sample)
    limit_s = battery_s(found, ups) - 120 - off_s(found, ups)
    confirm: dict[str, Any] = {"ups": {ups: {"confirm_s": limit_s + over_s}}}
    if sample == "mirror":  # whose agents confirm by themselves
        confirm = {"controllers": [{**found.controllers[0].model_dump(), "confirm_s": limit_s + over_s}]}
    assert ("X38" in broken(rig(sample, confirm))) is short


def test_a_battery_without_a_cluster_is_not_judged() -> None:
    assert "X38" not in broken(rig("hyper-v-ac", {"servers": {"host1": {"load_w": HEAVY}}}))


# --- AC-LINK, and the mixed mode ------------------------------------------------------------------------------------


@pytest.mark.parametrize("ac_link", ["on", "last", "off"])
@pytest.mark.parametrize("power", [["UPS1"], ["street"], ["UPS1", "street"]])
def test_ac_link_concerns_servers_on_a_ups(ac_link: str, power: list[str]) -> None:
    patch = {"servers": {"SERVER3": {"power": power, "ac_link": ac_link}}}
    assert ("X27" in broken(rig("c1", patch))) is ("UPS1" in power and ac_link != "on")


def test_only_sigma_system_center_starts_hosts_without_ac_link() -> None:
    (ssc, ac) = document("hyper-v-ssc")["controllers"]
    assert "X27" not in broken(rig("hyper-v-ssc"))
    assert "X27" in broken(rig("hyper-v-ssc", {"controllers": [ssc, {**ac, "ssc": None, "hosts": []}]}))
    assert "X27" in broken(rig("intelligent", {"servers": {"server1": {"ac_link": "off"}}}))


@pytest.mark.parametrize("power", [["UPS1"], ["street"], ["street", "UPS1"]])
@pytest.mark.parametrize("option", ["enterprise", "advance"])
@pytest.mark.parametrize("wake", [None, False, True])
@pytest.mark.parametrize("server", ["SERVER1", "SERVER2", "SERVER3"])
def test_without_a_ups_there_is_the_advance_option_and_wake_on_lan(
    server: str, power: list[str], option: str, wake: bool | None
) -> None:
    awake = None if wake is None else {"mac": "00:00:4c:00:00:0b", "supported": wake}
    patch = {
        "servers": {server: {"power": power, "wake": awake}},
        "power_management": {"servers": {server: {"option": option}}},
    }
    found = broken(rig("c1", patch))
    assert ("X29" in found) is (power == ["street"] and option == "enterprise")
    assert ("X30" in found) is (power == ["street"] and wake is not True)


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("feeds", list(product(["UPS1", "street"], repeat=2)))
@pytest.mark.parametrize("options", list(product(["enterprise", "advance"], repeat=2)))
def test_each_server_of_the_mixed_mode_has_its_group(
    together: bool, feeds: tuple[str, str], options: tuple[str, str]
) -> None:
    one = {"slot": "ct", "pd": ["UPS1"], "ct": ["SERVER1"]}
    patch = {
        "groups": {"電源グループ1": {"groups": {"制御グループ1": one, "連動グループ1": None, "連動グループ2": None}}},
        "servers": {
            "SERVER1": {"power": [feeds[0]]},
            "SERVER2": {"power": [feeds[1]]},
            "SERVER3": None,
        },
        "power_management": {
            "servers": {f"SERVER{number}": {"option": option} for number, option in enumerate(options, 1)}
        },
    }
    inner = {"制御グループ1": {"lt": ["SERVER2"]}} if together else {"連動グループ1": {"slot": "lt", "lt": ["SERVER2"]}}
    found = broken(rig("c1", patch, {"groups": {"電源グループ1": {"groups": inner}}}))
    mixed = len(set(feeds)) > 1 or "advance" in options
    assert ("X28" in found) is (together and mixed)


# --- cards ----------------------------------------------------------------------------------------------------------

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
