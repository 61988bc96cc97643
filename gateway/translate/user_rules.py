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
    """Conditions on a notification; empty fields are met by all.

    `trap` is an identifier, one that ends in `.*` for all below it, or a name of the MIB texts. Variables are named as
    in the evidence of events, with or without their instance.
    """

    trap: str = ""
    sources: Sequence[IPv4Network | IPv6Network] = ()
    device: str = ""
    variables: tuple[tuple[str, str], ...] = ()


class UserRule(NamedTuple):
    """A rule of the site; the first that matches is used. Without an `event` there is none, and only the journal keeps
    the datagram.
    """

    match: Match
    event: str = ""
    severity: Severity = Severity.WARNING
    text: str = ""
    condition: str = ""
    opens: bool = False

    @classmethod
    def for_event(
        cls, match: Match, event: str, severity: Severity, text: str, condition: str, *, opens: bool
    ) -> UserRule:
        """Make a rule for an event; a type that the gateway has itself brings its condition along."""
        known = BY_TYPE.get(event)
        if not condition and known is not None:
            condition, opens = known.condition, known.opens
        return cls(match, event, severity, text, condition, opens)

    def applies(self, value: Notification, device: str) -> bool:
        """True for a notification of `device` (empty for an unknown sender) that `match` describes."""
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

    def fill_text(self, value: Notification, subject: str) -> str:
        """The text of the event, with the placeholders filled in; `?` for variables that are not there."""
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
    """The first variable of that name, with or without its instance, as text; None when there is none."""
    for variable in value.variables:
        if variable.name == name or variable.name.startswith(name + "."):
            return str(variable.value)
    return None
