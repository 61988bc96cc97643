"""The single vocabulary of controller events."""

from __future__ import annotations

from enum import StrEnum


class EventType(StrEnum):
    """`type` of an event."""

    INPUT_LOST = "ups.input.lost"
    INPUT_RESTORED = "ups.input.restored"
    OUTAGE_CONFIRMED = "power.outage.confirmed"
    OUTAGE_CLEARED = "power.outage.cleared"
    BATTERY_LOW = "ups.battery.low"
    BATTERY_NORMAL = "ups.battery.normal"
    BATTERY_REPLACE = "ups.battery.replace"
    BATTERY_REPLACED = "ups.battery.replaced"
    TEST_PASSED = "ups.test.passed"
    TEST_FAILED = "ups.test.failed"
    CALIBRATION_STARTED = "ups.calibration.started"
    CALIBRATION_ENDED = "ups.calibration.ended"
    REGULATION_STARTED = "ups.regulation.started"
    REGULATION_ENDED = "ups.regulation.ended"
    OUTPUT_OFF = "ups.output.off"
    OUTPUT_ON = "ups.output.on"
    OUTPUT_REBOOTING = "ups.output.rebooting"
    OUTPUT_OVERLOAD = "ups.output.overload"
    OUTPUT_OVERLOAD_CLEARED = "ups.output.overload_cleared"
    CARD_LOST = "ups.card.lost"
    CARD_FOUND = "ups.card.found"
    CARD_RESTARTED = "ups.card.restarted"
    LINK_LOST = "ups.link.lost"
    LINK_RESTORED = "ups.link.restored"
    BMC_NOTICE = "bmc.notice"
    BMC_EVENT = "bmc.event"
    HEARTBEAT_LOST = "bmc.heartbeat.lost"
    HEARTBEAT_RESTORED = "bmc.heartbeat.restored"
    AUTHENTICATION_FAILURE = "security.authentication_failure"
    TRAP_UNKNOWN = "trap.unknown"
    TRAP_UNDECODABLE = "trap.undecodable"
