"""A trap manager on a cluster (003 1.1.5, 1.2.9 and 2.1.6): which node listens, and whom it shows as source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ridethrough.emulators.bindings.inputs import Inputs, choice, plain
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.emulators.kernel.world import Port
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp import Pdu, Tag, TrapV1, decode

TRAP_ADDRESS = "1.3.6.1.6.3.18.1.3.0"  # snmpTrapAddress.0 (RFC 3584 section 3.1)
UNKNOWN_SERVER = "不明なサーバ"
MODES = ["snmp", "in-band"]


class Manager:
    """`nodes` and `floating` are addresses on which it listens; `hosts` has the names of devices by their addresses."""

    kind = "manager"

    def __init__(self, name: str, nodes: Mapping[str, str], floating: str, hosts: Mapping[str, str], port: int) -> None:
        self.name = name
        self.nodes = dict(nodes)
        self.floating = floating
        self.port = port
        self.active = next(iter(nodes))
        self.mode = self._wanted = MODES[0]
        self.received = 0
        self.unheard = 0  # sent to the address of a node on which the service does not run
        self.unsupported: list[str] = []
        self.source = ""  # of the latest trap
        self._hosts = dict(hosts)
        self.inputs = Inputs(
            {
                "failover": plain("the service moves to the next node", self._failover),
                "mode": choice("the receiving mode, from the next restart on", "MODE", MODES, self._set_mode),
                "restart": plain("the server restarts", self._restart),
                "report": choice("a report arrives by MEANS", "MEANS", ["in-band", "out-of-band"], self._report),
            }
        )

    def _failover(self, _now: Instant) -> None:
        names = list(self.nodes)
        self.active = names[(names.index(self.active) + 1) % len(names)]

    def _set_mode(self, mode: str, _now: Instant) -> None:
        self._wanted = mode

    def _restart(self, _now: Instant) -> None:
        self.mode = self._wanted

    def _report(self, means: str, _now: Instant) -> None:
        if means == "out-of-band":  # 003 section 1.2.9(10)
            self.unsupported.append(means)
        else:
            self.received += 1

    def receive(self, data: bytes, address: str, source: str) -> None:
        """A datagram from `source` arrives at `address`, one of the nodes' or the floating one."""
        if address not in (self.floating, self.nodes[self.active]) or self.mode != MODES[0]:
            self.unheard += 1
            return
        try:
            pdu = decode(data).pdu
        except WireError:
            self.unheard += 1
            return
        self.received += 1
        device = _device_address(pdu) or source
        self.source = self._hosts.get(device, UNKNOWN_SERVER)

    def advance(self, now: Instant) -> None:
        """Nothing happens here by itself."""

    def next_deadline(self) -> Instant | None:
        """Return None: nothing happens here by itself."""
        return None

    def react(self, now: Instant) -> None:
        """Nothing follows from the levels around."""

    def ports(self) -> Iterable[Port[Any]]:
        """None: a manager is wired to nothing."""
        return []

    def snapshot(self, now: Instant) -> dict[str, Any]:
        """Return the active node, the mode, and what was received and missed."""
        return {
            "state": "running",
            "active": self.active,
            "mode": self.mode,
            "received": self.received,
            "unheard": self.unheard,
            "unsupported": list(self.unsupported),
            "source": self.source,
        }


def _device_address(pdu: object) -> str:
    """The device that a trap names as its sender; empty when it names none."""
    if isinstance(pdu, TrapV1):
        return _dotted(pdu.agent_addr)
    if isinstance(pdu, Pdu):
        for bind in pdu.varbinds:
            if str(bind.oid) == TRAP_ADDRESS and bind.tag == Tag.IP_ADDRESS and isinstance(bind.value, bytes):
                return _dotted(bind.value)
    return ""


def _dotted(octets: bytes) -> str:
    return ".".join(str(octet) for octet in octets)
