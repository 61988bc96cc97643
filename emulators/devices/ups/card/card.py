"""The network card: its start, its access rows and trap receivers, and the traps it sends.

The card knows of the UPS only whether the serial link to it is up. What the agent of the card shows is built from it
elsewhere (`snmp/`): whenever another community or user may see something, `revision` is another number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from ridethrough.emulators.bindings.network import Impairment
from ridethrough.emulators.bindings.snmp import TAGS, Access, UsmUser
from ridethrough.emulators.bindings.traps import OutgoingTrap
from ridethrough.emulators.devices.ups.card.accounts import Accounts
from ridethrough.emulators.devices.ups.card.clock import CardClock
from ridethrough.emulators.devices.ups.card.environment import EnvironmentMonitor
from ridethrough.emulators.devices.ups.card.stored import StoredValues
from ridethrough.emulators.devices.ups.profile import AccessRow, Profile
from ridethrough.emulators.devices.ups.traps import TEXTS, Trap
from ridethrough.emulators.kernel.instant import START, Instant, after, ticks_between
from ridethrough.mibs import MibObject, Oid, standard_tree
from ridethrough.wire.snmp import GenericTrap, Tag, TrapV1, Value, VarBind

APC = Oid.parse("1.3.6.1.4.1.318")
APC_HARDWARE = bytes.fromhex("00c0b7")
UNUSED = "0.0.0.0"
RECEIVERS = 4
MAX_ASKERS = 256
TRAP_TEXT = "mtrapargsString"
NUMBERS = ("mtrapargsInteger", "upsOutletGroupControlIndex")  # variables with the number a trap is about


@dataclass(slots=True)
class Receiver:
    """A row of the trap receiver table."""

    address: str = UNUSED
    community: bytes = b"public"
    enabled: bool = True
    authentication_traps: bool = True
    version: int = 1
    inform: bool = False
    user: bytes = b""


class Card:
    """A card in the UPS called `name`. Implements `SnmpEngine`."""

    def __init__(
        self,
        name: str,
        profile: Profile,
        address: str,
        link_up: Callable[[], bool],
        access: tuple[AccessRow, ...] = (),
        receivers: tuple[Receiver, ...] = (),
        users: tuple[UsmUser, ...] = (),
    ) -> None:
        """Without `access`, the rows are the profile's."""
        self.name = name
        self.profile: Profile = profile
        settings = profile.card
        self.users = {user.name: user for user in users}
        # snmpEngineID of a card: its prefix, format 3, and the hardware address.
        self.hardware: bytes = APC_HARDWARE + bytes(int(part) for part in address.split(".")[1:])
        self.engine_id = bytes.fromhex(settings.engine_prefix) + b"\x03" + self.hardware
        self.boots = 1
        self.address = address
        self.max_message = settings.max_message
        self.lenient_set = settings.lenient_set
        self.muted = False
        self.authentication_traps = True
        self.impairment = Impairment(settings.latency_s, settings.jitter_s)
        self.outgoing: list[OutgoingTrap] = []
        self.receivers = [*receivers[:RECEIVERS]]
        self.receivers += [Receiver() for _ in range(RECEIVERS - len(self.receivers))]
        self.stored = StoredValues(profile)
        self.last_text: bytes = b"\0"  # what mtrapargsString reads back
        self.counters: Counter[str] = Counter()
        self.clock = CardClock()
        self.accounts = self._new_accounts()
        self.environment = EnvironmentMonitor(profile, self.stored, self.send)
        self.rows = access or profile.access
        self.revision = 0
        self.link_up = link_up
        self._rights: dict[tuple[bytes, str, bool], Access] = {}  # judged before
        self._started: Instant = START
        self._back_at: Instant | None = START  # a start is due: at power-up, and at the end of a restart
        self._cold = True
        self._object_id = Oid.parse(profile.text("sysObjectID"))

    def _new_accounts(self) -> Accounts:
        return Accounts(self.address, self.profile.card.logon_s, self.send, self.move)

    def reset(self, now: Instant) -> None:
        """Back to the factory: rows, receivers, account and whatever else managers wrote (003 1.7.4.1(2))."""
        self.set_access(self.profile.access, now)
        self.receivers = [Receiver() for _ in range(RECEIVERS)]
        self.users.clear()
        self.stored.written.clear()
        self.accounts = self._new_accounts()
        self.clock.reset(now)
        self.restart(now)

    def dump_state(self) -> dict[str, Any]:
        """Return what the card keeps when it loses power, as JSON."""
        return {
            "boots": self.boots,
            "written": self.stored.dump_state(),
            "receivers": [
                [row.address, row.community.hex(), row.enabled, row.authentication_traps] for row in self.receivers
            ],
            "rows": [[row.community, row.manager, row.type] for row in self.rows],
            "people": self.accounts.dump_state(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `dump_state` returned in an earlier life; this start is one more boot.

        Raises KeyError, TypeError and ValueError.
        """
        self.boots = state["boots"] + 1
        self.stored.load_state(state["written"])
        for row, kept in zip(self.receivers, state["receivers"], strict=False):
            row.address, row.community = kept[0], bytes.fromhex(kept[1])
            row.enabled, row.authentication_traps = kept[2], kept[3]
        self.set_access(tuple(AccessRow(community=row[0], manager=row[1], type=row[2]) for row in state["rows"]), None)
        self.accounts.load_state(state["people"])

    def set_access(self, rows: tuple[AccessRow, ...], now: Instant | None) -> None:
        """Change who may do what; the receivers get a trap where it is done at an instant."""
        self.rows = rows
        self._rights.clear()
        self.revision += 1
        if now is not None:
            self.send(Trap.SNMP_CONFIG_CHANGED, now)

    def move(self, address: str) -> None:
        """Be reached at another address from now on."""
        self.address = address

    def set_muted(self, *, muted: bool) -> None:
        """Leave the network, or come back to it."""
        self.muted = muted

    def uptime_ticks(self, now: Instant) -> int:
        """Return sysUpTime at an instant; 0 for one before the last start."""
        step = self.profile.card.uptime_step_ticks
        return max(0, ticks_between(self._started, now)) // step * step % (1 << 32)

    def engine_time_s(self, now: Instant) -> int:
        """Return snmpEngineTime: seconds since the last start."""
        return ticks_between(self._started, now) // 100

    def restart(self, now: Instant) -> None:
        """Announce a restart of the agent, fall silent and come back later with an uptime of zero."""
        self.send(Trap.RESTART_AGENT, now)
        self._cold = False
        self.boots += 1
        self.accounts.log_off()
        self._back_at = after(now, self.profile.card.restart_s)

    def advance(self, now: Instant) -> None:
        """Come back at the end of a restart."""
        if self._back_at is not None and self._back_at <= now:
            self._back_at = None
            self._started = now
            self._generic(GenericTrap.COLD_START if self._cold else GenericTrap.WARM_START, now)
            if self.link_up():
                self.send(Trap.COMMUNICATION_ESTABLISHED, now)

    def deadlines(self) -> list[Instant | None]:
        """Return when something happens here by itself."""
        return [self._back_at, self.accounts.next_deadline()]

    def access(self, community: bytes, manager: str) -> Access:
        """Return the best right that the rows give this community from this manager.

        Rows of the type `write` only read while somebody is logged on.
        """
        asker = (community, manager, self.accounts.logged_on)
        known = self._rights.get(asker)
        if known is None:
            if len(self._rights) >= MAX_ASKERS:
                self._rights.clear()
            known = self._rights[asker] = self._judge(community, manager)
        return known

    def _judge(self, community: bytes, manager: str) -> Access:
        best = Access.NONE
        for row in self.rows:
            if row.community.encode() != community or row.type == "disabled" or not row.admits(manager):
                continue
            if row.type == "write+" or (row.type == "write" and not self.accounts.logged_on):
                return Access.WRITE
            best = Access.READ
        return best

    def communities(self) -> dict[bytes, Access]:
        """Return every community that has a right somewhere, with the best one."""
        best: dict[bytes, Access] = {}
        for row in self.rows:
            if row.type != "disabled":
                name = row.community.encode()
                best[name] = Access.WRITE if row.type != "read" else best.get(name, Access.READ)
        return best

    def answering(self, now: Instant) -> bool:
        """Return whether the agent answers now."""
        return not self.muted and self._back_at is None

    def silent(self) -> str:
        """Return why the card sends nothing to anybody; an empty text where it does."""
        if self.muted:
            return f"the card of {self.name} is off the network"
        return "" if self._back_at is None else f"the card of {self.name} is starting"

    def authentication_failed(self, now: Instant) -> None:
        """Send the trap of a request without a right, unless managers do not want it."""
        if self.authentication_traps:
            self._generic(GenericTrap.AUTHENTICATION_FAILURE, now, authentication=True)

    def send(
        self,
        trap: int,
        now: Instant,
        number: int = 0,
        *,
        values: Mapping[str, Value] | None = None,
        index: tuple[int, ...] | None = None,
        text: str | None = None,
    ) -> None:
        """Queue a trap of the maker's for every enabled receiver.

        Its variables are those that the MIB lists for it, in that order: from `values`, `number` where it is about one
        of several, and the text. `index` is that of their instances; without it, `number`.
        """
        if self._back_at is not None:
            return
        self.last_text = (text if text is not None else TEXTS[trap]).encode()
        known = {TRAP_TEXT: self.last_text, **dict.fromkeys(NUMBERS, number), **(values or {})}
        own = index or (number,)
        variables = tuple(
            VarBind(item.oid.child(*((0,) if item.name.startswith("mtrapargs") else own)), tag, known[item.name])
            for item, tag in _variables(trap)
        )
        self._queue(APC, GenericTrap.ENTERPRISE_SPECIFIC, trap, now, variables)

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
        for row in self.receivers:
            if row.enabled and row.address != UNUSED and (row.authentication_traps or not authentication):
                self.counters["snmpOutTraps"] += 1
                self.outgoing.append(
                    OutgoingTrap(row.address, None, row.community, trap, row.version, row.inform, row.user)
                )


@cache
def _variables(trap: int) -> tuple[tuple[MibObject, Tag], ...]:
    """Return the variables of a trap, as the MIB lists them. Raises KeyError for a trap that no MIB text defines."""
    tree = standard_tree()
    found = tree.find(APC.child(0, trap))
    if found is None:
        raise KeyError(f"no MIB text defines trap {trap}")
    return tuple((item, TAGS[item.syntax]) for item in map(tree.named, found[0].objects))
