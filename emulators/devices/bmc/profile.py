"""Profiles: what distinguishes one management controller from another, as data."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from ridethrough.emulators.bindings.profile_files import names_in, read_profile
from ridethrough.emulators.config.base import RigModel
from ridethrough.wire.sdr import SENSOR_SPECIFIC, THRESHOLD, Factors, Sensor, Thresholds

FOLDER = resources.files("ridethrough.emulators.devices.bmc") / "profiles"
LOCAL_PREFIX = bytes.fromhex("020000")
Octet = Annotated[int, Field(ge=0, le=255)]
Drive = Literal["fixed", "inlet", "processor", "fan", "watts"]


def _hexadecimal(value: object) -> object:
    return bytes.fromhex(value) if isinstance(value, str) else value


class Identity(RigModel):
    """Get Device ID (IPMI 2.0 section 20.1)."""

    device_id: Octet = 0x20
    revision: Octet = 0x01
    firmware: tuple[Annotated[int, Field(ge=0, le=127)], Annotated[int, Field(ge=0, le=99)]]
    """Major and minor revision."""
    support: Octet = 0x8F
    """Chassis device, FRU inventory, SEL, SDR repository, sensor device."""
    manufacturer: int = Field(ge=0, lt=1 << 24)
    """Enterprise number of IANA."""
    product: int = Field(ge=0, lt=1 << 16)
    mac_prefix: Annotated[bytes, BeforeValidator(_hexadecimal), Field(min_length=3, max_length=3)] = bytes.fromhex(
        "020000"
    )
    """First octets of the hardware address; locally administered, because no recording shows a real one."""


class SensorRow(RigModel):
    """A sensor. Thresholds, nominal reading and hysteresis are raw; `value` = (m x raw + b x 10^b_exp) x 10^r_exp."""

    number: Annotated[int, Field(ge=1, le=254)]
    name: str = Field(min_length=1, max_length=16)
    entity: tuple[Octet, Octet]
    type: Octet
    event: Octet = SENSOR_SPECIFIC
    unit: Octet = 0
    factors: tuple[int, int, int, int] = (1, 0, 0, 0)
    """m, b, b_exp, r_exp"""
    unr: Octet | None = None
    ucr: Octet | None = None
    unc: Octet | None = None
    lnr: Octet | None = None
    lcr: Octet | None = None
    lnc: Octet | None = None
    hysteresis: Octet = 1
    nominal: Octet = 0
    offsets: int = Field(default=0, ge=0, lt=1 << 15)
    """States that a discrete sensor may show, a bit each."""
    shown: int = Field(default=0, ge=0, lt=1 << 15)
    """States that it shows from the start."""
    drive: Drive = "fixed"
    """The quantity that moves the reading."""
    standby: bool = False
    """True if it can be read while the server is off."""

    def sensor(self) -> Sensor:
        """As its record says it."""
        limits = Thresholds(self.unr, self.ucr, self.unc, self.lnr, self.lcr, self.lnc)
        return Sensor(
            self.number,
            self.name,
            *self.entity,
            self.type,
            self.event,
            self.unit,
            Factors(*self.factors),
            limits,
            self.nominal,
            self.offsets,
            self.hysteresis,
        )


class Area(RigModel):
    """Fields of a FRU area in their order, then those of the maker's own."""

    fields: tuple[Annotated[str, Field(max_length=63)], ...]
    kind: Octet = 0
    """Chassis type (SMBIOS), only of the chassis area."""


class FruInventory(RigModel):
    """FRU 0: three areas, or the octets of a recording."""

    chassis: Area | None = None
    """Part number, serial number."""
    board: Area | None = None
    """Manufacturer, product, serial number, part number, FRU file."""
    product: Area | None = None
    """Manufacturer, product, part number, version, serial number, asset tag, FRU file."""
    octets: Annotated[bytes, BeforeValidator(_hexadecimal)] = b""


class BmcProfile(RigModel):
    """One model of controller."""

    profile: str
    identity: Identity
    suites: tuple[int, ...] = (3, 17)
    """Cipher suites that are on."""
    sessions: int = Field(default=32, ge=1, le=63)
    """Most sessions that may be open at once."""
    log_records: int = Field(default=512, ge=8, le=4096)
    start_s: float = Field(default=20, gt=0)
    """From standby power, or a cold reset, to the first answer."""
    sensors: tuple[SensorRow, ...]
    inventory: FruInventory
    nominal_w: float = Field(default=0, ge=0)
    """Load of the server at which the nominal readings hold."""
    log: tuple[Annotated[bytes, BeforeValidator(_hexadecimal), Field(min_length=16, max_length=16)], ...] = ()
    """Records that the log begins with, such as those of a recording."""

    def threshold_sensors(self) -> list[SensorRow]:
        """The rows of sensors that have readings and thresholds."""
        return [row for row in self.sensors if row.event == THRESHOLD]


def profile_names() -> list[str]:
    """The profiles that come with Ridethrough."""
    return names_in(FOLDER)


@cache
def load_profile(name: str) -> BmcProfile:
    """Read a profile: one that comes with Ridethrough, by its name, or a file, by its path. Raises ProfileError."""
    return read_profile(name, FOLDER, "BMC", BmcProfile)
