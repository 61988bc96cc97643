"""Turn a walk of a real card (snmprec) into a profile."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any, NamedTuple

from ridethrough.emulators.bindings.snmp import TAGS
from ridethrough.emulators.devices.ups.profile import Profile, Raw
from ridethrough.emulators.devices.ups.settings import SETTINGS
from ridethrough.emulators.devices.ups.snmp.objects import SETTING_INSTANCES
from ridethrough.emulators.devices.ups.snmp.readings import CARD_READINGS, READINGS
from ridethrough.mibs import Oid, standard_tree
from ridethrough.mibs.powernet import NORMAL
from ridethrough.wire.snmp import Tag, Value

# Where a recording is silent: choices that a profile may change.
RESTART_S = 15
UPTIME_STEP_TICKS = 10
MAX_MESSAGE = 2000
SETTING_STEP_S = 5
EXPONENT = 1.3
RECHARGE_S = 10_800
LOWEST_LOAD = 0.05
POWER_FACTOR = 0.68
DEFAULT_VOLT_AMPERES = 1000
# Factory settings of a UPS whose card shows none, written into the profile as `hidden`.
HIDDEN = {
    "upsAdvConfigAlarmTimer": 0,
    "upsAdvConfigMinReturnCapacity": 0,
    "upsAdvConfigLowBatteryRunTime": 12_000,
    "upsAdvConfigReturnDelay": 0,
    "upsAdvConfigShutoffDelay": 9_000,
    "upsAdvConfigSensitivity": 3,
    "upsAdvConfigBattExhaustThresh": 0,
    "upsAdvConfigUpsSleepTime": 0,
    "upsAdvConfigAlarm": 1,
    "upsAdvTestDiagnosticSchedule": 2,
}
WINDOW = {
    "upsAdvConfigHighTransferVolt": 1.1,
    "upsAdvConfigLowTransferVolt": 0.9,
    "upsAdvConfigRatedOutputVoltage": 1.0,
}  # parts of the rated voltage
NORMAL_SOURCE = next(n for n, name in standard_tree().named("upsOutputSource").enum.items() if name == "normal")
MINUTE_TICKS, SECOND_TICKS = 6000, 100
OUTPUT_CURRENT = "upsAdvOutputCurrent.0"
NOMINAL_VOLTS = (100, 120, 208, 230)
NOMINAL_HERTZ = (50, 60)
# Text of the permitted values: unit word to units of the object.
UNITS = {"Vac": 1, "percent": 1, "seconds": 100, "minutes": 6000}
KINDS = {
    Tag.INTEGER: "integer",
    Tag.OBJECT_IDENTIFIER: "oid",
    Tag.COUNTER32: "counter",
    Tag.GAUGE32: "gauge",
    Tag.TIME_TICKS: "ticks",
}


ENGINE = (Oid.parse("1.3.6.1.2.1.11"), Oid.parse("1.3.6.1.6.3"))


class RecordingError(ValueError):
    """A recording that cannot be read. One line with file and line."""


class Recorded(NamedTuple):
    """An instance of a recording, with its type on the wire."""

    oid: Oid
    tag: Tag
    value: Value


def read_snmprec(path: Path) -> list[Recorded]:
    """The lines `OID|TAG|VALUE` of a recording; NULL values are left out. Raises RecordingError."""
    rows: list[Recorded] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8 text'}") from error
    for number, line in enumerate(lines, start=1):
        if not line or line.startswith("#"):
            continue
        try:
            name, kind, text = line.split("|", 2)
            tag = Tag(int(kind.rstrip("x")))
            if tag is not Tag.NULL:
                rows.append(Recorded(Oid.parse(name), tag, _value(tag, text, hexadecimal=kind.endswith("x"))))
        except ValueError as error:
            raise RecordingError(f"{path}:{number}: expected OID|TAG|VALUE ({error})") from error
    if not rows:
        raise RecordingError(f"{path}: no recorded instances")
    return rows


def _value(tag: Tag, text: str, *, hexadecimal: bool) -> Value:
    if hexadecimal:
        return bytes.fromhex(text)
    if tag is Tag.OBJECT_IDENTIFIER:
        return Oid.parse(text)
    if tag is Tag.IP_ADDRESS:
        return bytes(int(part) for part in text.split("."))
    return text.encode() if tag is Tag.OCTET_STRING else int(text)


def profile_of(name: str, rows: list[Recorded], like: Profile | None = None) -> dict[str, Any]:
    """A profile document that answers exactly the recorded instances, each with its recorded type.

    What the model knows comes from the model (null in the document), settings and identity from the recording, and
    all else is a constant. Ratings and curve are worked out from the recorded values where they allow it. A partial
    recording can be filled up with what the profile `like` answers besides.
    """
    # Every card has the groups of its engine, with values of its own.
    rows = [row for row in rows if not any(subtree.covers(row.oid) for subtree in ENGINE)]
    recorded = {standard_tree().label(row.oid): row for row in rows}
    instances = {_label(row): _instance(row) for row in rows}
    if like is not None:
        absent = {
            label: constant.model_dump(exclude_none=True) if isinstance(constant, Raw) else constant
            for label, constant in like.instances.items()
        }
        instances = dict(sorted((absent | instances).items(), key=lambda item: _number_of(item[0])))
    if _number(recorded, OUTPUT_CURRENT, 1) == 0 and _number(recorded, "upsAdvOutputLoad.0", 0):
        instances[OUTPUT_CURRENT] = 0  # no current beside a load: this card does not measure it
    rating = _rating(recorded)
    chosen = {name: round(part * rating["volts"]) for name, part in WINDOW.items()} | HIDDEN
    hidden = {name: chosen[name] for name in SETTINGS if f"{name}.0" not in instances}
    permitted = _permitted(recorded, hidden)
    if like is not None:
        permitted |= {name: list(values) for name, values in like.permitted.items() if f"{name}.0" not in recorded}
    return {
        "profile": name,
        "card": {
            "restart_s": RESTART_S,
            "uptime_step_ticks": UPTIME_STEP_TICKS,
            "max_message": MAX_MESSAGE,
            "setting_step_s": SETTING_STEP_S,
            **_conventions(recorded),
        },
        "access": [
            {"community": "public", "manager": "any", "type": "read"},
            {"community": "private", "manager": "any", "type": "write"},
        ],
        "rating": rating,
        "battery": _battery(recorded),
        "permitted": permitted,
        **({"hidden": hidden} if hidden else {}),
        "instances": instances,
    }


def _number_of(label: str) -> Oid:
    if label[0].isdigit():
        return Oid.parse(label)
    name, _, index = label.partition(".")
    return standard_tree().named(name).oid.child(*(int(arc) for arc in index.split(".")))


def _conventions(recorded: dict[str, Recorded]) -> dict[str, int]:
    """Return deviations of the card from the usual, as far as the recording shows them."""
    conventions: dict[str, int] = {}
    source = _number(recorded, "upsOutputSource.0", NORMAL_SOURCE)
    if source != NORMAL_SOURCE and _number(recorded, "upsBasicOutputStatus.0", NORMAL) == NORMAL:
        conventions["online_source"] = int(source)
    runtime = _number(recorded, "upsAdvBatteryRunTimeRemaining.0", MINUTE_TICKS)
    if runtime % MINUTE_TICKS:
        conventions["runtime_step_ticks"] = SECOND_TICKS
    return conventions


def _known(row: Recorded) -> bool:
    """Return True when our MIB texts name the instance and give it the type it was recorded with."""
    found = standard_tree().find(row.oid)
    return found is not None and TAGS.get(found[0].syntax) is row.tag and bool(found[1])


def _label(row: Recorded) -> str:
    return standard_tree().label(row.oid) if _known(row) else str(row.oid)


def _instance(row: Recorded) -> Any:
    label = _label(row)
    live = READINGS.get(label) or CARD_READINGS.get(label)
    if live is not None and not live.initial_from_profile:
        return None
    if label in SETTING_INSTANCES and label != f"{SETTING_INSTANCES[label][0]}.0":
        return None  # a second view of a setting
    if label.partition(".")[0] in ("receiverAddr", "communityString", "acceptThisReceiver"):
        return None
    plain = _plain(row)
    if _known(row) and not isinstance(plain, dict):
        return plain
    return plain if isinstance(plain, dict) else {KINDS.get(row.tag, "string"): plain}


def _plain(row: Recorded) -> Any:
    """The value as a profile writes it: a number, a text, or a typed mapping where a text would lose something."""
    if isinstance(row.value, Oid):
        return str(row.value)
    if isinstance(row.value, bytes):
        if row.tag is Tag.IP_ADDRESS:
            address = ".".join(map(str, row.value))
            return address if _known(row) else {"address": address}
        try:
            return row.value.decode("ascii")
        except UnicodeDecodeError:
            return {"hex": row.value.hex()}
    return row.value


def _number(recorded: dict[str, Recorded], label: str, default: float) -> float:
    row = recorded.get(label)
    return float(row.value) if row is not None and isinstance(row.value, int) else default


def _rating(recorded: dict[str, Recorded]) -> dict[str, int]:
    shown = _number(recorded, "upsAdvOutputVoltage.0", _number(recorded, "upsHighPrecOutputVoltage.0", 1000) / 10)
    nominal = min(NOMINAL_VOLTS, key=lambda volts: abs(volts - shown))
    volts = int(_number(recorded, "upsAdvConfigRatedOutputVoltage.0", nominal))
    measured = _number(recorded, "upsAdvInputFrequency.0", _number(recorded, "upsHighPrecInputFrequency.0", 500) / 10)
    hertz = min(NOMINAL_HERTZ, key=lambda hertz: abs(hertz - measured))
    model = recorded.get("upsBasicIdentModel.0")
    digits = re.search(rb"\d{3,5}", model.value) if model and isinstance(model.value, bytes) else None
    volt_amperes = int(digits.group()) if digits else DEFAULT_VOLT_AMPERES
    load = _number(recorded, "upsHighPrecOutputLoad.0", 0) / 1000
    power = shown * _number(recorded, "upsHighPrecOutputCurrent.0", 0) / 10
    watts = round(power / load) if load and power else round(volt_amperes * POWER_FACTOR)
    return {"volt_amperes": volt_amperes, "watts": watts, "volts": volts, "hertz": hertz}


def _battery(recorded: dict[str, Recorded]) -> dict[str, float]:
    runtime_s = _number(recorded, "upsAdvBatteryRunTimeRemaining.0", 60_000) / 100
    percent = _number(recorded, "upsHighPrecOutputLoad.0", 10 * _number(recorded, "upsAdvOutputLoad.0", 20)) / 10
    load = max(LOWEST_LOAD, percent / 100)
    celsius = _number(recorded, "upsHighPrecBatteryTemperature.0", 0) / 10
    battery: dict[str, float] = {
        "full_load_runtime_s": max(1, round(runtime_s * math.pow(load, EXPONENT))),
        "exponent": EXPONENT,
        "lowest_load": LOWEST_LOAD,
        "recharge_s": RECHARGE_S,
        "celsius": celsius or _number(recorded, "upsAdvBatteryTemperature.0", 25),
        "low_input_fraction": 0.4,
    }
    whole_volts = _number(recorded, "upsAdvBatteryActualVoltage.0", 0)
    if volts := _number(recorded, "upsHighPrecBatteryActualVoltage.0", 10 * whole_volts) / 10:
        battery["float_volts"] = volts
    return battery


def _permitted(recorded: dict[str, Recorded], hidden: dict[str, int]) -> dict[str, list[int]]:
    """Permitted values, from the card's own table of them where it has one, else the recorded value alone."""
    listed = [name for name, row in SETTINGS.items() if row.is_listed]
    permitted: dict[str, list[int]] = {"upsAdvConfigSensitivity": [2, 3, 4]}
    for index in range(1, 32):
        field = recorded.get(f"apcUpsConfigFieldOID.{index}")
        allowed = recorded.get(f"apcUpsConfigFieldValueRange.{index}")
        if field is None or allowed is None or not isinstance(field.value, Oid) or not isinstance(allowed.value, bytes):
            continue
        name = standard_tree().label(field.value)
        *numbers, unit = re.findall(r"\d+|[A-Za-z]+", allowed.value.decode("latin-1")) or [""]
        if name in listed and unit in UNITS:
            permitted[name] = [int(number) * UNITS[unit] for number in numbers]
    for name in listed:
        permitted.setdefault(name, [int(_number(recorded, f"{name}.0", hidden.get(name, 0)))])
    return permitted
