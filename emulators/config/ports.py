"""Ports on which the emulated devices are reached, the same for all devices of a kind."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from ridethrough.emulators.config.base import Port, RigModel


def _off(value: object) -> object:
    return None if value == "off" else value


OptionalPort = Annotated[Port | None, BeforeValidator(_off)]


class Ports(RigModel):
    """Well-known ports, or others where they cannot be bound; `off` where a face of the cards is not wanted."""

    snmp: Port = 161
    trap: Port = 162
    ipmi: Port = 623
    http: OptionalPort = 80
    console: OptionalPort = 23
    echo: OptionalPort = 7
    """Of the servers: answered while their operating system runs (RFC 862)."""
    wake: OptionalPort = 9
    """Of the servers that can be woken."""


HIGH_PORTS = Ports(snmp=1161, trap=1162, ipmi=1623, http=1080, console=2323, echo=10007, wake=10009)
