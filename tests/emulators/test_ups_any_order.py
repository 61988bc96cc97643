"""Any input, any SET and any wait, in any state and any order: what must hold of a card whatever happens."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ridethrough.emulators.bindings.inputs import InputError, NoEffectError
from ridethrough.emulators.devices.ups.controls import CONTROLS
from ridethrough.emulators.devices.ups.faults import FAULTS, MOMENTARY_FAULTS
from ridethrough.emulators.devices.ups.shutdown_modes import OutputStatus
from ridethrough.mibs import Oid, standard_tree
from ridethrough.wire.snmp import Kind, Message, Pdu, Tag, Value, VarBind, Version, decode, encode
from ridethrough.wire.snmp.codec import encode_varbind
from tests.emulators.rig import PLANT, Desk, profile_with

WITH_BYPASS = profile_with(Path(mkdtemp()), "smart-ups-1500-xlm", "bypass: true\n")
CARDS = [("smart-ups-1400-100v", 100), (WITH_BYPASS, 120), ("smart-ups-li-1000", 120), ("smart-ups-x-750", 230)]
# Instances that show one quantity, the second in units of so many of the first.
TWINS = [
    ("upsAdvBatteryCapacity.0", "upsEstimatedChargeRemaining.0", 1),
    ("upsAdvOutputLoad.0", "upsOutputPercentLoad.1", 1),
    ("upsHighPrecOutputCurrent.0", "upsOutputCurrent.1", 1),
    ("upsHighPrecBatteryActualVoltage.0", "upsBatteryVoltage.0", 1),
    ("upsAdvInputLineVoltage.0", "upsInputVoltage.1", 1),
    ("upsAdvOutputVoltage.0", "upsOutputVoltage.1", 1),
    ("upsBasicBatteryTimeOnBattery.0", "upsSecondsOnBattery.0", 100),
    ("upsAdvBatteryRunTimeRemaining.0", "upsEstimatedMinutesRemaining.0", 6000),
    ("upsAdvConfigLowBatteryRunTime.0", "upsConfigLowBattTime.0", 6000),
    ("upsAdvConfigLowTransferVolt.0", "upsConfigLowVoltageTransferPoint.0", 1),
    ("upsAdvConfigHighTransferVolt.0", "upsConfigHighVoltageTransferPoint.0", 1),
    ("upsBasicIdentName.0", "upsIdentName.0", 1),
]
PLAIN = [
    *("button_on", "button_off", "battery_bad", "battery_replaced", "link_down", "link_up", "mute", "unmute"),
    *("freeze", "thaw", "firmware_lost", "firmware_restored", "clock_reset", "restart", "unbypass", "smooth"),
]
ARGUMENTS = {
    "charge": st.integers(0, 100),
    "packs": st.integers(0, 3),
    "age": st.integers(0, 6),
    "ambient": st.integers(-10, 60),
    "trouble": st.sampled_from(list(FAULTS)),
    "mend": st.sampled_from(list(FAULTS)),
    "incident": st.sampled_from(list(MOMENTARY_FAULTS)),
    "abnormal": st.integers(1, 32),
    "normal": st.integers(1, 32),
    "bypass": st.sampled_from(["switched", "hardware"]),
    "probe_out": st.sampled_from(["1", "2", "1.1"]),
    "probe_in": st.sampled_from(["1", "2", "1.1"]),
    "contact_fault": st.sampled_from(["1", "2"]),
    "contact_normal": st.sampled_from(["1", "2"]),
}
MAX_RUNS = 2000  # also in the long campaign, where everything else has ten times as many
TYPES: dict[Tag, type] = {Tag.OCTET_STRING: bytes, Tag.IP_ADDRESS: bytes, Tag.OBJECT_IDENTIFIER: Oid}


@lru_cache(maxsize=64)
def requests(oids: tuple[Oid, ...]) -> list[bytes]:
    """GETs of all instances, twenty at a time."""
    binds = [VarBind(oid, Tag.NULL, None) for oid in oids]
    pdus = [Pdu(Kind.GET, 77, 0, 0, tuple(binds[at : at + 20])) for at in range(0, len(binds), 20)]
    return [encode(Message(Version.V2C, b"public", pdu)) for pdu in pdus]


class AnyOrder(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.counters: dict[Oid, int] = {}
        self.tags: dict[Oid, int] = {}

    @initialize(card=st.sampled_from(CARDS))
    def begin(self, card: tuple[str, int]) -> None:
        profile, volts = card
        ups: dict[str, Any] = PLANT["ups"]["UPS1"] | {"profile": profile, "settings": {}}
        self.desk = Desk(PLANT | {"mains": {"city": {"volts": volts}}, "ups": {"UPS1": ups}})
        self.volts = volts
        writable = [row.oid for row in self.desk.view.instances if row.apply is not None]
        self.writable = writable

    @rule(control=st.sampled_from(CONTROLS), value=st.integers(1, 6))
    def command(self, control: str, value: int) -> None:
        self.desk.set_quietly(f"{control}.0", Tag.INTEGER, value)

    @rule(
        at=st.integers(0, 10_000),
        number=st.integers(-2, 70_000),
        text=st.binary(max_size=12),
        oid=st.sampled_from([Oid.parse(f"1.3.6.1.2.1.33.1.7.7.{arc}") for arc in range(1, 7)]),
    )
    def write(self, at: int, number: int, text: bytes, oid: Oid) -> None:
        row = self.desk.view.instances.get(self.writable[at % len(self.writable)])
        if row is None:
            return
        values: dict[Tag, Value] = {
            Tag.OCTET_STRING: text,
            Tag.IP_ADDRESS: (text + bytes(4))[:4],
            Tag.OBJECT_IDENTIFIER: oid,
            Tag.INTEGER: number,
        }
        value: Value = values.get(row.tag, max(number, 0))
        self.desk.ask(Kind.SET, VarBind(row.oid, row.tag, value))

    @rule(
        word=st.sampled_from(["on", "off", "sag 95", "swell 120", "sag 60", "swell 107", "noise", "quiet", "hertz 40"])
    )
    def line(self, word: str) -> None:
        name, *args = word.split()
        with suppress(NoEffectError):  # no noise without voltage
            self.desk.inject("city", name, *args)

    @rule(name=st.sampled_from(PLAIN))
    def press(self, name: str) -> None:
        self._inject(name)

    @rule(data=st.data(), name=st.sampled_from(sorted(ARGUMENTS)))
    def change(self, data: st.DataObject, name: str) -> None:
        self._inject(name, str(data.draw(ARGUMENTS[name])))

    @rule(probe=st.sampled_from(["1", "1.1"]), celsius=st.integers(-20, 80))
    def temperature(self, probe: str, celsius: int) -> None:
        self._inject("temperature", probe, str(celsius))

    def _inject(self, name: str, *args: str) -> None:
        try:
            self.desk.inject("UPS1", name, *args)
        except InputError as error:
            assert str(error)  # not every card has every part; the words say so

    @rule(seconds=st.floats(0.001, 5000))
    def wait(self, seconds: float) -> None:
        self.desk.at(self.desk.world.now / 1000 + seconds)

    @precondition(lambda self: self.desk.ups.on_battery and not self.desk.ups.diagnostics.active)
    @rule(seconds=st.floats(0.001, 600))
    def discharge(self, seconds: float) -> None:
        ups, before = self.desk.ups, self.desk.world.now
        load, lost, runtime_s = ups.load, ups.line.lost_since, ups.runtime_s(before)
        self.desk.at(before / 1000 + seconds)
        if ups.on_battery and ups.load == load and ups.line.lost_since == lost:
            assert ups.runtime_s(self.desk.world.now) <= runtime_s

    @invariant()
    def the_model_holds(self) -> None:
        desk, ups, now = self.desk, self.desk.ups, self.desk.world.now
        deadline = desk.world.next_deadline()
        assert deadline is None or deadline > now
        assert 0 <= ups.battery.charge.at(now) <= 1
        assert desk.server.snapshot(now)["supplies"] == [ups.output.volts >= 80]
        if not ups.output_on:
            assert ups.load_w == 0
            assert ups.output.volts == 0
        assert ups.status is not OutputStatus.ON_BATTERY or ups.on_battery
        desk.traps()  # each of which was made with the variables of its number

    @invariant()
    def the_card_holds(self) -> None:
        view, now = self.desk.view, self.desk.world.now
        shown: dict[str, Value] = {}
        for row in view.instances:
            value = row.get(view.source, now)
            assert issubclass(type(value), TYPES.get(row.tag, int)), row.oid
            encode_varbind(VarBind(row.oid, row.tag, value))
            assert self.tags.setdefault(row.oid, row.tag) == row.tag
            if row.tag is Tag.COUNTER32:
                assert isinstance(value, int)
                assert value >= self.counters.get(row.oid, 0)
                self.counters[row.oid] = value
            shown[standard_tree().label(row.oid)] = value
        self._check_twins(shown)

    @invariant()
    def the_agent_shows_what_is(self) -> None:
        """What the agent remembers of earlier answers is never older than the card."""
        view, world = self.desk.view, self.desk.world
        for datagram in requests(tuple(row.oid for row in view.instances)):
            answer = self.desk.agent.receive(datagram, "10.0.0.1", world.now)
            if answer is None:
                assert not view.engine.answering(world.now)
                return
            for bind in decode(answer).pdu.varbinds:
                row = view.instances.get(bind.oid)
                assert row is not None
                if row.tag is not Tag.COUNTER32:  # of which some count these very requests
                    assert bind.value == row.get(view.source, world.now), standard_tree().label(bind.oid)

    def _check_twins(self, shown: dict[str, Value]) -> None:
        for whole in [name for name in shown if name.startswith("upsAdv")]:
            precise = shown.get(whole.replace("upsAdv", "upsHighPrec"))
            if isinstance(precise, int) and "Total" not in whole:
                assert shown[whole] == precise // 10, whole
        for first, second, scale in TWINS:
            one, other = shown.get(first), shown.get(second)
            if isinstance(one, int) and isinstance(other, int):
                assert other == one // scale, (first, second)
            elif one is not None and other is not None:
                assert one == other
        flags = shown.get("upsBasicStateOutputState.0", b"0" * 64)
        assert flags == b"UNKNOWN" or (isinstance(flags, bytes) and len(flags) == 64)


@pytest.mark.timeout(3600)
def test_any_order() -> None:
    run_state_machine_as_test(
        AnyOrder, settings=settings(max_examples=min(settings().max_examples, MAX_RUNS), stateful_step_count=40)
    )
