"""Server, power supplies, BMC and disk on one supply."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from ridethrough.emulators.config.plant import Plant
from ridethrough.emulators.config.sections import Sections
from ridethrough.emulators.device_types import DEVICE_TYPES
from tests.emulators.rig import PLANT, Desk


def with_policy(policy: str, supplies: int = 1) -> dict[str, Any]:
    server = PLANT["servers"]["server1"] | {"ac_link": policy, "power": ["UPS1", "city"][:supplies]}
    return PLANT | {"servers": {"server1": server}}


@pytest.mark.parametrize(
    ("policy", "before", "after"),
    [
        ("on", "on", "booting"),
        ("on", "off", "booting"),
        ("last", "on", "booting"),
        ("last", "off", "off"),
        ("off", "on", "off"),
    ],
)
def test_ac_link_decides_when_the_supply_returns(policy: str, before: str, after: str) -> None:
    desk = Desk(with_policy(policy))
    if before == "off":
        desk.command(0x00, 0x02, b"\x00")
    desk.inject("UPS1", "button_off")
    assert desk.power() == "off"
    desk.inject("UPS1", "button_on")
    assert desk.power() == after
    desk.at(120)
    assert desk.power() == ("running" if after == "booting" else "off")


@pytest.mark.parametrize(
    ("action", "steps"),
    [
        (0, [(0, "off")]),
        (2, [(0, "off"), (5, "booting"), (125, "running")]),
        (3, [(0, "booting"), (120, "running")]),
        (4, [(0, "hung")]),
        (5, [(0, "shutting-down"), (59.9, "shutting-down"), (60, "off")]),
    ],
)
def test_chassis_control_on_a_running_server(action: int, steps: list[tuple[float, str]]) -> None:
    desk = Desk()
    desk.at(1)
    assert desk.command(0x00, 0x02, bytes((action,)))[0] == 0
    for seconds, state in steps:
        desk.at(1 + seconds)
        assert desk.power() == state


def test_power_on_and_the_states_in_which_orders_are_refused() -> None:
    desk = Desk()
    desk.command(0x00, 0x02, b"\x00")
    assert desk.command(0x00, 0x01)[1][0] & 1 == 0
    assert desk.command(0x00, 0x02, b"\x02")[0] == 0xD5
    assert desk.command(0x00, 0x02, b"\x03")[0] == 0xD5
    assert desk.command(0x00, 0x02, b"\x07")[0] == 0xCC
    assert desk.command(0x00, 0x02, b"\x01")[0] == 0
    assert desk.power() == "booting"
    assert desk.command(0x00, 0x07)[1][0] == 1  # restart cause: chassis control
    assert desk.command(0x00, 0x01)[1][0] & 1 == 1


def test_the_bmc_dies_with_the_last_outlet_and_comes_back_after_its_start() -> None:
    desk = Desk()
    assert desk.bmc.answering(desk.world.now)
    generation = desk.bmc.lifecycle.generation
    desk.inject("UPS1", "button_off")
    assert not desk.bmc.answering(desk.world.now)
    assert desk.bmc.lifecycle.generation > generation
    desk.at(10)
    desk.inject("UPS1", "button_on")
    desk.at(29.9)
    assert not desk.bmc.answering(desk.world.now)
    desk.at(30)
    assert desk.bmc.answering(desk.world.now)


def test_one_of_two_supplies_may_fail() -> None:
    desk = Desk(with_policy("on", supplies=2))
    desk.inject("UPS1", "button_off")
    assert desk.power() == "running"
    assert desk.bmc.answering(desk.world.now)
    (trap,) = [item.trap for item in desk.bmc.outgoing]
    assert trap.specific_trap == 552707  # power supply input lost, asserted
    desk.bmc.outgoing.clear()
    desk.inject("UPS1", "button_on")
    (trap,) = [item.trap for item in desk.bmc.outgoing]
    assert trap.specific_trap == 552835


def test_a_disk_spins_up_after_its_supply_returns() -> None:
    plant = PLANT | {"disks": {"array1": {"power": ["UPS1"], "spin_up_s": 90}}}
    desk = Desk(plant)
    disk: Any = desk.world.devices["array1"]
    assert disk.snapshot(desk.world.now)["state"] == "ready"
    desk.inject("UPS1", "button_off")
    assert disk.snapshot(desk.world.now)["state"] == "off"
    desk.inject("UPS1", "button_on")
    desk.at(89.9)
    assert disk.snapshot(desk.world.now)["state"] == "spinning-up"
    desk.at(90)
    assert disk.ready.value


def test_every_device_of_a_plant_can_be_seen_and_touched() -> None:
    desk = Desk(PLANT | {"disks": {"array1": {"power": ["city"]}}})
    for name, device in desk.world.devices.items():
        place: Any = device
        assert place.kind, name
        assert place.snapshot(desk.world.now)["state"], name
        for word in place.inputs.help:
            assert place.inputs.help[word], (name, word)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ups": {"UPS1": {"mains": "town", "address": "127.0.1.1"}}}, "there is no 'town'; accepted: city"),
        ({"servers": {"s": {"power": ["UPS9"], "address": "127.0.0.1"}}}, "there is no 'UPS9'; accepted: city, UPS1"),
        ({"disks": {"UPS1": {"power": ["city"]}}}, "names must differ"),
    ],
)
def test_wiring_mistakes_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Plant.model_validate(PLANT | change)


def test_sections_that_other_code_reads_by_name_are_those_of_the_devices_folders() -> None:
    declared = {name: field.annotation for name, field in Sections.model_fields.items() if name not in ("rig", "seed")}
    for device_type in DEVICE_TYPES:
        annotation = declared.pop(device_type.key, None)
        assert annotation is None or device_type.config in get_args(annotation)
    assert not declared
    assert len({device_type.position for device_type in DEVICE_TYPES}) == len(DEVICE_TYPES)


def test_what_names_an_unknown_device_is_told_the_names_that_are_accepted() -> None:
    for path, message in [
        (("ups", "UPS1", "mains"), "ups.UPS1.mains: there is no 'nowhere'; accepted: city"),
        (("servers", "server1", "power"), "servers.server1.power: there is no 'nowhere'; accepted: city, UPS1"),
    ]:
        section, name, key = path
        wrong = ["nowhere/2"] if key == "power" else "nowhere"
        plant = PLANT | {section: {name: PLANT[section][name] | {key: wrong}}}
        with pytest.raises(ValidationError, match=message):
            Plant.model_validate(plant)
    hub = {"power": "city", "serves": ["server1.bmc", "server2"]}
    accepted = "accepted: UPS1, server1, server1.bmc"
    with pytest.raises(ValidationError, match=f"hubs.hub.serves: there is no 'server2'; {accepted}"):
        Plant.model_validate(PLANT | {"hubs": {"hub": hub}})
    twice = {"city": {"spin_up_s": 1, "power": ["city"]}}
    with pytest.raises(ValidationError, match="names must differ across the whole rig: city"):
        Plant.model_validate(PLANT | {"disks": twice})
