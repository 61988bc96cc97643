"""Sensor data records, full and compact (IPMI 2.0 sections 43.1 and 43.2)."""

from __future__ import annotations

from typing import NamedTuple

from ridethrough.wire.errors import WireError

VERSION = 0x51
FULL = 0x01
COMPACT = 0x02
CONTROLLER = 0x12
THRESHOLD = 0x01  # event/reading type of threshold sensors
SENSOR_SPECIFIC = 0x6F


class Factors(NamedTuple):
    """y = (m * raw + b * 10^b_exp) * 10^r_exp (section 36.3)."""

    m: int = 1
    b: int = 0
    b_exp: int = 0
    r_exp: int = 0

    def value(self, raw: int) -> float:
        """Return a raw reading in the unit of the sensor."""
        return (self.m * raw + self.b * 10.0**self.b_exp) * 10.0**self.r_exp

    def raw(self, value: float) -> int:
        """The nearest octet, held at 0 and 255."""
        return max(0, min(255, round((value / 10.0**self.r_exp - self.b * 10.0**self.b_exp) / self.m)))


class Thresholds(NamedTuple):
    """Raw values; None where the sensor has no such threshold."""

    unr: int | None = None
    ucr: int | None = None
    unc: int | None = None
    lnr: int | None = None
    lcr: int | None = None
    lnc: int | None = None


class Sensor(NamedTuple):
    """A sensor as its record describes it. `factors` and `thresholds` matter only to threshold sensors."""

    number: int
    name: str
    entity_id: int
    entity_instance: int
    sensor_type: int
    event_type: int
    unit: int = 0  # table 43-15
    factors: Factors = Factors()
    thresholds: Thresholds = Thresholds()
    nominal: int = 0
    offsets: int = 0  # states a discrete sensor may show
    hysteresis: int = 1  # raw


def encode(record_id: int, sensor: Sensor) -> bytes:
    """A full record for threshold sensors, a compact one for the others."""
    body = _full(sensor) if sensor.event_type == THRESHOLD else _compact(sensor)
    kind = FULL if sensor.event_type == THRESHOLD else COMPACT
    return record_id.to_bytes(2, "little") + bytes((VERSION, kind, len(body))) + body


def encode_controller(record_id: int, name: str) -> bytes:
    """A record that says where the controller itself is (section 43.9)."""
    text = name.encode("latin-1")[:16]
    # The BMC's address on channel 0, no notices of power, every function but bridge, entity 6 (system management).
    body = bytes((0x20, 0x00, 0x00, 0x9F, 0, 0, 0, 6, 1, 0, 0xC0 | len(text))) + text
    return record_id.to_bytes(2, "little") + bytes((VERSION, CONTROLLER, len(body))) + body


def _key(sensor: Sensor) -> bytes:
    return bytes((0x20, 0x00, sensor.number, sensor.entity_id, sensor.entity_instance))


def _name(sensor: Sensor) -> bytes:
    text = sensor.name.encode("latin-1")[:16]
    return bytes((0xC0 | len(text),)) + text


def event_masks(thresholds: Thresholds) -> tuple[int, int]:
    """Events a sensor can assert (bits of table 42-2) and the readable thresholds (low six bits)."""
    events = readable = 0
    # Lower thresholds raise their "going low" event, upper ones "going high".
    rows = (
        (thresholds.lnc, 0, 0),
        (thresholds.lcr, 2, 1),
        (thresholds.lnr, 4, 2),
        (thresholds.unc, 7, 3),
        (thresholds.ucr, 9, 4),
        (thresholds.unr, 11, 5),
    )
    for value, event, bit in rows:
        if value is not None:
            events |= 1 << event
            readable |= 1 << bit
    return events, readable


def factors_octets(factors: Factors) -> bytes:
    """Six octets: M, tolerance, B, accuracy, accuracy, exponents (section 35.5)."""
    octets = (factors.m & 0xFF, (factors.m >> 8 & 3) << 6, factors.b & 0xFF, (factors.b >> 8 & 3) << 6, 0)
    return bytes((*octets, (factors.r_exp & 0xF) << 4 | factors.b_exp & 0xF))


def _full(sensor: Sensor) -> bytes:
    events, readable = event_masks(sensor.thresholds)
    factors = sensor.factors
    limits = bytes(value or 0 for value in sensor.thresholds)
    return (
        _key(sensor)
        # initialised and scanning; auto re-arm, hysteresis and thresholds readable and settable
        + bytes((0x7F, 0x40 | 0x20 | 0x08, sensor.sensor_type, THRESHOLD))
        + events.to_bytes(2, "little")
        + events.to_bytes(2, "little")
        + bytes((readable, readable))
        + bytes((0x00, sensor.unit, 0x00, 0x00))  # unsigned, base unit, no modifier, linear
        + factors_octets(factors)
        + bytes((0x01, sensor.nominal, 0, 0, 0xFF, 0x00))  # nominal reading given; analog range 0..255
        + limits
        + bytes((sensor.hysteresis, sensor.hysteresis, 0, 0, 0))
        + _name(sensor)
    )


def _compact(sensor: Sensor) -> bytes:
    mask = sensor.offsets.to_bytes(2, "little")
    return (
        _key(sensor)
        + bytes((0x67, 0x40, sensor.sensor_type, sensor.event_type))
        + mask * 3
        + bytes((0xC0, 0, 0))  # no analog reading
        + bytes((0x01, 0x00))  # one sensor, not shared
        + bytes((0, 0, 0, 0, 0, 0))
        + _name(sensor)
    )


def decode(data: bytes) -> tuple[int, Sensor]:
    """Record number and sensor of a full or compact record. Raises WireError."""
    if len(data) < 5 or len(data) != 5 + data[4]:
        raise WireError(min(len(data), 4), "the record length disagrees with its header")
    if data[3] not in (FULL, COMPACT):
        raise WireError(3, "the record is neither full (01h) nor compact (02h)")
    name_at = 47 if data[3] == FULL else 31
    if len(data) <= name_at or len(data) < name_at + 1 + (data[name_at] & 0x1F):
        raise WireError(min(len(data), name_at), "the record ends before its name does")
    name = data[name_at + 1 : name_at + 1 + (data[name_at] & 0x1F)].decode("latin-1")
    head = Sensor(data[7], name, data[8], data[9], data[12], data[13], data[21])
    record_id = int.from_bytes(data[:2], "little")
    if data[3] == COMPACT:
        return record_id, head._replace(offsets=int.from_bytes(data[18:20], "little"))
    readable = data[18]
    unr, ucr, unc, lnr, lcr, lnc = (
        value if readable >> bit & 1 else None for value, bit in zip(data[36:42], (5, 4, 3, 2, 1, 0), strict=True)
    )
    return record_id, head._replace(
        factors=Factors(
            _signed(data[24] | data[25] >> 6 << 8, 10),
            _signed(data[26] | data[27] >> 6 << 8, 10),
            _signed(data[29] & 0xF, 4),
            _signed(data[29] >> 4, 4),
        ),
        thresholds=Thresholds(unr, ucr, unc, lnr, lcr, lnc),
        nominal=data[31],
        hysteresis=data[42],
    )


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> bits - 1 else value
