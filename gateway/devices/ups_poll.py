"""Polling of UPS cards on `wire`: one socket for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gateway.devices.link import Link
from gateway.devices.silence import Silence
from gateway.records import Observation
from mibs import MibTree
from wire.errors import WireError
from wire.snmp import ErrorStatus, Kind, Message, Pdu, Tag, VarBind, Version, decode, encode

Observe = Callable[[Observation], None]


@dataclass(slots=True)
class Target:
    """A card and what was last seen of it."""

    name: str
    address: str
    port: int
    version: Version
    community: bytes
    poll_s: float
    silence: Silence
    names: list[str]
    request_id: int = 0
    values: dict[str, int] | None = None
    timers: list[asyncio.TimerHandle] = field(default_factory=list)


class UpsPoller(Link[Target]):
    """Asks each card every `poll_s` seconds and reports what changed."""

    def __init__(self, tree: MibTree, names: Sequence[str], observe: Observe) -> None:
        self._oids = {name: tree.named(name).oid.child(0) for name in names}
        self._names = {oid: name for name, oid in self._oids.items()}
        super().__init__()
        self._observe = observe

    def add(
        self, name: str, address: str, port: int, version: Version, community: str, poll_s: float, silence_s: float
    ) -> None:
        """A card to poll."""
        silence = Silence(silence_s, 1, 0.0)
        self._targets[address] = Target(
            name, address, port, version, community.encode(), poll_s, silence, list(self._oids)
        )

    def _begin(self, target: Target, now_s: float) -> None:
        self._poll(target, now_s)
        self._watch(target)

    def _poll(self, target: Target, due_s: float) -> None:
        target.request_id = target.request_id % 0x7FFFFFFF + 1
        varbinds = tuple(VarBind(self._oids[name], Tag.NULL, None) for name in target.names)
        pdu = Pdu(Kind.GET, target.request_id, 0, 0, varbinds)
        self._ask(encode(Message(target.version, target.community, pdu)), target.address, target.port)
        loop = asyncio.get_running_loop()
        following = due_s + target.poll_s  # from when it was due, so that the period does not drift
        target.timers[:] = [timer for timer in target.timers if timer.when() > loop.time() and not timer.cancelled()]
        target.timers.append(loop.call_at(following, self._poll, target, following))

    def _watch(self, target: Target) -> None:
        loop = asyncio.get_running_loop()
        if target.silence.check(loop.time()):
            target.values = None
            self._observe(Observation(target.name, silent=True))
        deadline = target.silence.deadline_s()
        target.timers.append(loop.call_at(deadline or loop.time() + target.silence.limit_s, self._watch, target))

    def _receive(self, data: bytes, source: str) -> None:
        target = self._targets.get(source)
        if target is None:
            return
        try:
            pdu = decode(data).pdu
        except WireError:
            return
        if not isinstance(pdu, Pdu) or pdu.kind is not Kind.RESPONSE or pdu.request_id != target.request_id:
            return
        target.silence.heard(asyncio.get_running_loop().time())
        if pdu.error_status == ErrorStatus.NO_SUCH_NAME and 0 < pdu.error_index <= len(target.names):
            del target.names[pdu.error_index - 1]  # this card does not have the object; ask for the others
            return
        values = {
            self._names[bind.oid]: bind.value
            for bind in pdu.varbinds
            if isinstance(bind.value, int) and bind.oid in self._names
        }
        if values != target.values:
            target.values = values
            self._observe(Observation(target.name, values=values))
