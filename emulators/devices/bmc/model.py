"""State of a BMC: standby power, sensors, log, filters, alerts, and its hold on the chassis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from ridethrough.emulators.bindings.chassis import AcLink, Action, ChassisOrder, Host, OsState, RestartCause
from ridethrough.emulators.bindings.inputs import Inputs, numeric, plain, while_able
from ridethrough.emulators.bindings.ipmi import SteadyAnswers, dispatch
from ridethrough.emulators.bindings.network import Impairment, network_inputs
from ridethrough.emulators.bindings.traps import OutgoingTrap
from ridethrough.emulators.devices.bmc import fru, pef
from ridethrough.emulators.devices.bmc import persistence as keeping
from ridethrough.emulators.devices.bmc.boot import BootOptions
from ridethrough.emulators.devices.bmc.commands import READS, STEADY, TABLE
from ridethrough.emulators.devices.bmc.console import Console
from ridethrough.emulators.devices.bmc.events import Eventing
from ridethrough.emulators.devices.bmc.faults import Damage
from ridethrough.emulators.devices.bmc.lan import CHANNEL, Destination, Lan
from ridethrough.emulators.devices.bmc.power_meter import PowerMeter
from ridethrough.emulators.devices.bmc.profile import BmcProfile
from ridethrough.emulators.devices.bmc.recovery_hold import Flags, Link, Order
from ridethrough.emulators.devices.bmc.sensors import Around, SensorBank
from ridethrough.emulators.devices.bmc.sol_parameters import RMCP_PORT, retry_of
from ridethrough.emulators.devices.bmc.system_settings import Extras
from ridethrough.emulators.devices.bmc.users import Users
from ridethrough.emulators.devices.bmc.watchdog import Watchdog
from ridethrough.emulators.kernel.instant import START, Instant, after, soonest
from ridethrough.emulators.kernel.world import Port
from ridethrough.wire.ipmi.message import Privilege, Request
from ridethrough.wire.ipmi.session import Account, Policy, Session
from ridethrough.wire.sel import decode_any

NO_DATA = 0xFF
CLOCK_SYNC_OFFSET = 5
SUPPLY_PRESENT, SUPPLY_INPUT_LOST = 0, 3
POWER_OFF_OFFSET = 0
WRONG_PASSWORD, LOCKED_OUT = 2, 3  # of the session audit sensor
INLET_CELSIUS = 22.0
STOPPING = (Action.POWER_DOWN, Action.POWER_CYCLE, Action.HARD_RESET)


class User(NamedTuple):
    name: str
    password: str
    privilege: Privilege


class LinkSettings(NamedTuple):
    """How the link stands in a new controller; times in seconds."""

    on: bool = False
    start_s: float = 10.0
    end_s: float = 120.0
    ceiling_s: float = 300.0


class Bmc:
    """Lives from the standby rail of its server's supplies, so it dies with the last outlet."""

    kind = "bmc"

    def __init__(
        self,
        name: str,
        address: str,
        supplies: int,
        users: list[User],
        destinations: Sequence[Destination],
        *,
        profile: BmcProfile,
        guid: UUID,
        epoch_s: int,
        ac_link: AcLink,
        link: LinkSettings,
        suites: tuple[int, ...] = (),
        inject: bool = False,
        port: int = RMCP_PORT,
        os_watchdog_s: float = 0.0,
    ) -> None:
        """`epoch_s` is the Unix time at which the emulated world began; `suites` replace those of the profile.

        With `os_watchdog_s` the operating system tends the watchdog, which is set to so many seconds.
        """
        self.name = name
        self.address = address
        self.profile = profile
        self.standby = [Port(name, f"standby{index}", False) for index in range(1, supplies + 1)]
        self.host = Port(name, "host", Host())
        self.order = Port(name, "order", ChassisOrder(0, Action.POWER_DOWN, RestartCause.UNKNOWN))
        self.policy = Port(name, "policy", ac_link)
        self.users = Users([(user.name, user.password, user.privilege) for user in users])
        self.bank = SensorBank(profile, supplies)
        self.lan = Lan.new(address, profile.identity.mac_prefix, suites or profile.suites, destinations)
        self.events = Eventing(self, profile.log_records, len(destinations))
        self.log, self.pef, self.alerts = self.events.log, self.events.pef, self.events.alerts
        for octets in profile.log:
            self.log.add(decode_any(octets), 0)
        self.link = Link(Flags.ACTS_ON_TIMEOUT | (Flags.ON if link.on else 0), link.start_s, link.end_s, link.ceiling_s)
        self.watchdog = Watchdog()
        self.boot = BootOptions()
        self.extras = Extras(name)
        self.meter = PowerMeter()
        self.inventory = fru.image(profile.inventory)
        self.impairment = Impairment()
        self.generation = 0  # grows whenever sessions are lost
        self.muted = self.hung = False
        self.touched = False  # whether anything has changed that others should look at
        self._steady = SteadyAnswers(STEADY)  # until the world settles again, as it does after every change
        self._accounts: dict[bytes, Account] = {}  # who may log in, likewise
        self.identify_until: Instant | None = None
        self.started: Instant = START
        self.inlet_celsius = INLET_CELSIUS
        self.pet_guid, self.guid = guid.bytes, guid.bytes[::-1]  # Get System GUID: least significant octet first
        self.kg = b""
        self.may_inject, self.max_sessions = inject, profile.sessions
        self.port, self._os_watchdog_s = port, os_watchdog_s
        self.record_reservation = 0
        self.beats: dict[bytes, Instant] = {}  # heartbeats by the address they came from
        self.console = Console(name.removesuffix(".bmc"))
        self.console_holder: int | None = None  # the session that has the console
        self._epoch_s = epoch_s
        self._clock_offset_s = 0
        self.alive = False
        self._first_look = True
        self._ready_at: Instant | None = None
        self._seen_host: Host | None = None
        self._now: Instant = START
        self.damage = Damage(self)
        self.inputs = Inputs(
            {
                **self.damage.inputs(),
                "inlet": numeric("the air at the inlet has so many degrees", "CELSIUS", 0, 80, self._inlet),
                "lan_cut": plain("the BMC's network cable is pulled", self._plug(out=True)),
                "lan_mend": plain("the BMC's network cable is back", self._plug(out=False)),
                "hang": while_able(
                    self.damage.powerless, plain("the controller hangs: it neither answers nor acts", self._hang)
                ),
                "cold_reset": while_able(self.damage.powerless, plain("the controller restarts", self.restart)),
                **network_inputs(self.impairment),
            }
        )

    # --- IPMI host --------------------------------------------------------------------------------------------

    def account(self, name: bytes) -> Account | None:
        known = None if self.touched else self._accounts.get(name)
        if known is None and self.lan.access_mode:
            known = self.users.account(name, self.lan.limit, self._now)
            if known is not None and not self.touched:
                self._accounts[name] = known
        return known

    def execute(self, request: Request, session: Session | None) -> tuple[int, bytes]:
        self.extras.datagrams += 1
        if not self.touched and (known := self._steady.answer(request, session)) is not None:
            return known
        self.touched = self.touched or not READS.get(request[:2], False)
        answer = dispatch(TABLE, self, request, session)
        if not self.touched:
            self._steady.learn(request, session, answer)
        return answer

    def login_failed(self, user_id: int) -> None:
        """A wrong password: counted, logged where parameter 26 says so, and perhaps the end for that user."""
        self.touched = True
        rule = self.lan.bad_password
        locked = self.users.failed(user_id, rule, self._now)
        sensor = self.bank.of_type(pef.SESSION)
        if sensor is None:
            return
        self.events.record(sensor, (0xA0 | WRONG_PASSWORD, user_id & 0x3F, CHANNEL), self._now)
        if locked and rule[0] & 1:
            self.events.record(sensor, (0xA0 | LOCKED_OUT, user_id & 0x3F, CHANNEL), self._now)

    def login_succeeded(self, user_id: int) -> None:
        self.users.succeeded(user_id)

    @property
    def login_policy(self) -> Policy:
        """Who may log in how."""
        lan = self.lan
        # IPMI 1.5 has one list of types for each level; a session is offered those of administrators.
        types = lan.auth_enables[Privilege.ADMINISTRATOR - 1]
        return Policy(lan.suites, tuple(lan.suite_levels), types, self.kg)

    def type_console(self, octets: bytes) -> None:
        self.touched = True
        self.console.type(octets)

    @property
    def console_retry(self) -> tuple[int, int]:
        """How often, and after how many milliseconds, an unacknowledged packet goes out again."""
        return retry_of(self.extras.sol)

    def console_since(self, at: int) -> tuple[bytes, int]:
        return self.console.since(at), self.console.spoken

    def open_console(self, session_id: int) -> None:
        """From now on the console speaks to a session."""
        self.console_holder = session_id

    def close_console(self) -> None:
        """The console speaks to nobody."""
        self.console_holder = None

    def answering(self, now: Instant) -> bool:
        self._now = now
        return self.alive and not self.muted and not self.hung and self._ready_at is None

    @property
    def now(self) -> Instant:
        """The instant of the datagram or deadline being handled."""
        return self._now

    def at(self, now: Instant) -> None:
        """What follows happens at `now`, and changes something."""
        self._now = now
        self.touched = True

    @property
    def on_air(self) -> bool:
        """Whether anything can leave the controller."""
        return self.alive and not self.muted and not self.hung

    @property
    def outgoing(self) -> list[OutgoingTrap]:
        return self.alerts.outgoing

    # --- clock ------------------------------------------------------------------------------------------------

    def clock_s(self) -> int:
        """Unix time by the BMC's own clock."""
        return max(0, self._epoch_s + self._now // 1000 + self._clock_offset_s)

    def set_clock(self, unix_s: int) -> None:
        """Told as a pair of events, before and after (IPMI 2.0 table 42-3, 12h offset 5)."""
        sensor = self.bank.of_type(pef.SYSTEM)
        for second in (0x00, 0x80):
            if second:
                self._clock_offset_s += unix_s - self.clock_s()
            if sensor is not None:
                self.events.record(sensor, (0x40 | CLOCK_SYNC_OFFSET, second, NO_DATA), self._now, lasting=False)

    # --- chassis ----------------------------------------------------------------------------------------------

    def command_chassis(self, action: Action, cause: RestartCause = RestartCause.CHASSIS_CONTROL) -> None:
        """Give the server an order; it acts when the world settles."""
        if cause is RestartCause.CHASSIS_CONTROL and action in STOPPING:
            self.link.supersede(self._now)
        self.order.value = ChassisOrder(self.order.value.serial + 1, action, cause, self.extras.cycle_s)

    def restart(self, now: Instant) -> None:
        """Cold reset: sessions and whatever was held are lost, log and settings stay."""
        self._lose_power(now)
        self.started = now
        self._ready_at = after(now, self.profile.start_s)
        self._seen_host = None  # it looks at the server as if for the first time

    # --- sensors -----------------------------------------------------------------------------------

    @property
    def around(self) -> Around:
        return Around(self.host.value, self.inlet_celsius, self.profile.nominal_w)

    # --- inputs -----------------------------------------------------------------------------------------------

    def _inlet(self, celsius: float, now: Instant) -> None:
        self.inlet_celsius = celsius
        if not self.damage.unable():
            self.watch_readings(now)

    def _plug(self, *, out: bool) -> Callable[[Instant], None]:
        return lambda _now: setattr(self, "muted", out)

    def _hang(self, _now: Instant) -> None:
        self.hung = True

    # --- device -----------------------------------------------------------------------------------------------

    def advance(self, now: Instant) -> None:
        self._now = now
        if self._ready_at is not None and self._ready_at <= now:
            self._ready_at = None
        if self.identify_until is not None and self.identify_until <= now:
            self.identify_until = None
        if self.hung or not self.alive:
            return
        self.boot.advance(now)
        self.alerts.advance(now)
        self.events.act(self.link.advance(now), now)
        for expiry in self.watchdog.advance(now):
            order = None if expiry.action is None else Order(expiry.action, RestartCause.WATCHDOG)
            sensor = self.bank.of_type(pef.WATCHDOG)
            if sensor is not None and expiry.logged:
                self.events.record(sensor, (*expiry.event_data, NO_DATA), now, action=order)
            else:
                self.events.act(order, now)

    def next_deadline(self) -> Instant | None:
        """A controller without power, or hung, has nothing to wait for but its start."""
        if self.hung or not self.alive:
            return soonest(self._ready_at, self.identify_until)
        return soonest(
            self._ready_at,
            self.identify_until,
            self.boot.lapses_at,
            self.alerts.next_deadline(),
            self.link.due,
            self.watchdog.next_deadline(),
        )

    def react(self, now: Instant) -> None:
        self._now = now
        self._steady.forget()
        self._accounts.clear()
        alive = any(port.value for port in self.standby)
        if alive != self.alive:
            self.alive = alive
            if alive:
                self.started = now
                self._ready_at = None if self._first_look else after(now, self.profile.start_s)
                self._first_look = False
            else:
                self._lose_power(now)
        if alive and not self.hung:
            self._watch_supplies(now)
            self._watch_host(now)

    def _lose_power(self, now: Instant) -> None:
        self.generation += 1
        self._ready_at = None
        self.hung = False
        self.link.forget(now)
        self.alerts.forget()
        self.watchdog = Watchdog()

    def _watch_supplies(self, now: Instant) -> None:
        for sensor, port in zip(self.bank.all_of(pef.SUPPLY), self.standby, strict=False):
            self.bank.states[sensor.number] |= 1 << SUPPLY_PRESENT
            lost = bool(self.bank.states[sensor.number] >> SUPPLY_INPUT_LOST & 1)
            if lost == port.value:
                self.events.record(sensor, (SUPPLY_INPUT_LOST, NO_DATA, NO_DATA), now, deasserted=port.value)

    def _watch_host(self, now: Instant) -> None:
        host, before = self.host.value, self._seen_host
        if host is before:
            return
        self._seen_host = host
        self.meter.look(host, now)
        if before is not None and host.powered != before.powered:
            sensor = self.bank.of_type(pef.POWER_UNIT)
            if sensor is not None:
                self.events.record(sensor, (POWER_OFF_OFFSET, NO_DATA, NO_DATA), now, deasserted=host.powered)
            if not host.powered:
                self.watchdog.stop()
                self.link.supersede(now)
        if before is not None and host.os is OsState.BOOTING and before.os is not OsState.BOOTING:
            self.extras.booted_from = self.boot.consume()
        self.console.watch(host, self.extras.booted_from)
        if self._os_watchdog_s:
            self.watchdog.follow(host.os, self._os_watchdog_s, now)
        self.watch_readings(now)

    def watch_readings(self, now: Instant) -> None:
        """Events of thresholds passed."""
        for crossing in self.bank.crossings(self.around):
            data = (0x50 | crossing.offset, crossing.reading, crossing.limit)
            self.events.record(crossing.sensor, data, now, deasserted=crossing.deasserted)

    def ports(self) -> Iterable[Port[Any]]:
        return [self.order, self.policy]

    def snapshot(self, now: Instant) -> dict[str, Any]:
        state = "off" if not self.alive else "starting" if self._ready_at is not None else "running"
        processor = next((n for n, row in self.bank.rows.items() if row.drive == "processor"), None)
        return {
            "state": "cut off" if self.muted and self.alive else "hung" if self.hung else state,
            "log_records": len(self.log.records),
            "faults": list(self.damage.active),
            "temperature_c": None if processor is None else self.bank.reading(processor, self.around),
            "boot_device": self.boot.device,
            "booted_from": self.extras.booted_from,
            "identify": self.identify_until is not None,
            "link": self.link.snapshot(now),
        }

    # --- memory -----------------------------------------------------------------------------------------------

    def dump_state(self) -> dict[str, Any]:
        """What the controller keeps when it loses power, as JSON."""
        return keeping.kept(self)

    def load_state(self, memory: dict[str, Any]) -> None:
        """Take up what `memory` returned in an earlier life. Raises ValueError, KeyError or TypeError."""
        keeping.take_up(self, memory)
