"""Applies the rules: notifications and observations in, signals out. Pure; keeps nothing between calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from ridethrough.gateway.records import (
    ConditionClears,
    ConditionOpens,
    DatagramsLost,
    JournalDamage,
    Notification,
    Observation,
    Occurrence,
    Platform,
    Readings,
    Recovery,
    RecoveryStep,
    RefusedDatagram,
    Severity,
    Signal,
    Silence,
    Undecodable,
)
from ridethrough.gateway.translate.inventory import Inventory, KnownDevice
from ridethrough.gateway.translate.platform import NoticeClass, meaning, waits
from ridethrough.gateway.translate.readings import FACTS
from ridethrough.gateway.translate.trap_rules import RULES, TrapRule
from ridethrough.gateway.translate.user_rules import UserRule
from ridethrough.gateway.vocabulary import Condition, EventType

CATEGORY = "BMCNOTICE"
SILENCE: Final = Condition.SILENCE.value
POWER: Final = Condition.POWER.value
# Session audit (sensor type 2Ah): a wrong password, a user locked out.
SECURITY = {(0x2A, 2): EventType.AUTHENTICATION_FAILURE, (0x2A, 3): EventType.USER_LOCKED}
NOTICE_SEVERITY = {
    NoticeClass.FATAL: Severity.CRITICAL,
    NoticeClass.DEGRADE: Severity.WARNING,
    NoticeClass.PREDICT: Severity.WARNING,
    NoticeClass.WARN: Severity.WARNING,
    NoticeClass.INFO: Severity.INFO,
}
# The rule that opens or clears each condition a reading can show.
BY_CONDITION: dict[tuple[str, bool], TrapRule] = {}
for _rule in RULES.values():
    if _rule.condition:
        BY_CONDITION.setdefault((_rule.condition, _rule.opens), _rule)
OF_UNKNOWN_SENDERS = {oid: rule._replace(condition="", opens=False) for oid, rule in RULES.items()}
# How a sender of informs learns the gateway's engine and its time (RFC 3414 section 4).
PART_OF_DISCOVERY = frozenset({"unknown_engine_ids", "not_in_time_windows"})
BY_CONDITION[POWER, True] = TrapRule(EventType.SERVER_OFF, Severity.WARNING, "the server is off", POWER, opens=True)
BY_CONDITION[POWER, False] = TrapRule(EventType.SERVER_ON, Severity.INFO, "the server is on", POWER)
SILENCE_RULES: dict[tuple[str, bool], TrapRule] = {
    ("ups", True): TrapRule(EventType.CARD_LOST, Severity.WARNING, "the card does not answer", SILENCE, opens=True),
    ("ups", False): TrapRule(EventType.CARD_FOUND, Severity.INFO, "the card answers again", SILENCE),
    ("bmc", True): TrapRule(EventType.HEARTBEAT_LOST, Severity.WARNING, "the BMC does not answer", SILENCE, opens=True),
    ("server", True): TrapRule(
        EventType.SERVER_LOST, Severity.WARNING, "the server's LAN is silent", SILENCE, opens=True
    ),
    ("server", False): TrapRule(EventType.SERVER_FOUND, Severity.INFO, "the server's LAN is heard again", SILENCE),
    ("bmc", False): TrapRule(EventType.HEARTBEAT_RESTORED, Severity.INFO, "the BMC answers again", SILENCE),
}


class Translator:
    """Translates by the site's inventory and rules."""

    def __init__(self, inventory: Inventory, rules: Sequence[UserRule] = ()) -> None:
        """`rules` are those of the site; they come before the gateway's own, in their order."""
        self._inventory = inventory
        self._rules = rules

    def datagram(self, value: Notification | Undecodable | RefusedDatagram) -> list[Signal]:
        """Translate a decoded datagram; no signal for one that a rule of the site drops."""
        if isinstance(value, Undecodable):
            return [
                Occurrence(
                    EventType.TRAP_UNDECODABLE,
                    self._subject(value.source, ""),
                    Severity.WARNING,
                    f"a datagram from {value.source} cannot be read: octet {value.offset}: {value.rule}",
                    evidence={"listener": value.listener, "source": value.source},
                    repeat=value.rule,
                )
            ]
        if isinstance(value, RefusedDatagram):
            return self._refused(value)
        device = self._inventory.find(value.source, value.agent, relayed=value.relayed, engine=value.engine)
        for number, own in enumerate(self._rules, start=1):
            if own.applies(value, device.name if device else ""):
                return _by_user_rule(own, number, value, device)
        if value.platform is not None:
            return [self._platform(value, value.platform, device)]
        subject = _subject(value, device)
        rule = RULES.get(value.trap_oid)
        if rule is None:
            name = value.trap_name or value.trap_oid
            text = f"trap {name} from {value.source}, for which there is no rule"
            return [Occurrence(EventType.TRAP_UNKNOWN, subject, Severity.INFO, text, evidence=_evidence(value))]
        if device is None:
            # An unknown sender is not polled, and its address may be forged: an event each time, and no condition.
            rule = OF_UNKNOWN_SENDERS[value.trap_oid]
        return [_signal(rule, subject, _evidence(value))]

    def observation(self, value: Observation) -> list[Signal]:
        """Translate what the gateway found out by itself; nothing for a device that has left the site."""
        if isinstance(value, DatagramsLost):
            text = f"{value.lost} datagrams were lost at {value.device}: they came faster than they were taken"
            return [Occurrence(EventType.TRAP_LOST, value.device, Severity.CRITICAL, text, data={"lost": value.lost})]
        if isinstance(value, JournalDamage):
            damage = {name: getattr(value.damage, name) for name in value.damage.__struct_fields__}
            text = f"the journal was damaged ({value.damage.reason}); {value.damage.lost} rows of it are lost"
            return [Occurrence(EventType.JOURNAL_DAMAGED, value.device, Severity.CRITICAL, text, data=damage)]
        device = self._inventory.named(value.device)
        if device is None:
            return []
        if isinstance(value, RecoveryStep):
            return [_recovery(device.name, value.recovery)]
        if isinstance(value, Silence):
            return [_signal(SILENCE_RULES[device.kind, True], device.name, {"silent": True})]
        return self._readings(value, device)

    def _readings(self, value: Readings, device: KnownDevice) -> list[Signal]:
        signals = [_signal(SILENCE_RULES[device.kind, False], device.name, {"silent": False}, baseline=True)]
        for condition, reader in FACTS.items():
            shown = reader(value.values)
            rule = None if shown is None else BY_CONDITION.get((condition, shown))
            if rule is not None:
                signals.append(_signal(rule, device.name, {"readings": dict(value.values)}, baseline=True))
        return signals

    def _refused(self, value: RefusedDatagram) -> list[Signal]:
        if value.answered and value.reason in PART_OF_DISCOVERY:
            return []
        text = f"a datagram from {value.source} is not taken: {value.reason.replace('_', ' ')}"
        evidence = {"listener": value.listener, "source": value.source}
        subject = self.subject(value.source)
        data = {"reason": value.reason}
        return [
            Occurrence(
                EventType.TRAP_REFUSED,
                subject,
                Severity.WARNING,
                text,
                data=data,
                evidence=evidence,
                repeat=value.reason,
            )
        ]

    def sender(self, value: Notification) -> str:
        """The device that sent a notification, or the address of an unknown sender."""
        return _subject(
            value, self._inventory.find(value.source, value.agent, relayed=value.relayed, engine=value.engine)
        )

    def subject(self, source: str) -> str:
        """The device at a source address, or the address itself."""
        return self._subject(source, "")

    def _subject(self, source: str, agent: str) -> str:
        device = self._inventory.find(source, agent)
        return device.name if device else source

    def _platform(self, value: Notification, event: Platform, device: KnownDevice | None) -> Signal:
        said = meaning(event.sensor_type, event.event_type, event.offset)
        monitors = device.keywords.get(value.listener, ()) if device else ()
        subject = _subject(value, device)
        text = f"{said.text} ended" if event.deasserted else said.text
        data: dict[str, Any] = {
            "incident": event.sequence,
            "class": said.notice_class.value,
            "sensor": event.sensor_number,
            "bmc_severity": event.severity,
            "bmc_time_s": event.timestamp_s,
        }
        if device and device.server:
            data["server"] = device.server
        severity = Severity.INFO if event.deasserted else NOTICE_SEVERITY[said.notice_class]
        if monitors and not event.deasserted:
            # A notice counts for a server when its BMC sends it to the address that server's keyword names.
            held = waits(event.sensor_type, event.event_type, event.offset)
            data |= {"category": CATEGORY, "keyword": value.listener, "monitors": list(monitors), "waits": held}
            return Occurrence(EventType.BMC_NOTICE, subject, severity, text, data=data, evidence=_evidence(value))
        security = SECURITY.get((event.sensor_type, event.offset)) if not event.deasserted else None
        return Occurrence(
            security or EventType.BMC_EVENT, subject, severity, text, data=data, evidence=_evidence(value)
        )


def _subject(value: Notification, device: KnownDevice | None) -> str:
    """The subject of an event: the device, or the address of an unknown sender."""
    if device is not None:
        return device.name
    return value.agent if value.relayed and value.agent else value.source


def _recovery(device: str, step: Recovery) -> Signal:
    """The signal of a recovery's step that a BMC accepted."""
    if step.started:
        text = f"recovery of incident {step.incident} started by {step.node}, {step.granted_s} s granted"
        data: dict[str, Any] = {"incident": step.incident, "node": step.node, "granted_s": step.granted_s}
        return Occurrence(EventType.RECOVERY_STARTED, device, Severity.INFO, text, data=data)
    text = f"recovery of incident {step.incident} ended: {step.result}"
    data = {"incident": step.incident, "result": step.result, "action": step.action}
    return Occurrence(EventType.RECOVERY_ENDED, device, Severity.INFO, text, data=data)


def _by_user_rule(rule: UserRule, number: int, value: Notification, device: KnownDevice | None) -> list[Signal]:
    """Apply a rule of the site to a notification; `number` counts the site's rules from 1."""
    if not rule.event:
        return []
    subject = _subject(value, device)
    text, evidence = rule.fill_text(value, subject), _evidence(value) | {"rule": number}
    if not rule.condition or device is None:
        return [Occurrence(rule.event, subject, rule.severity, text, evidence=evidence)]
    change = ConditionOpens if rule.opens else ConditionClears
    return [change(rule.event, subject, rule.severity, text, rule.condition, evidence=evidence)]


def _signal(rule: TrapRule, device: str, evidence: dict[str, Any], *, baseline: bool = False) -> Signal:
    condition = rule.condition
    if not condition:
        return Occurrence(rule.type, device, rule.severity, rule.text, evidence=evidence)
    if rule.opens:
        return ConditionOpens(rule.type, device, rule.severity, rule.text, condition, evidence=evidence)
    baseline = baseline or rule.baseline
    return ConditionClears(rule.type, device, rule.severity, rule.text, condition, evidence=evidence, baseline=baseline)


def at_time(signal: Signal, uptime_ticks: int) -> Signal:
    """The same signal from a notification that differs only in its sysUpTime, in 1/100 s."""
    evidence = signal.evidence.copy()
    evidence["uptime_ticks"] = uptime_ticks
    return msgspec.structs.replace(signal, evidence=evidence)


def _evidence(value: Notification) -> dict[str, Any]:
    evidence: dict[str, Any] = {
        "trap": value.trap_name or value.trap_oid,
        "trap_oid": value.trap_oid,
        "version": value.version,
        "inform": value.inform,
        "source": value.source,
        "listener": value.listener,
        "uptime_ticks": value.uptime_ticks,
        "variables": [
            {"name": item.name, "value": item.value, "units": item.units}
            if item.units
            else {"name": item.name, "value": item.value}
            for item in value.variables
        ],
    }
    if value.user:
        evidence["user"] = value.user
    if value.relayed:
        evidence["relay"] = value.source
    if value.platform is not None:
        evidence["platform_event"] = {name: getattr(value.platform, name) for name in value.platform.__struct_fields__}
    return evidence
