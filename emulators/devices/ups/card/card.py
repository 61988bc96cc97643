"""The network card: uptime, access rows, trap receivers, what managers wrote, and the traps it sends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from ridethrough.emulators.bindings.engine_rows import Member, access_rows, engine_rows, members_of
from ridethrough.emulators.bindings.network import Impairment
from ridethrough.emulators.bindings.snmp import MOST_SHARED_PLANS, TAGS, Access, Instance, Instances, UsmUser
from ridethrough.emulators.bindings.traps import OutgoingTrap
from ridethrough.emulators.devices.ups.card.accounts import People
from ridethrough.emulators.devices.ups.card.clock import Clock
from ridethrough.emulators.devices.ups.card.environment import Environment
from ridethrough.emulators.devices.ups.outlet_groups import OutletGroups
from ridethrough.emulators.devices.ups.profile import AccessRow, Profile
from ridethrough.emulators.devices.ups.snmp.objects import RECEIVERS, instances_of
from ridethrough.emulators.devices.ups.snmp.rfc1628 import AlarmTable
from ridethrough.emulators.devices.ups.snmp.rows import always
from ridethrough.emulators.devices.ups.traps import TEXTS, Trap
from ridethrough.emulators.kernel.instant import START, Instant, after, ticks_between
from ridethrough.mibs import MibObject, Oid, standard_tree
from ridethrough.wire.snmp import GenericTrap, Tag, TrapV1, Value, VarBind

if TYPE_CHECKING:
    from ridethrough.emulators.devices.ups.model import Ups

APC = Oid.parse("1.3.6.1.4.1.318")
UPS_BRANCH = APC.child(1, 1, 1)
UPS_MIB = Oid.parse("1.3.6.1.2.1.33")
SYS_DESCR, SYS_OBJECT_ID = Oid.parse("1.3.6.1.2.1.1.1.0"), Oid.parse("1.3.6.1.2.1.1.2.0")
BARE_DESCR = b"APC SNMP Agent"  # of a card whose UPS application did not start
APC_HARDWARE = bytes.fromhex("00c0b7")
UNUSED = "0.0.0.0"
MOST_ASKERS = 256
TRAP_TEXT = "mtrapargsString"


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
    """The SNMP face of a UPS. Implements `SnmpView`."""

    def __init__(
        self,
        ups: Ups,
        address: str,
        access: tuple[AccessRow, ...],
        receivers: tuple[Receiver, ...],
        users: tuple[UsmUser, ...] = (),
    ) -> None:
        self.ups = ups
        self.profile: Profile = ups.profile
        settings = ups.profile.card
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
        self.written: dict[str, Value] = {}  # values that managers changed, by instance
        self.last_text: bytes = b"\0"  # what mtrapargsString reads back
        self.counters: Counter[str] = Counter()
        self.clock = Clock()
        self.people = People(self)
        self.environment = Environment(self)
        self.groups = OutletGroups(self)
        self.alarms: AlarmTable = AlarmTable()
        self.rows = access
        self._rights: dict[tuple[bytes, str, bool], Access] = {}  # judged before
        self._started: Instant = START
        self._back_at: Instant | None = START  # a start is due: at power-up, and at the end of a restart
        self._cold = True
        self._object_id = Oid.parse(ups.profile.text("sysObjectID"))
        self._application = True
        self._frozen = False
        self._instances: Instances | None = None

    # --- objects ----------------------------------------------------------------------------------------------

    @property
    def instances(self) -> Instances:
        """Everything that can be read now."""
        if self._instances is None:
            base, members, alarms = _with_engine(self.profile), members_of(self), self.alarms.instances()
            shown = Instances([*access_rows(members), *alarms], base) if alarms else _of_members(base, members)
            self._instances = shown if self._application else _without_application(shown)
        return self._instances

    def refresh(self) -> None:
        """What can be read has changed."""
        if not self._frozen:
            self._instances = None

    def freeze(self, now: Instant) -> None:
        """From now on every measurement reads as it does now."""
        self._instances = Instances(
            replace(row, get=always(row.get(self, now))) if row.measured else row for row in self.instances
        )
        self._frozen = True

    def thaw(self) -> None:
        """Measurements move again."""
        self._frozen = False
        self.refresh()

    def reset(self, now: Instant) -> None:
        """Back to the factory: rows, receivers, account and whatever else managers wrote (003 1.7.4.1(2))."""
        self.set_access(self.profile.access, now)
        self.receivers = [Receiver() for _ in range(RECEIVERS)]
        self.users = {}
        self.written.clear()
        self.people = People(self)
        self.clock.reset(now)
        self.restart(now)

    def lose_application(self, *, lost: bool) -> None:
        """The program that knows the UPS does not run on the card, as after a spoilt update; or runs again."""
        self._application = not lost
        self._frozen = False
        self.refresh()

    def number(self, label: str) -> int:
        """An integer that the card keeps; 0 where it has none."""
        value = self.written.get(label, self.profile.instances.get(label))
        return value if isinstance(value, int) else 0

    def text(self, label: str) -> bytes:
        """A text that the card keeps; empty where it has none."""
        value = self.written.get(label, self.profile.instances.get(label))
        if isinstance(value, bytes):
            return value
        return value.encode() if isinstance(value, str) else b""

    # --- memory -----------------------------------------------------------------------------------------------

    def memory(self) -> dict[str, Any]:
        """What the card keeps when it loses power, as JSON."""
        return {
            "boots": self.boots,
            "written": {label: _as_json(value) for label, value in self.written.items()},
            "receivers": [
                [row.address, row.community.hex(), row.enabled, row.authentication_traps] for row in self.receivers
            ],
            "rows": [[row.community, row.manager, row.type] for row in self.rows],
            "people": self.people.memory(),
        }

    def recall(self, memory: dict[str, Any]) -> None:
        """Take up what `memory` returned in an earlier life; this start is one more boot."""
        self.boots = memory["boots"] + 1
        self.written = {label: _from_json(value) for label, value in memory["written"].items()}
        for row, kept in zip(self.receivers, memory["receivers"], strict=False):
            row.address, row.community = kept[0], bytes.fromhex(kept[1])
            row.enabled, row.authentication_traps = kept[2], kept[3]
        self.set_access(tuple(AccessRow(community=row[0], manager=row[1], type=row[2]) for row in memory["rows"]), None)
        self.people.recall(memory["people"])

    def set_access(self, rows: tuple[AccessRow, ...], now: Instant | None) -> None:
        """Change who may do what; told to the receivers when it is done at an instant."""
        self.rows = rows
        self._rights.clear()
        self.refresh()
        if now is not None:
            self.send(Trap.SNMP_CONFIG_CHANGED, now)

    def move(self, address: str) -> None:
        """Be reached at another address from now on."""
        self.address = address

    # --- time -------------------------------------------------------------------------------------------------

    def uptime_ticks(self, now: Instant) -> int:
        """sysUpTime at an instant; 0 for one before the last start."""
        step = self.profile.card.uptime_step_ticks
        return max(0, ticks_between(self._started, now)) // step * step % (1 << 32)

    def engine_time_s(self, now: Instant) -> int:
        return ticks_between(self._started, now) // 100

    def restart(self, now: Instant) -> None:
        """The agent announces its restart, falls silent and comes back with its uptime at zero."""
        self.send(Trap.RESTART_AGENT, now)
        self._cold = False
        self.boots += 1
        self.people.log_off()
        self._back_at = after(now, self.profile.card.restart_s)

    def advance(self, now: Instant) -> None:
        self.people.advance(now)
        self.groups.advance(now)
        if self._back_at is not None and self._back_at <= now:
            self._back_at = None
            self._started = now
            self._generic(GenericTrap.COLD_START if self._cold else GenericTrap.WARM_START, now)
            if self.ups.link_up:
                self.send(Trap.COMMUNICATION_ESTABLISHED, now)

    def deadlines(self) -> list[Instant | None]:
        return [self._back_at, self.people.next_deadline(), *self.groups.deadlines()]

    # --- access -----------------------------------------------------------------------------------------------

    def access(self, community: bytes, manager: str) -> Access:
        """The best right that the rows give this community from this manager; `write` rests while people are on."""
        asker = (community, manager, self.people.logged_on)
        known = self._rights.get(asker)
        if known is None:
            if len(self._rights) >= MOST_ASKERS:
                self._rights.clear()
            known = self._rights[asker] = self._judge(community, manager)
        return known

    def _judge(self, community: bytes, manager: str) -> Access:
        best = Access.NONE
        for row in self.rows:
            if row.community.encode() != community or row.type == "disabled" or not row.admits(manager):
                continue
            if row.type == "write+" or (row.type == "write" and not self.people.logged_on):
                return Access.WRITE
            best = Access.READ
        return best

    def communities(self) -> dict[bytes, Access]:
        best: dict[bytes, Access] = {}
        for row in self.rows:
            if row.type != "disabled":
                name = row.community.encode()
                best[name] = Access.WRITE if row.type != "read" else best.get(name, Access.READ)
        return best

    def answering(self, now: Instant) -> bool:
        return not self.muted and self._back_at is None

    def silent(self) -> str:
        """Why the card tells nobody anything; empty where it does."""
        if self.muted:
            return f"the card of {self.ups.name} is off the network"
        return "" if self._back_at is None else f"the card of {self.ups.name} is starting"

    def resting(self, now: Instant) -> bool:
        return self.ups.battery.resting(now)

    # --- traps ------------------------------------------------------------------------------------------------

    def authentication_failed(self, now: Instant) -> None:
        if self.authentication_traps:
            self._generic(GenericTrap.AUTHENTICATION_FAILURE, now, authentication=True)

    def send(
        self,
        trap: int,
        now: Instant,
        values: Mapping[str, Value] | None = None,
        *,
        index: tuple[int, ...] = (0,),
        text: str | None = None,
    ) -> None:
        """Queue a trap of the maker's for every enabled receiver.

        Its variables are those that the MIB lists for it, in that order, with `values` and, last, the text.
        """
        if self._back_at is not None:
            return
        self.last_text = (text if text is not None else TEXTS[trap]).encode()
        known = {TRAP_TEXT: self.last_text, **(values or {})}
        variables = tuple(
            VarBind(item.oid.child(*((0,) if item.name.startswith("mtrapargs") else index)), tag, known[item.name])
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
    """The variables of a trap, as the MIB lists them."""
    tree = standard_tree()
    found = tree.find(APC.child(0, trap))
    if found is None:
        raise KeyError(f"no MIB text defines trap {trap}")
    return tuple((item, TAGS[item.syntax]) for item in map(tree.named, found[0].objects))


@lru_cache(maxsize=256)
def _of_members(base: Instances, members: tuple[Member, ...]) -> Instances:
    """The same for all cards of a profile that the same people may use."""
    return Instances(access_rows(members), base, MOST_SHARED_PLANS)


_engine: dict[int, Instances] = {}


def _with_engine(profile: Profile) -> Instances:
    """Instances of a profile, and those of every engine; made once for all its cards."""
    base = instances_of(profile)
    if id(base) not in _engine:
        _engine[id(base)] = Instances(engine_rows(), base, MOST_SHARED_PLANS)
    return _engine[id(base)]


def _without_application(shown: Instances) -> Instances:
    rows: list[Instance] = []
    for row in shown:
        if row.oid == SYS_DESCR:
            row = replace(row, get=always(BARE_DESCR))
        elif row.oid == SYS_OBJECT_ID:
            row = replace(row, get=always(APC))
        if not UPS_BRANCH.covers(row.oid) and not UPS_MIB.covers(row.oid):
            rows.append(row)
    return Instances(rows)


def _as_json(value: Value) -> int | str | None:
    return value.hex() if isinstance(value, bytes) else f"oid:{value}" if isinstance(value, Oid) else value


def _from_json(value: int | str | None) -> Value:
    if isinstance(value, str):
        return Oid.parse(value.removeprefix("oid:")) if value.startswith("oid:") else bytes.fromhex(value)
    return value
