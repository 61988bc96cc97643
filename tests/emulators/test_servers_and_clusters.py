"""Servers with guests and jobs, clusters, hubs, I-UPSs and managers: any input in any order, and what must hold then."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ridethrough.emulators.bindings.device_types import LabDevice
from ridethrough.emulators.bindings.inputs import InputError
from ridethrough.emulators.build import build
from ridethrough.emulators.config.plant import Plant
from ridethrough.emulators.devices.cluster import Cluster
from ridethrough.emulators.devices.hub import Hub
from ridethrough.emulators.devices.server import Server
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.emulators.kernel.world import World
from ridethrough.wire.wol import mac_address

MAC = "00:00:4c:00:00:01"
PLANT = Plant.model_validate(
    {
        "rig": "r",
        "mains": {"city": {}, "other": {}},
        "servers": {
            "n1": {
                "power": ["city"],
                "address": "127.0.21.1",
                "order_s": 5,
                "guests": {"a": {"rank": 1}, "b": {"rank": 2}},
                "wake": {"mac": MAC},
            },
            "n2": {"power": ["other"], "address": "127.0.21.2", "ac_link": "off"},
            "n3": {"power": ["iups"], "address": "127.0.21.3"},
        },
        "disks": {"array": {"power": ["other"]}},
        "clusters": {"c": {"nodes": ["n1", "n2", "n3"], "disks": ["array"], "groups": {"g1": "n1", "g2": "n2"}}},
        "hubs": {"hub": {"power": "other", "serves": ["n1"]}},
        "intelligent_ups": {"iups": {"mains": "city", "hold_s": 300}},
    }
)
WORDS = [
    *(("city", word) for word in ("on", "off")),
    *(("other", word) for word in ("on", "off")),
    *((node, word) for node in ("n1", "n2", "n3") for word in ("shutdown", "reboot", "hang", "power_button")),
    *(("n1", f"guest_start {guest}") for guest in ("a", "b")),
    ("n1", "job backup 40"),
    *(("c", word) for word in ("stop", "shutdown", "reboot", "hang", "shutdown_node n2", "move g1 n2", "move g2 n3")),
    *(("iups", word) for word in ("off", "on", "switch local", "switch auto")),
    *(("hub", word) for word in ("break", "repair")),
]


def say(world: World[LabDevice], place: str, words: str) -> bool:
    name, *args = words.split()
    try:
        world.devices[place].inputs.apply(name, args, world.now)
    except InputError:
        return False
    world.settle()
    return True


def state(world: World[LabDevice], place: str) -> dict[str, Any]:
    shown: dict[str, Any] = world.devices[place].snapshot(world.now)
    return shown


def go(world: World[LabDevice], seconds: float) -> None:
    world.advance(Instant(world.now + round(seconds * 1000)))


@given(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from([0, 1, 7, 45, 130, 400])), max_size=30))
def test_any_input_in_any_order(steps: list[tuple[tuple[str, str], int]]) -> None:
    world = build(PLANT, 0)
    for (place, words), pause_s in steps:
        say(world, place, words)
        go(world, pause_s)
        cluster = state(world, "c")
        for node in ("n1", "n2", "n3"):
            server = state(world, node)
            if cluster["nodes"][node] in ("online", "waiting", "stopping", "stopped"):
                assert server["state"] in ("running", "shutting-down")
            if server["power"] == "off":
                assert server["jobs"] == []
                assert set(server.get("guests", {}).values()) <= {"off"}
            if server["power"] == "on":
                assert any(server["supplies"])
        assert set(cluster["running"]) <= {group for group, place in cluster["groups"].items() if place}
        assert all(cluster["nodes"][place] == "online" for place in cluster["running"].values())


@given(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from([0, 1, 7, 45, 130])), max_size=12))
def test_after_any_trouble_the_cluster_can_be_brought_back(steps: list[tuple[tuple[str, str], int]]) -> None:
    world = build(PLANT, 0)
    for (place, words), pause_s in steps:
        say(world, place, words)
        go(world, pause_s)
    for place, words in (("city", "off"), ("other", "off"), ("iups", "switch auto"), ("hub", "repair")):
        say(world, place, words)
    go(world, 1000)
    for place, words in (("other", "on"), ("city", "on"), ("iups", "on")):
        say(world, place, words)
        go(world, 100)
    say(world, "n2", "power_button")
    go(world, 300)
    cluster = state(world, "c")
    assert cluster["nodes"] == dict.fromkeys(("n1", "n2", "n3"), "online")


def test_a_node_that_starts_without_its_disk_waits_until_it_starts_again() -> None:
    world = build(PLANT, 0)
    say(world, "other", "off")
    say(world, "n1", "reboot")
    go(world, 300)
    assert state(world, "c")["nodes"]["n1"] == "waiting"
    say(world, "other", "on")
    go(world, 300)
    assert state(world, "c")["nodes"]["n1"] == "waiting"
    say(world, "n1", "reboot")
    go(world, 300)
    assert state(world, "c")["nodes"]["n1"] == "online"


def test_groups_of_a_node_that_leaves_in_order_move_and_those_of_a_dead_one_stay() -> None:
    world = build(PLANT, 0)
    say(world, "n1", "shutdown")
    go(world, 6)
    assert state(world, "c")["running"] == {"g1": "n2", "g2": "n2"}
    say(world, "n2", "hang")
    assert state(world, "c")["groups"] == {"g1": "n2", "g2": "n2"}
    assert state(world, "c")["running"] == {}
    assert not say(world, "c", "move g1 n1")
    assert say(world, "c", "move g1 n3")
    assert state(world, "c")["running"] == {"g1": "n3"}


def test_guests_stop_before_their_host_and_start_by_rank() -> None:
    world = build(PLANT, 0)
    say(world, "n1", "shutdown")
    go(world, 6)
    assert state(world, "n1")["guests"] == {"a": "running", "b": "stopping"}
    go(world, 20)
    assert state(world, "n1")["guests"] == {"a": "stopping", "b": "off"}
    go(world, 20)
    assert state(world, "n1")["state"] == "shutting-down"
    go(world, 60)
    assert state(world, "n1")["state"] == "off"


def test_a_magic_packet_wakes_the_server_it_names() -> None:
    world = build(PLANT, 0)
    server = world.devices["n1"]
    assert isinstance(server, Server)
    assert not server.wake(mac_address(MAC), world.now), "it runs"
    say(world, "n1", "shutdown")
    go(world, 200)
    assert not server.wake(mac_address("00:00:4c:00:00:02"), world.now)
    assert server.wake(mac_address(MAC), world.now)
    assert state(world, "n1")["state"] == "booting"


def test_a_hub_passes_nothing_without_power() -> None:
    world = build(PLANT, 0)
    hub = world.devices["hub"]
    assert isinstance(hub, Hub)
    seen = [hub.passes]
    for place, words in (("other", "off"), ("other", "on"), ("hub", "break"), ("hub", "repair")):
        say(world, place, words)
        seen.append(hub.passes)
    assert seen == [True, False, True, False, True]


def test_a_cluster_that_hangs_never_stops() -> None:
    world = build(PLANT, 0)
    cluster = world.devices["c"]
    assert isinstance(cluster, Cluster)
    say(world, "c", "hang")
    say(world, "c", "stop")
    go(world, 5000)
    assert state(world, "c")["state"] == "stopping"
