"""What each trap means. One row a trap; the platform events have a table of their own."""

from __future__ import annotations

from typing import NamedTuple

from gateway.records import Severity
from gateway.translate.vocabulary import EventType as E

APC = "1.3.6.1.4.1.318.0."
GENERIC = "1.3.6.1.6.3.1.1.5."

# Conditions a device can be in.
INPUT = "input"
BATTERY = "battery"
OUTPUT = "output"
OVERLOAD = "overload"
LINK = "link"


class Rule(NamedTuple):
    """`condition` with `opens` or not (then it clears); without a condition every such trap is an event."""

    type: E
    severity: Severity
    text: str
    condition: str = ""
    opens: bool = False


RULES: dict[str, Rule] = {
    APC + "1": Rule(E.LINK_LOST, Severity.WARNING, "the card lost its link to the UPS", LINK, opens=True),
    APC + "2": Rule(E.OUTPUT_OVERLOAD, Severity.CRITICAL, "the load exceeds the rating", OVERLOAD, opens=True),
    APC + "5": Rule(E.INPUT_LOST, Severity.WARNING, "input power lost, running on battery", INPUT, opens=True),
    APC + "7": Rule(E.BATTERY_LOW, Severity.CRITICAL, "the battery is low", BATTERY, opens=True),
    APC + "8": Rule(E.LINK_RESTORED, Severity.INFO, "the card hears the UPS again", LINK),
    APC + "9": Rule(E.INPUT_RESTORED, Severity.INFO, "input power is back", INPUT),
    APC + "11": Rule(E.BATTERY_NORMAL, Severity.INFO, "the battery is no longer low", BATTERY),
    APC + "12": Rule(E.OUTPUT_OFF, Severity.WARNING, "the outlets were switched off", OUTPUT, opens=True),
    APC + "13": Rule(E.OUTPUT_OFF, Severity.WARNING, "the outlets are asleep", OUTPUT, opens=True),
    APC + "14": Rule(E.OUTPUT_ON, Severity.INFO, "the outlets are awake again", OUTPUT),
    APC + "15": Rule(E.OUTPUT_REBOOTING, Severity.WARNING, "a reboot of the outlets has begun"),
    APC + "29": Rule(E.CARD_RESTARTED, Severity.INFO, "the card is about to restart"),
    APC + "30": Rule(E.OUTPUT_ON, Severity.INFO, "the outlets were switched on", OUTPUT),
    APC + "33": Rule(E.OUTPUT_OVERLOAD_CLEARED, Severity.INFO, "the load is within the rating again", OVERLOAD),
    GENERIC + "1": Rule(E.CARD_RESTARTED, Severity.INFO, "the agent started (coldStart)"),
    GENERIC + "2": Rule(E.CARD_RESTARTED, Severity.INFO, "the agent started again (warmStart)"),
    GENERIC + "5": Rule(
        E.AUTHENTICATION_FAILURE, Severity.WARNING, "somebody asked with a wrong community or from an unlisted address"
    ),
}
