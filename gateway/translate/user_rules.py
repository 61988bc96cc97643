"""Rules of a site, which come before those of the gateway."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import NamedTuple

from ridethrough.gateway.records import Notification, Severity
from ridethrough.gateway.translate.trap_rules import RULES

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
UNKNOWN = "?"  # a variable that the notification does not have
ANYTHING_BELOW = ".*"
# Conditions of the events that the gateway knows, for rules that name such an event and no condition.
BY_TYPE = {str(rule.type): rule for rule in reversed(RULES.values()) if rule.condition}


class Match(NamedTuple):
    """What a notification must be; empty fields ask for nothing.

    `trap` is an identifier, one that ends in `.*` for all below it, or a name of the MIB texts. Variables are named as
    in the evidence of events, with or without their instance.
    """

    trap: str = ""
    sources: Sequence[IPv4Network | IPv6Network] = ()
    device: str = ""
    variables: tuple[tuple[str, str], ...] = ()


class UserRule(NamedTuple):
    """The first that matches is taken. Without an `event` nothing is told; the journal keeps the datagram."""

    match: Match
    event: str = ""
    severity: Severity = Severity.WARNING
    text: str = ""
    condition: str = ""
    opens: bool = False

    @classmethod
    def telling(
        cls, match: Match, event: str, severity: Severity, text: str, condition: str, *, opens: bool
    ) -> UserRule:
        """A rule for an event; one that the gateway knows brings its condition along."""
        known = BY_TYPE.get(event)
        if not condition and known is not None:
            condition, opens = known.condition, known.opens
        return cls(match, event, severity, text, condition, opens)

    def applies(self, value: Notification, device: str) -> bool:
        """Whether a notification of `device` (empty for a stranger's) is one of these."""
        match = self.match
        if match.trap and not _is(match.trap, value):
            return False
        if match.device and match.device != device:
            return False
        if match.sources:
            source = ip_address(value.source.partition("%")[0])
            if not any(source in network for network in match.sources):
                return False
        return all(_variable(value, name) == wanted for name, wanted in match.variables)

    def says(self, value: Notification, subject: str) -> str:
        """The text a person reads."""
        if not self.text:
            return f"trap {value.trap_name or value.trap_oid} from {value.source}"
        known = {"device": subject, "source": value.source, "trap": value.trap_name or value.trap_oid}

        def filled(found: re.Match[str]) -> str:
            name = found[1]
            said = known.get(name) or _variable(value, name)
            return UNKNOWN if said is None else said

        return PLACEHOLDER.sub(filled, self.text)


def _is(trap: str, value: Notification) -> bool:
    if trap.endswith(ANYTHING_BELOW):
        return value.trap_oid.startswith(trap.removesuffix("*"))
    return trap in (value.trap_oid, value.trap_name)


def _variable(value: Notification, name: str) -> str | None:
    """The first variable of that name, as text."""
    for variable in value.variables:
        if variable.name == name or variable.name.startswith(name + "."):
            return str(variable.value)
    return None
