"""What each trap means. One row a trap; the platform events have a table of their own."""

from __future__ import annotations

from typing import NamedTuple

from ridethrough.gateway.records import Severity
from ridethrough.gateway.translate.fault_traps import rows
from ridethrough.gateway.vocabulary import Condition as C  # noqa: N817  # a column of the table
from ridethrough.gateway.vocabulary import EventType as E
from ridethrough.mibs import standard_tree


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


_RULES: dict[str, Rule] = {
    # PowerNet-MIB, in the order of the traps' numbers
    "communicationLost": Rule(E.LINK_LOST, Severity.WARNING, "the card lost its link to the UPS", C.LINK, opens=True),
    "upsOverload": Rule(E.OUTPUT_OVERLOAD, Severity.CRITICAL, "the load exceeds the rating", C.OVERLOAD, opens=True),
    "upsDiagnosticsFailed": Rule(E.TEST_FAILED, Severity.CRITICAL, "a self test failed", C.SELF_TEST, opens=True),
    "upsDischarged": Rule(
        E.BATTERY_DISCHARGED, Severity.WARNING, "the battery is nearly empty", C.DISCHARGED, opens=True
    ),
    "upsOnBattery": Rule(E.INPUT_LOST, Severity.WARNING, "input power lost, running on battery", C.INPUT, opens=True),
    "smartBoostOn": Rule(E.REGULATION_STARTED, Severity.INFO, "raising a low input voltage", C.BOOST, opens=True),
    "lowBattery": Rule(E.BATTERY_LOW, Severity.CRITICAL, "the battery is low", C.BATTERY, opens=True),
    "communicationEstablished": Rule(
        E.LINK_RESTORED, Severity.INFO, "the card hears the UPS again", C.LINK, baseline=True
    ),
    "powerRestored": Rule(E.INPUT_RESTORED, Severity.INFO, "input power is back", C.INPUT),
    "upsDiagnosticsPassed": Rule(E.TEST_PASSED, Severity.INFO, "a self test passed", C.SELF_TEST),
    "returnFromLowBattery": Rule(E.BATTERY_NORMAL, Severity.INFO, "the battery is no longer low", C.BATTERY),
    "upsTurnedOff": Rule(E.OUTPUT_OFF, Severity.WARNING, "the outlets were switched off", C.OUTPUT, opens=True),
    "upsSleeping": Rule(E.OUTPUT_OFF, Severity.WARNING, "the outlets are asleep", C.OUTPUT, opens=True),
    "upsWokeUp": Rule(E.OUTPUT_ON, Severity.INFO, "the outlets are awake again", C.OUTPUT),
    "upsRebootStarted": Rule(E.OUTPUT_REBOOTING, Severity.WARNING, "a reboot of the outlets has begun"),
    "upsBatteryNeedsReplacement": Rule(
        E.BATTERY_REPLACE, Severity.WARNING, "the battery needs replacing", C.REPLACEMENT, opens=True
    ),
    "hardwareFailureBypass": Rule(
        E.OUTPUT_BYPASS, Severity.CRITICAL, "on bypass because of a fault", C.BYPASS, opens=True
    ),
    "softwareBypass": Rule(E.OUTPUT_BYPASS, Severity.WARNING, "on bypass by command", C.BYPASS, opens=True),
    "switchedBypass": Rule(E.OUTPUT_BYPASS, Severity.WARNING, "on bypass by the switch", C.BYPASS, opens=True),
    "returnFromBypass": Rule(E.OUTPUT_BYPASS_ENDED, Severity.INFO, "no longer on bypass", C.BYPASS),
    "calibrationStart": Rule(
        E.CALIBRATION_STARTED, Severity.INFO, "a runtime calibration has begun", C.CALIBRATION, opens=True
    ),
    "restartAgent": Rule(E.CARD_RESTARTED, Severity.INFO, "the card is about to restart"),
    "upsTurnedOn": Rule(E.OUTPUT_ON, Severity.INFO, "the outlets were switched on", C.OUTPUT),
    "smartAvrReducing": Rule(E.REGULATION_STARTED, Severity.INFO, "lowering a high input voltage", C.TRIM, opens=True),
    "upsOverloadCleared": Rule(
        E.OUTPUT_OVERLOAD_CLEARED, Severity.INFO, "the load is within the rating again", C.OVERLOAD
    ),
    "smartBoostOff": Rule(E.REGULATION_ENDED, Severity.INFO, "no longer raising the input voltage", C.BOOST),
    "smartAvrReducingOff": Rule(E.REGULATION_ENDED, Severity.INFO, "no longer lowering the input voltage", C.TRIM),
    "upsBatteryReplaced": Rule(E.BATTERY_REPLACED, Severity.INFO, "the battery was replaced", C.REPLACEMENT),
    "calibrationEnd": Rule(E.CALIBRATION_ENDED, Severity.INFO, "the runtime calibration has ended", C.CALIBRATION),
    "dischargeCleared": Rule(
        E.BATTERY_RECHARGED, Severity.INFO, "the battery could carry the load again", C.DISCHARGED
    ),
    "gracefulShutdown": Rule(E.SHUTDOWN_STARTED, Severity.WARNING, "the outlets will go off after the shutoff delay"),
    "configChangeSNMP": Rule(E.CARD_CHANGED, Severity.WARNING, "the SNMP settings of the card were changed"),
    "accessViolationConsole": Rule(
        E.ACCESS_VIOLATION, Severity.WARNING, "somebody failed to log on at the card's console"
    ),
    "accessViolationHTTP": Rule(E.ACCESS_VIOLATION, Severity.WARNING, "somebody failed to log on at the card's pages"),
    "batteryOverTemperature": Rule(
        E.BATTERY_TEMPERATURE, Severity.WARNING, "the battery is too warm", C.TEMPERATURE, opens=True
    ),
    "batteryOverTemperatureCleared": Rule(
        E.BATTERY_TEMPERATURE_NORMAL, Severity.INFO, "the battery is no longer too warm", C.TEMPERATURE
    ),
    "onbatterycommunicationLost": Rule(
        E.LINK_LOST, Severity.CRITICAL, "the card lost its link to the UPS on battery", C.LINK, opens=True
    ),
    # UPS-MIB (RFC 1628)
    "upsTrapOnBattery": Rule(
        E.INPUT_LOST, Severity.WARNING, "input power lost, running on battery", C.INPUT, opens=True
    ),
    "upsTrapTestCompleted": Rule(E.UPS_NOTICE, Severity.INFO, "a test has ended"),
    "upsTrapAlarmEntryAdded": Rule(E.UPS_NOTICE, Severity.WARNING, "an alarm was added to the table of alarms"),
    "upsTrapAlarmEntryRemoved": Rule(E.UPS_NOTICE, Severity.INFO, "an alarm was taken out of the table of alarms"),
    # SNMPv2-MIB (RFC 3418)
    "coldStart": Rule(E.CARD_RESTARTED, Severity.INFO, "the agent started (coldStart)"),
    "warmStart": Rule(E.CARD_RESTARTED, Severity.INFO, "the agent started again (warmStart)"),
    "authenticationFailure": Rule(
        E.AUTHENTICATION_FAILURE, Severity.WARNING, "somebody asked with a wrong community or from an unlisted address"
    ),
}

_TREE = standard_tree()
RULES: dict[str, Rule] = {
    str(_TREE.named(name).oid): rule._replace(condition=str(rule.condition))
    for name, rule in (_RULES | {row.trap: Rule(*row[1:]) for row in rows()}).items()
}
"""The meaning of each trap, by its OID as SNMPv2 has it."""
