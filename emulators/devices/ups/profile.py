"""Profiles: what distinguishes one model of UPS and card from another, as data."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Literal, NamedTuple, Self

from pydantic import Field, model_validator

from ridethrough.emulators.bindings.profile_files import ProfileError, names_in, read_profile
from ridethrough.emulators.bindings.snmp import admits
from ridethrough.emulators.config.base import RigModel
from ridethrough.mibs import standard_tree

FOLDER = resources.files("ridethrough.emulators.devices.ups") / "profiles"
GROUP_INDEX = "upsOutletGroupStatusIndex"


class CardProfile(RigModel):
    """The habits of a card and its times."""

    restart_s: float = Field(gt=0)
    uptime_step_ticks: int = Field(gt=0)
    max_message: int = Field(ge=484)
    setting_step_s: float = Field(ge=0)
    engine_prefix: str = Field(default="80000000", pattern=r"^[0-9a-f]{8}$")
    """First four octets of snmpEngineID: 80000000 on AOS 5, 8000013e on AOS 3."""
    runtime_step_ticks: int = Field(default=6000, gt=0)
    """Smallest step of the remaining runtime: minutes on serial models, seconds on later ones."""
    latency_s: float = Field(default=0, ge=0)
    """Time that an answer takes; up to `jitter_s` more. No recording has figures."""
    jitter_s: float = Field(default=0, ge=0)
    online_source: int = Field(default=3, ge=1, le=7)
    """upsOutputSource (RFC 1628) on line; AOS 5 shows none (2)."""
    clients_margin_s: float | None = Field(default=None, ge=0)
    """Time that a graceful order waits for its clients beyond the run time after LowBattery, on cards without
    upsAdvConfigMaxShutdownTime."""
    lenient_set: bool = False
    """Take a SET of an object without its `.0`, which real cards refuse and apcupsd sends."""
    logon_s: float = Field(default=180, gt=0)
    """Time after which a session at the web pages or the console ends without a key pressed."""
    inform_s: float = Field(default=5, gt=0)
    inform_retries: int = Field(default=3, ge=0)


class AccessRow(RigModel):
    """A row of the card's access table. `manager` is `any` or IPv4 with 255 for any octet."""

    community: str = Field(min_length=1, max_length=15)
    manager: str = Field(default="any", pattern=r"^(any|\d{1,3}(\.\d{1,3}){3})$")
    type: Literal["read", "write", "write+", "disabled"] = "read"

    def admits(self, manager: str) -> bool:
        """Return whether the row covers requests from `manager`."""
        return admits(self.manager, manager)


class Rating(RigModel):
    """The rated output."""

    volt_amperes: int
    watts: int
    volts: int
    hertz: int


class BatteryProfile(RigModel):
    """`runtime = full_load_runtime_s * load ** -exponent * charge`, with the load not under `lowest_load`."""

    full_load_runtime_s: float = Field(gt=0)
    exponent: float = Field(ge=1)
    lowest_load: float = Field(gt=0, le=1)
    recharge_s: float = Field(gt=0)
    celsius: float
    float_volts: float = Field(default=27.3, gt=0)
    low_input_fraction: float = Field(gt=0, lt=1)
    life_years: float = Field(default=4, gt=0)
    worn_capacity: float = Field(default=0.8, gt=0, le=1)
    """Share of the first capacity at the end of its life."""
    pack_capacity: float = Field(default=1, ge=0)
    """Capacity of an external pack, in parts of the battery inside."""
    over_celsius: float = 45
    rise_celsius: float = Field(default=6, ge=0)
    """Degrees by which a full load warms it in time; a smaller load warms it in proportion."""
    warming_s: float = Field(default=120, gt=0)
    """Time for one degree."""


class RegulationProfile(RigModel):
    """Automatic voltage regulation: shares of the rated voltage at which it acts, and what it makes of the line."""

    boost_below: float = Field(default=0.95, gt=0, lt=1)
    boost_gain: float = Field(default=1.12, gt=1)
    trim_above: float = Field(default=1.05, gt=1)
    trim_gain: float = Field(default=0.88, gt=0, lt=1)


class LineProfile(RigModel):
    """Limits beyond which the load moves to the battery, besides the transfer voltages."""

    large_spike: float = Field(default=1.25, gt=1)
    """In parts of the rated voltage."""
    frequency_window_hz: float = Field(default=3, gt=0)
    noise_sensitivity: int = Field(default=3, ge=1, le=4)
    """Lowest value of upsAdvConfigSensitivity at which a noisy line is not accepted."""


class DiagnosticsProfile(RigModel):
    """Times and limits of the tests the UPS makes of its battery."""

    self_test_s: float = Field(default=8, gt=0)
    simulated_failure_s: float = Field(default=10, gt=0)
    least_charge: float = Field(default=0.25, ge=0, le=1)
    """Charge under which a self test is not begun."""
    calibration_ends: float = Field(default=0.25, ge=0, lt=1)
    """Charge at which a calibration ends."""
    schedule_days: dict[int, int] = Field(default={2: 14, 3: 7, 6: 28, 7: 84, 8: 14, 9: 7, 10: 56, 11: 182, 12: 364})
    """Days between self tests by upsAdvTestDiagnosticSchedule; a value not listed tests at no fixed interval."""
    short_reboot_s: float = Field(default=8, gt=0)
    """Time for which the outlets stay off when they come back with or without input."""


class Raw(RigModel):
    """An instance that no MIB text of ours names: its type and its constant value. Exactly one key."""

    integer: int | None = None
    string: str | None = None
    hex: str | None = Field(default=None, pattern=r"^([0-9a-f]{2})*$")
    oid: str | None = Field(default=None, pattern=r"^\d+(\.\d+)+$")
    address: str | None = None
    counter: int | None = Field(default=None, ge=0)
    gauge: int | None = Field(default=None, ge=0)
    ticks: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(value is not None for value in self.__dict__.values()) != 1:
            raise ValueError(
                "a typed instance has exactly one of integer, string, hex, oid, address, counter, gauge, ticks"
            )
        return self


Constant = int | str | Raw | None


class LastTests(NamedTuple):
    """Results and dates, as the card writes them, of the last self test and the last calibration."""

    self_test: int
    self_test_date: str
    calibration: int
    calibration_date: str


class Profile(RigModel):
    """A model of UPS with its card. The key of an instance is its name with index, or its number."""

    profile: str
    card: CardProfile
    access: tuple[AccessRow, ...]
    rating: Rating
    battery: BatteryProfile
    regulation: RegulationProfile | None = RegulationProfile()
    line: LineProfile = LineProfile()
    bypass: bool = False
    diagnostics: DiagnosticsProfile = DiagnosticsProfile()
    permitted: dict[str, tuple[int, ...]]
    instances: dict[str, Constant]
    # Settings that the UPS has and its card does not show, such as after a partial recording.
    hidden: dict[str, int] = Field(default_factory=dict)

    # A profile is read once (`load_profile`); as a key of a cache it stands for itself, not for its thousand values.
    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return object.__hash__(self)

    @property
    def outlet_groups(self) -> list[int]:
        """The indexes of the outlet groups that the model has."""
        rows = (label.partition(".") for label in self.instances)
        return [int(index) for name, _, index in rows if name == GROUP_INDEX]

    @property
    def battery_packs(self) -> int:
        """The number of external packs at the recorded UPS."""
        return self.number("upsAdvBatteryNumOfBattPacks", 0)

    @property
    def last_tests(self) -> LastTests:
        """The results of the recorded UPS; good ones without a date where the recording has none."""
        return LastTests(
            self.number("upsAdvTestDiagnosticsResults", 1),
            self.text("upsAdvTestLastDiagnosticsDate"),
            self.number("upsAdvTestCalibrationResults", 1),
            self.text("upsAdvTestCalibrationDate"),
        )

    def setting(self, name: str) -> int:
        """The factory value of a setting. Raises ProfileError where neither `instances` nor `hidden` has it."""
        value = self.instances.get(f"{name}.0", self.hidden.get(name))
        if not isinstance(value, int):
            raise ProfileError(f"profile {self.profile}: no factory value of {name} in `instances` or `hidden`")
        return value

    def number(self, name: str, default: int) -> int:
        """The recorded value of `name`, or `default` where the recording has none."""
        value = self.instances.get(f"{name}.0")
        return value if isinstance(value, int) else default

    def text(self, name: str) -> str:
        """The text constant `name`, empty when the card does not have it."""
        value = self.instances.get(f"{name}.0")
        return value if isinstance(value, str) else ""


def profile_names() -> list[str]:
    """The profiles that come with Ridethrough."""
    return names_in(FOLDER)


@cache
def load_profile(name: str) -> Profile:
    """Read a profile: one that comes with Ridethrough, by its name, or a file, by its path. Raises ProfileError."""
    profile = read_profile(name, FOLDER, "UPS", Profile)
    _check_labels(name, profile)
    return profile


def _check_labels(name: str, profile: Profile) -> None:
    tree = standard_tree()
    for label, constant in profile.instances.items():
        if label[0].isdigit():
            if not isinstance(constant, Raw):
                raise ProfileError(f"profile {name}: {label} is a number, so its value needs a type, such as integer")
            continue
        try:
            tree.named(label.partition(".")[0])
        except KeyError:
            raise ProfileError(f"profile {name}: no MIB text defines {label}") from None
