"""Faults of a UPS that nothing in its physics brings about: one row each, with the traps and flags that show it.

`ridethrough inject UPS1 trouble charger` sets one, `ridethrough inject UPS1 mend charger` clears it.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple


class Effect(Enum):
    """The effect of a fault on the UPS, besides its traps and flags."""

    NONE = auto()
    NO_CHARGING = auto()
    NO_REGULATION = auto()
    NO_BATTERY = auto()
    ON_BATTERY = auto()  # the load moves to the battery although the line is good
    OUTPUT_OFF = auto()


class UpsFault(NamedTuple):
    """A fault with its traps. `flag` is its position in upsBasicStateOutputState, `abnormal` that in
    upsAdvStateAbnormalConditions; both count from 1, and 0 is none.
    """

    begins: int
    ends: int
    text: str
    flag: int = 0
    abnormal: int = 0
    effect: Effect = Effect.NONE
    bypass_only: bool = False
    number: int = 0  # carried by some of the traps


FAULTS: dict[str, UpsFault] = {
    "charger": UpsFault(51, 52, "the charger failed", 25, effect=Effect.NO_CHARGING),
    "regulator": UpsFault(55, 56, "the voltage regulation failed", 23, effect=Effect.NO_REGULATION),
    "output_voltage": UpsFault(49, 50, "the output voltage is out of range", 24, 22),
    "no_battery": UpsFault(80, 81, "no battery is installed", 33, 24, Effect.NO_BATTERY),
    "pack_link": UpsFault(26, 27, "the link to a battery pack is lost", 21),
    "internal_temperature": UpsFault(353, 354, "the inside is too warm", 45),
    "input_relay": UpsFault(502, 503, "the input relay of the power factor stage failed", 42),
    "inverter_temperature": UpsFault(504, 505, "the inverter is too warm"),
    "battery_voltage": UpsFault(506, 507, "the battery voltage is too high", abnormal=25),
    "eeprom": UpsFault(508, 509, "the settings memory failed"),
    "battery_sensor": UpsFault(600, 601, "the temperature sensor of the battery failed", 46),
    "soft_start": UpsFault(602, 603, "the battery bus did not start softly"),
    "short_circuit": UpsFault(604, 605, "the output is short-circuited", abnormal=31),
    "output_relay": UpsFault(606, 607, "the output relay failed", 42),
    "power_factor": UpsFault(608, 609, "the power factor stage failed", 49),
    "bus_voltage": UpsFault(610, 611, "the bus voltage is too high", 48),
    "inverter": UpsFault(612, 613, "the inverter failed"),
    "converter": UpsFault(614, 615, "the analog converter failed"),
    "logic_supply": UpsFault(616, 617, "the logic supply failed"),
    "imbalance": UpsFault(618, 619, "the transformer carries direct current", 37),
    "backfeed_relay": UpsFault(620, 621, "the backfeed relay failed", abnormal=28),
    "bypass_relay": UpsFault(622, 623, "the bypass relay failed", 43, bypass_only=True),
    "bypass_supply": UpsFault(24, 824, "the supply of the bypass failed", 15, bypass_only=True),
    "bypass_fan": UpsFault(25, 637, "the fan of the bypass failed", 16, bypass_only=True),
    "internal_link": UpsFault(730, 731, "the parts inside do not hear each other", 56),
    "critical": UpsFault(734, 735, "a critical condition", 50, number=1),
    "warning": UpsFault(736, 737, "a condition worth a warning", 60, number=2),
    "notice": UpsFault(738, 739, "a condition worth knowing", number=3),
    "no_firmware": UpsFault(762, 763, "there is no valid firmware"),
    "display_button": UpsFault(767, 768, "a button of the display failed"),
    "factory_setup": UpsFault(769, 770, "the unit lacks its factory set-up"),
    "epo": UpsFault(771, 772, "the emergency power off is active", 53, 29, Effect.OUTPUT_OFF),
    "firmware_mismatch": UpsFault(773, 774, "parts of the firmware do not match"),
    "oscillator": UpsFault(775, 776, "the oscillator failed"),
    "transfer": UpsFault(777, 778, "on battery because of a fault inside", effect=Effect.ON_BATTERY),
    "contact_relay": UpsFault(802, 803, "the contact board failed"),
    "air_filter": UpsFault(804, 805, "the air filter needs attention"),
    "pack_incompatible": UpsFault(806, 807, "a battery pack does not fit this model"),
    "input_contact": UpsFault(808, 809, "an input contact is abnormal"),
    "relay_contact": UpsFault(810, 811, "an output relay is abnormal"),
    "breaker": UpsFault(822, 823, "the breaker Q2 is open"),
}

# Events without duration: word of `inject` to trap and text.
MOMENTARY_FAULTS: dict[str, tuple[int, str]] = {
    "dip_switch": (16, "a DIP switch was moved"),
    "status_change": (79, "the state changed"),
    "general_event": (125, "something happened"),
    "processor_reset": (355, "the processor started anew"),
    "output_switch_closed": (356, "the output switch was closed"),
    "output_switch_opened": (357, "the output switch was opened"),
    "calibration_changed": (358, "a calibration value was changed"),
    "epo_pressed": (723, "the emergency power off was pressed"),
    "firmware_started": (758, "an update of the firmware has begun"),
    "firmware_finished": (759, "the update of the firmware has ended"),
    "firmware_succeeded": (760, "the update of the firmware succeeded"),
    "firmware_failed": (761, "the update of the firmware failed"),
}
