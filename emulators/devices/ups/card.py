"""The network card: uptime, access rows, trap receivers, and the traps it sends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from emulators.bindings.snmp import Access, Instances, UsmUser
from emulators.bindings.traps import OutgoingTrap
from emulators.devices.ups.objects import Text, instances_of, texts_of
from emulators.devices.ups.orders import TEXTS, Trap
from emulators.devices.ups.profile import AccessRow
from emulators.kernel.instant import START, Instant, after, ticks_between
from mibs import Oid
from wire.snmp import GenericTrap, Tag, TrapV1, VarBind

if TYPE_CHECKING:
    from emulators.devices.ups.model import Ups

APC = Oid.parse("1.3.6.1.4.1.318")
TRAP_TEXT = Oid.parse("1.3.6.1.4.1.318.2.3.3.0")
APC_HARDWARE = bytes.fromhex("00c0b7")
UNUSED = "0.0.0.0"
CARD_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
RECEIVERS = 4


@dataclass(slots=True)
class Receiver:
    """A row of the trap receiver table."""

    address: str = UNUSED
    community: bytes = b"public"
    enabled: bool = True
    authentication_traps: bool = True


class Card:
    """The SNMP face of a UPS. Implements `SnmpView`."""

    def __init__(
        self,
        ups: Ups,
        address: str,
        access: tuple[AccessRow, ...],
        receivers: tuple[tuple[str, str], ...],
        users: tuple[UsmUser, ...] = (),
    ) -> None:
        self.users = {user.name: user for user in users}
        # snmpEngineID of a card: its prefix, format 3, and the hardware address.
        hardware = APC_HARDWARE + bytes(int(part) for part in address.split(".")[1:])
        self.engine_id = bytes.fromhex(ups.profile.card.engine_prefix) + b"\x03" + hardware
        self.boots = 1
        self.address = address
        self.max_message = ups.profile.card.max_message
        self.muted = False
        self.outgoing: list[OutgoingTrap] = []
        self.receivers = [Receiver(host, community.encode()) for host, community in receivers[:RECEIVERS]]
        self.receivers += [Receiver() for _ in range(RECEIVERS - len(self.receivers))]
        self.last_text: bytes = b"\0"  # what mtrapargsString reads back
        self._rows = access
        self._profile = ups.profile
        self._started: Instant = START
        self._back_at: Instant | None = START  # a start is due: at power-up, and at the end of a restart
        self._cold = True
        self._object_id = Oid.parse(ups.profile.text("sysObjectID"))
        self.texts: dict[str, Text] = texts_of(ups)
        self.instances: Instances = instances_of(ups, self.receivers, self.texts)

    def uptime_ticks(self, now: Instant) -> int:
        step = self._profile.card.uptime_step_ticks
        return ticks_between(self._started, now) // step * step % (1 << 32)

    def memory(self) -> dict[str, Any]:
        """What the card keeps when it loses power, as JSON."""
        return {
            "boots": self.boots,
            "texts": {label: text.value.hex() for label, text in self.texts.items()},
            "receivers": [
                [row.address, row.community.hex(), row.enabled, row.authentication_traps] for row in self.receivers
            ],
        }

    def recall(self, memory: dict[str, Any]) -> None:
        """Take up what `memory` returned in an earlier life; this start is one more boot."""
        self.boots = memory["boots"] + 1
        for label, value in memory["texts"].items():
            if label in self.texts:
                self.texts[label].value = bytes.fromhex(value)
        for row, kept in zip(self.receivers, memory["receivers"], strict=False):
            row.address, row.community = kept[0], bytes.fromhex(kept[1])
            row.enabled, row.authentication_traps = kept[2], kept[3]

    def engine_time_s(self, now: Instant) -> int:
        return ticks_between(self._started, now) // 100

    def clock(self, now: Instant) -> tuple[bytes, bytes]:
        """Date and time of the card, whose clock starts at its epoch with the card."""
        seconds = self.uptime_ticks(now) // 100
        moment = CARD_EPOCH + timedelta(seconds=seconds)
        return moment.strftime("%m/%d/%Y").encode(), moment.strftime("%H:%M:%S").encode()

    def access(self, community: bytes, manager: str) -> Access:
        """The best right that the rows give this community from this manager."""
        best = Access.NONE
        for row in self._rows:
            if row.community.encode() != community or row.type == "disabled" or not row.admits(manager):
                continue
            if row.type != "read":
                return Access.WRITE
            best = Access.READ
        return best

    def answering(self, now: Instant) -> bool:
        return not self.muted and self._back_at is None

    def authentication_failed(self, now: Instant) -> None:
        self._generic(GenericTrap.AUTHENTICATION_FAILURE, now, authentication=True)

    def restart(self, now: Instant) -> None:
        """The agent announces its restart, falls silent and comes back with its uptime at zero."""
        self.send(Trap.RESTART_AGENT, now)
        self._cold = False
        self.boots += 1
        self._back_at = after(now, self._profile.card.restart_s)

    def advance(self, now: Instant) -> None:
        if self._back_at is not None and self._back_at <= now:
            self._back_at = None
            self._started = now
            self._generic(GenericTrap.COLD_START if self._cold else GenericTrap.WARM_START, now)

    def next_deadline(self) -> Instant | None:
        return self._back_at

    def send(self, trap: Trap, now: Instant) -> None:
        """Queue a trap for every enabled receiver."""
        if self._back_at is not None:
            return
        self.last_text = TEXTS[trap].encode()
        text = VarBind(TRAP_TEXT, Tag.OCTET_STRING, self.last_text)
        self._queue(APC, GenericTrap.ENTERPRISE_SPECIFIC, trap, now, (text,))

    def _generic(self, trap: GenericTrap, now: Instant, *, authentication: bool = False) -> None:
        self._queue(self._object_id, trap, 0, now, (), authentication=authentication)

    def _queue(
        self,
        enterprise: Oid,
        generic: GenericTrap,
        specific: int,
        now: Instant,
        varbinds: tuple[VarBind, ...],
        *,
        authentication: bool = False,
    ) -> None:
        if self.muted:
            return
        agent = bytes(int(part) for part in self.address.split("."))
        trap = TrapV1(enterprise, agent, generic, specific, self.uptime_ticks(now), varbinds)
        for receiver in self.receivers:
            wanted = receiver.enabled and (receiver.authentication_traps or not authentication)
            if wanted and receiver.address != UNUSED:
                self.outgoing.append(OutgoingTrap(receiver.address, None, receiver.community, trap))
