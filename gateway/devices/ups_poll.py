"""Polls UPS cards on `wire`, all of them from one socket, or from one for each source."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ridethrough.gateway.devices.liveness import Liveness
from ridethrough.gateway.devices.poller import TargetPoller
from ridethrough.gateway.devices.rtt import RttEstimator
from ridethrough.gateway.records import Observation, Readings, Silence
from ridethrough.mibs import MibTree
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp import ErrorStatus, Kind, Message, Pdu, Tag, VarBind, Version, decode, encode

SLOTS = 64  # of an interval; cards of one slot share a turn of the loop

Observe = Callable[[Observation], None]


@dataclass(slots=True)
class CardTarget:
    """A card that is polled, and its last answer."""

    name: str
    address: str
    port: int
    version: Version
    community: bytes
    poll_s: float
    liveness: Liveness
    names: list[str]
    source: str | None = None
    rtt: RttEstimator = field(default_factory=RttEstimator)
    request_id: int = 0
    question: bytes = b""
    values: dict[str, int] | None = None
    shown: dict[str, int] = field(default_factory=dict)
    timers: list[asyncio.TimerHandle] = field(default_factory=list)


class UpsPoller(TargetPoller[CardTarget]):
    """Asks each card every `poll_s` seconds and observes what changed."""

    def __init__(self, tree: MibTree, names: Sequence[str], shown: Sequence[str], observe: Observe) -> None:
        """Poll the objects `names`, whose changes are observations, and `shown`, which are only kept for `readings`."""
        self._oids = {name: tree.named(name).oid.child(0) for name in (*names, *shown)}
        self._facts = frozenset(names)
        self._names = {oid: name for name, oid in self._oids.items()}
        super().__init__()
        self._observe = observe
        self._begun = 0

    def add(
        self,
        name: str,
        address: str,
        port: int,
        version: Version,
        community: str,
        poll_s: float,
        silence_s: float,
        source: str | None = None,
    ) -> None:
        """Add a card, which is asked from `source`. It is polled as soon as `watch` names it.

        `silence_s` without an answer is its loss.
        """
        names, liveness = list(self._oids), Liveness(silence_s, 1, 0.0)
        self._add(
            address, CardTarget(name, address, port, version, community.encode(), poll_s, liveness, names, source)
        )

    def readings(self, name: str) -> dict[str, int]:
        """The values in the last answer of a card, by object; empty for other devices."""
        target = self._by_name.get(name)
        return {} if target is None else target.shown

    def _begin(self, target: CardTarget, now_s: float) -> None:
        """Poll a card for the first time. Many cards are spread over the interval, so that answers are, too."""
        loop = asyncio.get_running_loop()
        slot = self._begun % len(self._targets) * SLOTS // len(self._targets) if len(self._targets) > SLOTS else 0
        self._begun += 1
        if slot:
            first = now_s + target.poll_s * slot / SLOTS
            target.timers.append(loop.call_at(first, self._poll, target, first))
        else:
            self._poll(target, now_s)
        self._check_liveness(target)

    def _poll(self, target: CardTarget, due_s: float) -> None:
        target.request_id = target.request_id % 0x7FFFFFFF + 1
        varbinds = tuple(VarBind(self._oids[name], Tag.NULL, None) for name in target.names)
        pdu = Pdu(Kind.GET, target.request_id, 0, 0, varbinds)
        target.question = encode(Message(target.version, target.community, pdu))
        loop = asyncio.get_running_loop()
        following = due_s + target.poll_s  # from when it was due, so that the period does not drift
        target.timers[:] = [timer for timer in target.timers if timer.when() > loop.time() and not timer.cancelled()]
        target.timers.append(loop.call_at(following, self._poll, target, following))
        self._ask_card(target, anew=True)

    def _ask_card(self, target: CardTarget, *, anew: bool) -> None:
        """Ask, and again when no answer comes, as a single datagram may get lost. `anew` begins a poll."""
        loop = asyncio.get_running_loop()
        wait_s = target.rtt.rto_s(loop.time(), anew=anew)
        self._ask(target.question, target.address, target.port, target.source)
        if not target.liveness.lost:
            target.timers.append(loop.call_later(wait_s, self._repeat, target, target.request_id))

    def _repeat(self, target: CardTarget, request_id: int) -> None:
        if request_id == target.request_id and target.rtt.waiting:
            self._ask_card(target, anew=False)

    def _check_liveness(self, target: CardTarget) -> None:
        loop = asyncio.get_running_loop()
        if target.liveness.check(loop.time()):
            target.values = None
            self._observe(Silence(target.name))
        deadline = target.liveness.deadline_s()
        target.timers.append(
            loop.call_at(deadline or loop.time() + target.liveness.limit_s, self._check_liveness, target)
        )

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
        now_s = asyncio.get_running_loop().time()
        target.liveness.answered(now_s)
        target.rtt.answered(now_s)
        if pdu.error_status == ErrorStatus.NO_SUCH_NAME and 0 < pdu.error_index <= len(target.names):
            del target.names[pdu.error_index - 1]  # this card does not have the object; ask for the others
            return
        shown = target.shown = {
            self._names[bind.oid]: bind.value
            for bind in pdu.varbinds
            if isinstance(bind.value, int) and bind.oid in self._names
        }
        values = {name: value for name, value in shown.items() if name in self._facts}
        if values != target.values:
            target.values = values
            self._observe(Readings(target.name, values))
