"""Platform events by the worked examples and published captures; SEL and SDR by pyghmi and round trips."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyghmi.ipmi.private import constants as ipmi_constants
from pyghmi.ipmi.sdr import SDREntry

from ridethrough.wire import pet, sdr, sel
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp import TrapV1, decode
from tests.support.vectors import vector

GUID = UUID("8f2a61d0-5b7c-11e9-b6f4-001122334455").bytes


def example(sequence: int, timestamp: int, severity: int, sensor: int, entity: tuple[int, int], data: str) -> pet.Pet:
    event_data = bytes.fromhex(data).ljust(8, b"\0")
    return pet.Pet(
        GUID, sequence, timestamp, 0, 0x20, 0x20, severity, 0x20, sensor, *entity, event_data, 0x19, 119, 0x4010
    )


# The worked examples, with the numbers that ipmi-pet of FreeIPMI decoded when they were made.
EXAMPLES = [
    (example(1, 0x35053370, 0x20, 6, (6, 1), "c104ff"), 2322177, "0100703305352020 06c104ff"),
    (example(2, 0x35053371, 0x20, 8, (0x20, 5), "31ff05"), 814849, "0200713305352020 0831ff05"),
    (example(3, 0x35053372, 0x20, 2, (3, 1), "5b6964"), 65803, "0300723305352020 025b6964"),
]


def test_the_worked_octets() -> None:
    message = decode(vector("pet-watchdog"))
    assert isinstance(message.pdu, TrapV1)
    assert message.pdu.varbinds[0].value == pet.encode(EXAMPLES[0][0])


@pytest.mark.parametrize(("event", "specific", "acknowledgement"), EXAMPLES)
def test_worked_examples(event: pet.Pet, specific: int, acknowledgement: str) -> None:
    assert pet.decode(pet.encode(event)) == event
    assert pet.acknowledge(event) == bytes.fromhex(acknowledgement)
    fields = pet.decode_specific(specific)
    assert fields is not None
    assert pet.encode_specific(fields) == specific
    assert fields.offset == event.event_data[0] & 0x0F


@pytest.mark.parametrize(
    ("name", "specific", "manufacturer", "severity"),
    [("pet-dell-intrusion", 356096, 674, 0x00), ("pet-ibm-ecc", 814848, 20301, 0x02)],
)
def test_published_captures(name: str, specific: int, manufacturer: int, severity: int) -> None:
    event = pet.decode(vector(name))
    assert (event.manufacturer_id, event.severity) == (manufacturer, severity)
    assert event.utc_offset == pet.UNSPECIFIED_UTC_OFFSET
    assert pet.encode(event) == vector(name)
    fields = pet.decode_specific(specific)
    assert fields is not None
    assert fields.event_type == 0x6F


def test_a_deassertion_is_the_assertion_plus_128() -> None:
    # 552705 and 552833: the second is also Dell's published number for "power supply failure cleared".
    assert pet.encode_specific(pet.Specific(8, 0x6F, False, 1)) == 552705
    assert pet.encode_specific(pet.Specific(8, 0x6F, True, 1)) == 552833


@pytest.mark.parametrize("number", [0, 1001, -1, 1 << 24, 0x236F71])
def test_numbers_of_test_traps_are_no_events(number: int) -> None:
    assert pet.decode_specific(number) is None


@given(st.binary(max_size=130))
def test_any_octets_give_an_event_or_the_one_error(data: bytes) -> None:
    try:
        event = pet.decode(data)
    except WireError:
        assert not 46 <= len(data) <= 110
        return
    assert event.guid == data[:16]


@given(st.integers(-(2**31), 2**31))
def test_specific_numbers_round_trip(number: int) -> None:
    fields = pet.decode_specific(number)
    assert fields is None or pet.encode_specific(fields) == number


records = st.builds(
    sel.SelRecord,
    st.integers(1, 0xFFFE),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFFFF),
    st.integers(0, 255),
    st.integers(0, 255),
    st.booleans(),
    st.integers(0, 127),
    st.binary(min_size=3, max_size=3),
)


@given(records)
def test_log_records_round_trip(record: sel.SelRecord) -> None:
    assert sel.decode(sel.encode(record)) == record


@given(st.binary(max_size=20))
def test_any_octets_give_a_record_or_the_one_error(data: bytes) -> None:
    try:
        assert sel.encode(sel.decode(data))[11:] == data[11:]
    except WireError:
        return


names = st.text("ABCDEFGHIJ abc123", min_size=1, max_size=16)
raw = st.one_of(st.none(), st.integers(0, 255))
threshold_sensors = st.builds(
    sdr.Sensor,
    st.integers(1, 254),
    names,
    st.integers(0, 255),
    st.integers(0, 127),
    st.integers(1, 255),
    st.just(sdr.THRESHOLD),
    st.sampled_from([0, 1, 4, 18]),  # units that pyghmi knows
    st.builds(sdr.Factors, st.integers(1, 511), st.integers(-512, 511), st.integers(-8, 7), st.integers(-8, 7)),
    st.builds(sdr.Thresholds, raw, raw, raw, raw, raw, raw),
    st.integers(0, 255),
    st.just(0),
    st.integers(0, 255),
)


@given(st.integers(1, 0xFFFE), threshold_sensors)
def test_full_records_round_trip(number: int, sensor: sdr.Sensor) -> None:
    assert sdr.decode(sdr.encode(number, sensor)) == (number, sensor)


@given(st.binary(max_size=70))
def test_any_octets_give_a_sensor_or_the_one_error(data: bytes) -> None:
    try:
        sdr.decode(data)
    except WireError:
        return


@given(threshold_sensors)
def test_pyghmi_reads_our_records(sensor: sdr.Sensor) -> None:
    entry = SDREntry(bytearray(sdr.encode(1, sensor)), ipmi_constants, reportunsupported=True)
    assert entry.sensor_number == sensor.number
    assert sensor.name.strip() in entry.name
    assert entry.decode_value(None, 100) == pytest.approx(sensor.factors.value(100), rel=1e-6, abs=1e-9)
