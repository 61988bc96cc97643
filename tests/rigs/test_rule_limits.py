"""Rules of `check` on both sides of their limits, and against the plant where the plant can say who is right."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from ridethrough.emulators.build import build
from ridethrough.emulators.devices.ups import EmulatedUps
from ridethrough.emulators.kernel.instant import Instant
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


@pytest.mark.parametrize(("over_s", "short"), [(-1, True), (0, False), (1, False)])
def test_the_battery_of_an_intelligent_ups_lasts_as_long(over_s: int, short: bool) -> None:
    (ac,) = document("intelligent")["controllers"]
    units = [{**unit, "confirm_s": 50} for unit in ac["intelligent"]]
    patch = {
        "intelligent_ups": {"IUPS2": {"hold_s": 50 + 120 + 130 + over_s, "off_delay_s": 130}},
        "controllers": [{**ac, "intelligent": units}],
    }
    assert ("X38" in broken(rig("intelligent", patch))) is short


@pytest.mark.parametrize("power", [["IUPS1"], ["IUPS2"], ["IUPS2", "IUPS1"], ["city"]])
@pytest.mark.parametrize("clustered", [True, False])
def test_each_server_of_a_cluster_has_its_intelligent_ups(clustered: bool, power: list[str]) -> None:
    patch: dict[str, Any] = {"servers": {"server2": {"power": power}}, **({} if clustered else {"clusters": None})}
    assert ("X46" in broken(rig("intelligent", patch))) is (clustered and "IUPS1" in power)


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
            "servers": {
                "SERVER3": None,
                **{f"SERVER{number}": {"option": option} for number, option in enumerate(options, 1)},
            }
        },
    }
    inner = {"制御グループ1": {"lt": ["SERVER2"]}} if together else {"連動グループ1": {"slot": "lt", "lt": ["SERVER2"]}}
    found = broken(rig("c1", patch, {"groups": {"電源グループ1": {"groups": inner}}}))
    mixed = len(set(feeds)) > 1 or "advance" in options
    assert ("X28" in found) is (together and mixed)
