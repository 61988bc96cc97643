"""A controller's state and how it follows its power, its server and the time.

`Bmc` joins the parts: each keeps its own state and knows none of the others. What knows the whole stands above: the
commands, the injectable faults, what is kept over a loss of power, and the device on the network (`device.py`). The
model calls none of them.

`revision` is another number whenever something may have changed that others look at. What was worked out from the
state holds for one revision; whoever lets a datagram in and finds another revision afterwards has to let the world
settle.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from ridethrough.emulators.bindings.chassis import AcLink, ChassisControl, OsState, RestartCause
from ridethrough.emulators.devices.bmc import fru, pef
from ridethrough.emulators.devices.bmc.boot import BootOptions
from ridethrough.emulators.devices.bmc.chassis import Chassis
from ridethrough.emulators.devices.bmc.console import SerialConsole
from ridethrough.emulators.devices.bmc.events import NO_DATA, EventPath
from ridethrough.emulators.devices.bmc.lan import CHANNEL, AlertDestination, Lan
from ridethrough.emulators.devices.bmc.lifecycle import Lifecycle
from ridethrough.emulators.devices.bmc.pet import PetSource
from ridethrough.emulators.devices.bmc.power_meter import PowerMeter
from ridethrough.emulators.devices.bmc.profile import BmcProfile
from ridethrough.emulators.devices.bmc.recovery_hold import ChassisAction, HoldSettings, RecoveryHold
from ridethrough.emulators.devices.bmc.sel import SelClock
from ridethrough.emulators.devices.bmc.sensors import SensorBank, SensorInputs
from ridethrough.emulators.devices.bmc.sol_parameters import RMCP_PORT
from ridethrough.emulators.devices.bmc.system_settings import SystemSettings
from ridethrough.emulators.devices.bmc.users import Users
from ridethrough.emulators.devices.bmc.watchdog import Watchdog
from ridethrough.emulators.kernel.instant import START, Instant, soonest
from ridethrough.wire.ipmi.message import Privilege
from ridethrough.wire.sel import decode_any

CLOCK_SYNC_OFFSET = 5
SUPPLY_PRESENT, SUPPLY_INPUT_LOST = 0, 3
POWER_OFF_OFFSET = 0
WRONG_PASSWORD, LOCKED_OUT = 2, 3  # of the session audit sensor
STOPPING = (ChassisControl.POWER_DOWN, ChassisControl.POWER_CYCLE, ChassisControl.HARD_RESET)


class InitialUser(NamedTuple):
    """Somebody who may log in from the start."""

    name: str
    password: str
    privilege: Privilege


class BmcOptions(NamedTuple):
    """Settings of a controller that come from the rig, beside its profile."""

    suites: tuple[int, ...] = ()
    """Cipher suites that are on, in place of the profile's."""
    inject: bool = False
    """True if managers may set readings and inject faults by IPMI."""
    port: int = RMCP_PORT
    """UDP port of the LAN channel, which serial over LAN names, too."""
    os_watchdog_s: float = 0.0
    """The operating system tends the watchdog, set to so many seconds; 0 where it does not."""
    hold: HoldSettings = HoldSettings()


class Bmc:
    """Lives from the standby rail of its server's supplies, so it dies with the last outlet."""

    def __init__(
        self,
        name: str,
        address: str,
        supplies: int,
        users: Sequence[InitialUser],
        destinations: Sequence[AlertDestination],
        *,
        profile: BmcProfile,
        guid: UUID,
        epoch_s: int,
        ac_link: AcLink,
        options: BmcOptions,
    ) -> None:
        """`supplies` is the number of power supplies, `epoch_s` Unix time at which the emulated world began."""
        self.name = name
        self.address = address
        self.profile = profile
        self.options = options
        self.guid = guid.bytes[::-1]  # as Get System GUID answers it: least significant octet first
        self.chassis = Chassis(name, supplies, ac_link)
        self.users = Users(users)
        self.sensors = SensorBank(profile, supplies)
        self.lan = Lan.new(address, profile.identity.mac_prefix, options.suites or profile.suites, destinations)
        self.hold = RecoveryHold.new(options.hold)
        self.events = EventPath(self, profile.log_records, len(destinations))
        for octets in profile.log:
            self.events.log.add(decode_any(octets), 0)
        self.watchdog = Watchdog()
        self.boot = BootOptions()
        self.settings = SystemSettings(name)
        self.meter = PowerMeter()
        self.inventory = fru.image(profile.inventory)
        self.console = SerialConsole(name.removesuffix(".bmc"))
        self.clock = SelClock(epoch_s)
        self.lifecycle = Lifecycle()
        self.now: Instant = START  # of the datagram or deadline being handled
        self.revision = 0

    def mark_changed(self, now: Instant) -> None:
        """Make the revision another one: what follows happens at `now`, and changes something."""
        self.now = now
        self.revision += 1

    @property
    def started(self) -> Instant:
        """The instant at which the controller started last."""
        return self.lifecycle.started

    @property
    def reachable(self) -> bool:
        """True while anything can leave the controller."""
        return self.lifecycle.reachable

    @property
    def host_powered(self) -> bool:
        """True while the server is on."""
        return self.chassis.host.value.powered

    @property
    def pet_source(self) -> PetSource:
        """The sender that traps name."""
        identity = self.profile.identity
        return PetSource(self.guid[::-1], identity.manufacturer, identity.product, self.address, self.started)

    @property
    def sensor_inputs(self) -> SensorInputs:
        """The present state of what the readings follow."""
        return SensorInputs(self.chassis.host.value, self.sensors.inlet_celsius, self.profile.nominal_w)

    def clock_s(self) -> int:
        """Unix time by the controller's own clock."""
        return self.clock.unix_s(self.now)

    def set_clock(self, unix_s: int) -> None:
        """Set the clock, with an event before and one after (IPMI 2.0 table 42-3, 12h offset 5)."""
        sensor = self.sensors.of_type(pef.SYSTEM)
        for second in (0x00, 0x80):
            if second:
                self.clock.set(unix_s, self.now)
            if sensor is not None:
                data = (0x40 | CLOCK_SYNC_OFFSET, second, NO_DATA)
                self.events.raise_event(sensor, data, self.now, lasting=False)

    def command_chassis(self, action: ChassisControl, cause: RestartCause = RestartCause.CHASSIS_CONTROL) -> None:
        """Order the server to do something; it acts when the world settles."""
        if cause is RestartCause.CHASSIS_CONTROL and action in STOPPING:
            self.hold.supersede(self.now)
        self.chassis.command(action, cause, self.settings.cycle_s)

    def restart(self, now: Instant) -> None:
        """Cold reset: sessions and whatever was held are lost, log and settings stay."""
        self._forget_running(now)
        self.lifecycle.restart(now, self.profile.start_s)
        self.chassis.seen = None  # it looks at the server as if for the first time

    def login_failed(self, user_id: int) -> None:
        """Count a wrong password, log it where LAN parameter 26 says so, and perhaps lock the user out."""
        self.mark_changed(self.now)
        rule = self.lan.bad_password
        locked = self.users.failed(user_id, rule, self.now)
        sensor = self.sensors.of_type(pef.SESSION)
        if sensor is None:
            return
        self.events.raise_event(sensor, (0xA0 | WRONG_PASSWORD, user_id & 0x3F, CHANNEL), self.now)
        if locked and rule[0] & 1:
            self.events.raise_event(sensor, (0xA0 | LOCKED_OUT, user_id & 0x3F, CHANNEL), self.now)

    def advance(self, now: Instant) -> None:
        """Do what is due at `now`."""
        self.now = now
        self.lifecycle.advance(now)
        self.chassis.advance(now)
        if not self.lifecycle.acts:
            return
        self.boot.advance(now)
        self.events.alerts.advance(now)
        self.events.carry_out(self.hold.advance(now), now)
        for expiry in self.watchdog.advance(now):
            action = None if expiry.action is None else ChassisAction(expiry.action, RestartCause.WATCHDOG)
            sensor = self.sensors.of_type(pef.WATCHDOG)
            if sensor is not None and expiry.logged:
                self.events.raise_event(sensor, (*expiry.event_data, NO_DATA), now, action=action)
            else:
                self.events.carry_out(action, now)

    def next_deadline(self) -> Instant | None:
        """Return the next deadline; None for none. Without power, or hung, only start and lamp have any."""
        life, lamp = self.lifecycle, self.chassis.identify_until
        if not life.acts:
            return soonest(life.ready_at, lamp)
        return soonest(
            life.ready_at,
            lamp,
            self.boot.lapses_at,
            self.events.alerts.next_deadline(),
            self.hold.due,
            self.watchdog.next_deadline(),
        )

    def react(self, now: Instant) -> None:
        """Look at the supplies and the server, and follow them."""
        self.mark_changed(now)
        powered = self.chassis.has_standby
        if powered and not self.lifecycle.powered:
            self.lifecycle.gain_power(now, self.profile.start_s)
        elif self.lifecycle.powered and not powered:
            self._forget_running(now)
            self.lifecycle.lose_power()
        if self.lifecycle.acts:
            self._watch_supplies(now)
            self._watch_host(now)

    def _forget_running(self, now: Instant) -> None:
        """Drop the hold, alerts under way and the watchdog, which do not outlive a restart."""
        self.hold.forget(now)
        self.events.alerts.forget()
        self.watchdog = Watchdog()

    def _watch_supplies(self, now: Instant) -> None:
        states = self.sensors.states
        for sensor, port in zip(self.sensors.all_of(pef.SUPPLY), self.chassis.standby, strict=False):
            states[sensor.number] |= 1 << SUPPLY_PRESENT
            lost = bool(states[sensor.number] >> SUPPLY_INPUT_LOST & 1)
            if lost == port.value:
                data = (SUPPLY_INPUT_LOST, NO_DATA, NO_DATA)
                self.events.raise_event(sensor, data, now, deasserted=port.value)

    def _watch_host(self, now: Instant) -> None:
        host, before = self.chassis.host.value, self.chassis.seen
        if host is before:
            return
        self.chassis.seen = host
        self.meter.sample(host, now)
        if before is not None and host.powered != before.powered:
            sensor = self.sensors.of_type(pef.POWER_UNIT)
            if sensor is not None:
                data = (POWER_OFF_OFFSET, NO_DATA, NO_DATA)
                self.events.raise_event(sensor, data, now, deasserted=host.powered)
            if not host.powered:
                self.watchdog.stop()
                self.hold.supersede(now)
        if before is not None and host.os is OsState.BOOTING and before.os is not OsState.BOOTING:
            self.settings.booted_from = self.boot.consume()
        self.console.watch(host, self.settings.booted_from)
        if self.options.os_watchdog_s:
            self.watchdog.follow(host.os, self.options.os_watchdog_s, now)
        self.watch_readings(now)

    def watch_readings(self, now: Instant) -> None:
        """Raise an event for each threshold passed since the last look."""
        for crossing in self.sensors.crossings(self.sensor_inputs):
            data = (0x50 | crossing.offset, crossing.reading, crossing.limit)
            self.events.raise_event(crossing.sensor, data, now, deasserted=crossing.deasserted)
