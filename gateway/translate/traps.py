"""What each trap means. One row a trap; the platform events have a table of their own."""

from __future__ import annotations

from typing import NamedTuple

from ridethrough.gateway.records import Severity
from ridethrough.gateway.translate.fault_traps import rows
from ridethrough.gateway.vocabulary import EventType as E

APC = "1.3.6.1.4.1.318.0."
GENERIC = "1.3.6.1.6.3.1.1.5."
UPS_MIB = "1.3.6.1.2.1.33.2."  # RFC 1628

# Conditions a device can be in.
INPUT = "input"
BATTERY = "battery"
OUTPUT = "output"
OVERLOAD = "overload"
LINK = "link"
REPLACEMENT = "battery-replacement"
TEST = "self-test"
CALIBRATION = "calibration"
BOOST = "boost"
TRIM = "trim"
BYPASS = "bypass"
DISCHARGE = "battery-discharged"
TEMPERATURE = "battery-temperature"


class Rule(NamedTuple):
    """`condition` with `opens` or not (then it clears); without a condition every such trap is an event.

    A `baseline` rule says what is, not that it just happened: it clears what was open and else says nothing.
    """

    type: E
    severity: Severity
    text: str
    condition: str = ""
    opens: bool = False
    baseline: bool = False


RULES: dict[str, Rule] = {
    APC + "1": Rule(E.LINK_LOST, Severity.WARNING, "the card lost its link to the UPS", LINK, opens=True),
    APC + "2": Rule(E.OUTPUT_OVERLOAD, Severity.CRITICAL, "the load exceeds the rating", OVERLOAD, opens=True),
    APC + "5": Rule(E.INPUT_LOST, Severity.WARNING, "input power lost, running on battery", INPUT, opens=True),
    APC + "7": Rule(E.BATTERY_LOW, Severity.CRITICAL, "the battery is low", BATTERY, opens=True),
    APC + "8": Rule(E.LINK_RESTORED, Severity.INFO, "the card hears the UPS again", LINK, baseline=True),
    APC + "9": Rule(E.INPUT_RESTORED, Severity.INFO, "input power is back", INPUT),
    APC + "11": Rule(E.BATTERY_NORMAL, Severity.INFO, "the battery is no longer low", BATTERY),
    APC + "12": Rule(E.OUTPUT_OFF, Severity.WARNING, "the outlets were switched off", OUTPUT, opens=True),
    APC + "13": Rule(E.OUTPUT_OFF, Severity.WARNING, "the outlets are asleep", OUTPUT, opens=True),
    APC + "14": Rule(E.OUTPUT_ON, Severity.INFO, "the outlets are awake again", OUTPUT),
    APC + "15": Rule(E.OUTPUT_REBOOTING, Severity.WARNING, "a reboot of the outlets has begun"),
    APC + "3": Rule(E.TEST_FAILED, Severity.CRITICAL, "a self test failed", TEST, opens=True),
    APC + "10": Rule(E.TEST_PASSED, Severity.INFO, "a self test passed", TEST),
    APC + "6": Rule(E.REGULATION_STARTED, Severity.INFO, "raising a low input voltage", BOOST, opens=True),
    APC + "34": Rule(E.REGULATION_ENDED, Severity.INFO, "no longer raising the input voltage", BOOST),
    APC + "31": Rule(E.REGULATION_STARTED, Severity.INFO, "lowering a high input voltage", TRIM, opens=True),
    APC + "35": Rule(E.REGULATION_ENDED, Severity.INFO, "no longer lowering the input voltage", TRIM),
    APC + "17": Rule(E.BATTERY_REPLACE, Severity.WARNING, "the battery needs replacing", REPLACEMENT, opens=True),
    APC + "36": Rule(E.BATTERY_REPLACED, Severity.INFO, "the battery was replaced", REPLACEMENT),
    APC + "28": Rule(E.CALIBRATION_STARTED, Severity.INFO, "a runtime calibration has begun", CALIBRATION, opens=True),
    APC + "37": Rule(E.CALIBRATION_ENDED, Severity.INFO, "the runtime calibration has ended", CALIBRATION),
    APC + "4": Rule(E.BATTERY_DISCHARGED, Severity.WARNING, "the battery is nearly empty", DISCHARGE, opens=True),
    APC + "38": Rule(E.BATTERY_RECHARGED, Severity.INFO, "the battery could carry the load again", DISCHARGE),
    APC + "39": Rule(E.SHUTDOWN_STARTED, Severity.WARNING, "the outlets will go off after the shutoff delay"),
    APC + "44": Rule(E.CARD_CHANGED, Severity.WARNING, "the SNMP settings of the card were changed"),
    APC + "53": Rule(E.BATTERY_TEMPERATURE, Severity.WARNING, "the battery is too warm", TEMPERATURE, opens=True),
    APC + "54": Rule(E.BATTERY_TEMPERATURE_NORMAL, Severity.INFO, "the battery is no longer too warm", TEMPERATURE),
    APC + "20": Rule(E.OUTPUT_BYPASS, Severity.CRITICAL, "on bypass because of a fault", BYPASS, opens=True),
    APC + "21": Rule(E.OUTPUT_BYPASS, Severity.WARNING, "on bypass by command", BYPASS, opens=True),
    APC + "22": Rule(E.OUTPUT_BYPASS, Severity.WARNING, "on bypass by the switch", BYPASS, opens=True),
    APC + "23": Rule(E.OUTPUT_BYPASS_ENDED, Severity.INFO, "no longer on bypass", BYPASS),
    APC + "46": Rule(E.ACCESS_VIOLATION, Severity.WARNING, "somebody failed to log on at the card's console"),
    APC + "47": Rule(E.ACCESS_VIOLATION, Severity.WARNING, "somebody failed to log on at the card's pages"),
    APC + "733": Rule(E.LINK_LOST, Severity.CRITICAL, "the card lost its link to the UPS on battery", LINK, opens=True),
    APC + "29": Rule(E.CARD_RESTARTED, Severity.INFO, "the card is about to restart"),
    APC + "30": Rule(E.OUTPUT_ON, Severity.INFO, "the outlets were switched on", OUTPUT),
    APC + "33": Rule(E.OUTPUT_OVERLOAD_CLEARED, Severity.INFO, "the load is within the rating again", OVERLOAD),
    UPS_MIB + "1": Rule(E.INPUT_LOST, Severity.WARNING, "input power lost, running on battery", INPUT, opens=True),
    UPS_MIB + "2": Rule(E.UPS_NOTICE, Severity.INFO, "a test has ended"),
    UPS_MIB + "3": Rule(E.UPS_NOTICE, Severity.WARNING, "an alarm was added to the table of alarms"),
    UPS_MIB + "4": Rule(E.UPS_NOTICE, Severity.INFO, "an alarm was taken out of the table of alarms"),
    GENERIC + "1": Rule(E.CARD_RESTARTED, Severity.INFO, "the agent started (coldStart)"),
    GENERIC + "2": Rule(E.CARD_RESTARTED, Severity.INFO, "the agent started again (warmStart)"),
    GENERIC + "5": Rule(
        E.AUTHENTICATION_FAILURE, Severity.WARNING, "somebody asked with a wrong community or from an unlisted address"
    ),
}


RULES |= {
    f"{APC}{row.number}": Rule(row.type, row.severity, row.text, row.condition, opens=row.opens) for row in rows()
}
