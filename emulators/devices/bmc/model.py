"""State of a BMC: power, sensors, log, users, alerts, and its hold on the chassis."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from emulators.bindings.chassis import AcLink, Action, ChassisOrder, Host, RestartCause
from emulators.bindings.inputs import Inputs, plain
from emulators.bindings.ipmi import Table, dispatch
from emulators.bindings.traps import OutgoingTrap
from emulators.devices.bmc import sensors as rows
from emulators.devices.bmc.commands import NEC, PRODUCT_ID, commands_of
from emulators.devices.bmc.log import EventLog
from emulators.devices.bmc.users import Users
from emulators.kernel.instant import START, Instant, after, ticks_between
from emulators.kernel.world import Port
from wire import pet
from wire.ipmi.message import BMC_ADDRESS, Privilege, Request
from wire.ipmi.session import Account, Session
from wire.sdr import Sensor
from wire.sel import SelRecord
from wire.snmp import GenericTrap, Tag, TrapV1, VarBind

START_S = 20.0  # from standby power to the first answer
ENGLISH = 0x19
PEF_ACTION_OFFSET = 4  # of the system event sensor: "PEF action about to be taken"
PEF_BITS = {Action.POWER_DOWN: 0x02, Action.HARD_RESET: 0x04, Action.POWER_CYCLE: 0x08}
SUPPLY_PRESENT = 0
SUPPLY_INPUT_LOST = 3


class User(NamedTuple):
    name: str
    password: str
    privilege: Privilege


class AlertDestination(NamedTuple):
    """Where platform event traps go. `port` None is the trap port of the rig."""

    receiver: str
    port: int | None = None


class Bmc:
    """Lives from the standby rail of its server's supplies, so it dies with the last outlet."""

    kind = "bmc"

    def __init__(
        self,
        name: str,
        address: str,
        supplies: int,
        users: list[User],
        alerts: list[AlertDestination],
        *,
        guid: UUID,
        epoch_s: int,
        ac_link: AcLink,
        community: str = "public",
    ) -> None:
        """`epoch_s` is the Unix time at which the emulated world began."""
        self.name = name
        self.address = address
        self.standby = [Port(f"{name}.standby{index}", False) for index in range(1, supplies + 1)]
        self.host = Port(f"{name}.host", Host())
        self.order = Port(f"{name}.order", ChassisOrder(0, Action.POWER_DOWN, RestartCause.UNKNOWN))
        self.policy = Port(f"{name}.policy", ac_link)
        self.users = Users([(user.name, user.password, user.privilege) for user in users])
        self.log = EventLog()
        self.generation = 0  # grows whenever sessions are lost
        self.muted = False
        self.outgoing: list[OutgoingTrap] = []
        self.sensors: dict[int, Sensor] = {**rows.BY_NUMBER, **_more_supplies(supplies)}
        self.states: dict[int, int] = dict.fromkeys(self.sensors, 0)  # asserted offsets, a bit each
        self.overrides: dict[int, int] = {}  # raw readings that a fault holds
        self.identify_until: Instant | None = None
        self.pet_guid = guid.bytes
        self.guid = guid.bytes[::-1]  # Get System GUID sends the least significant octet first
        self._epoch_s = epoch_s
        self._clock_offset_s = 0
        self._community = community.encode()
        self._alerts = alerts
        self._pet_sequence = 0
        self._started: Instant = START
        self._alive = False
        self._first_look = True
        self._ready_at: Instant | None = None
        self._seen_host: Host | None = None
        self._active_faults: list[str] = []
        self._now: Instant = START
        self._commands: Table = commands_of(self)
        self.inputs = Inputs(
            {
                **{name: plain(fault.text, self._raiser(name)) for name, fault in rows.FAULTS.items()},
                "clear": plain("every injected fault is repaired", self._clear_faults),
                "lan_cut": plain("the BMC's network cable is pulled", self._lan_cut),
                "lan_mend": plain("the BMC's network cable is back", self._lan_mend),
            }
        )

    # --- IPMI host --------------------------------------------------------------------------------------------

    def account(self, name: bytes) -> Account | None:
        return self.users.account(name)

    def execute(self, request: Request, session: Session | None) -> tuple[int, bytes]:
        return dispatch(self._commands, request, session)

    def answering(self, now: Instant) -> bool:
        self._now = now
        return self._alive and self._ready_at is None and not self.muted

    @property
    def now(self) -> Instant:
        """The instant of the datagram or deadline being handled."""
        return self._now

    # --- clock ------------------------------------------------------------------------------------------------

    def clock_s(self) -> int:
        """Unix time by the BMC's own clock."""
        return self._epoch_s + self._now // 1000 + self._clock_offset_s

    def set_clock(self, unix_s: int) -> None:
        self._clock_offset_s += unix_s - self.clock_s()

    # --- chassis ----------------------------------------------------------------------------------------------

    def command_chassis(self, action: Action, cause: RestartCause = RestartCause.CHASSIS_CONTROL) -> None:
        """Give the server an order; it acts when the world settles."""
        self.order.value = ChassisOrder(self.order.value.serial + 1, action, cause)

    def restart(self, now: Instant) -> None:
        """Cold reset: sessions are lost, log and settings stay."""
        self.generation += 1
        self._started = now
        self._ready_at = after(now, START_S)

    # --- sensors ----------------------------------------------------------------------------------------------

    def reading(self, number: int) -> int | None:
        """Raw reading of a threshold sensor; None while it cannot be read."""
        if number in self.overrides:
            return self.overrides[number]
        host = self.host.value
        sensor = self.sensors[number]
        if number == rows.INLET_TEMPERATURE:
            return sensor.nominal
        if not host.powered:
            return None
        if number == rows.CPU_TEMPERATURE:
            return sensor.nominal + round(host.load_w / 100)
        return sensor.nominal

    def record_event(
        self,
        sensor: Sensor,
        event_data: tuple[int, int, int],
        now: Instant,
        *,
        deasserted: bool = False,
        severity: int | None = None,
    ) -> None:
        """Log an event; with a severity also alert. The record can be read before the trap leaves."""
        offset = event_data[0] & 0x0F
        if deasserted:
            self.states[sensor.number] &= ~(1 << offset)
        else:
            self.states[sensor.number] |= 1 << offset
        self._now = now
        self.log.add(
            SelRecord(
                0,
                self.clock_s(),
                BMC_ADDRESS,
                sensor.sensor_type,
                sensor.number,
                deasserted,
                sensor.event_type,
                bytes(event_data),
            )
        )
        if severity is not None:
            self._alert(sensor, event_data, severity, now, deasserted=deasserted)

    def _alert(
        self, sensor: Sensor, event_data: tuple[int, int, int], severity: int, now: Instant, *, deasserted: bool
    ) -> None:
        self._pet_sequence = self._pet_sequence % 0xFFFF + 1
        event = pet.Pet(
            guid=self.pet_guid,
            sequence=self._pet_sequence,
            timestamp=max(0, self.clock_s() - pet.EPOCH_1998_S),
            utc_offset=0,
            trap_source=0x20,
            event_source=0x20,
            severity=severity,
            sensor_device=BMC_ADDRESS,
            sensor_number=sensor.number,
            entity_id=sensor.entity_id,
            entity_instance=sensor.entity_instance,
            event_data=bytes(event_data) + bytes(5),
            language=ENGLISH,
            manufacturer_id=NEC,
            system_id=PRODUCT_ID,
        )
        specific = pet.Specific(sensor.sensor_type, sensor.event_type, deasserted, event_data[0] & 0x0F)
        trap = TrapV1(
            pet.ENTERPRISE,
            bytes(int(part) for part in self.address.split(".")),
            GenericTrap.ENTERPRISE_SPECIFIC,
            pet.encode_specific(specific),
            ticks_between(self._started, now) % (1 << 32),
            (VarBind(pet.DATA_NAME, Tag.OCTET_STRING, pet.encode(event)),),
        )
        if self._alive and not self.muted:
            self.outgoing += [OutgoingTrap(host, port, self._community, trap) for host, port in self._alerts]

    def _raiser(self, name: str) -> Any:
        return lambda now: self._raise_fault(name, now)

    def _raise_fault(self, name: str, now: Instant) -> None:
        if not self._alive:
            return
        fault = rows.FAULTS[name]
        sensor = self.sensors[fault.sensor]
        if fault.reading is not None:
            self.overrides[fault.sensor] = fault.reading
        self._active_faults.append(name)
        self.record_event(sensor, fault.event_data, now, severity=fault.severity)
        if fault.action is not None:
            # Without the recovery link the BMC acts at once (requirements of the BMC link, purpose).
            about = self.sensors[rows.SYSTEM_EVENT]
            self.record_event(about, (0x40 | PEF_ACTION_OFFSET, PEF_BITS[fault.action] | 0x01, 0xFF), now)
            cause = RestartCause.PEF_CYCLE if fault.action is Action.POWER_CYCLE else RestartCause.PEF_RESET
            self.command_chassis(fault.action, cause)

    def _clear_faults(self, now: Instant) -> None:
        for name in self._active_faults:
            fault = rows.FAULTS[name]
            self.overrides.pop(fault.sensor, None)
            self.record_event(self.sensors[fault.sensor], fault.event_data, now, deasserted=True, severity=rows.OK)
        self._active_faults.clear()

    def _lan_cut(self, _now: Instant) -> None:
        self.muted = True

    def _lan_mend(self, _now: Instant) -> None:
        self.muted = False

    # --- device -----------------------------------------------------------------------------------------------

    def advance(self, now: Instant) -> None:
        self._now = now
        if self._ready_at is not None and self._ready_at <= now:
            self._ready_at = None
        if self.identify_until is not None and self.identify_until <= now:
            self.identify_until = None

    def next_deadline(self) -> Instant | None:
        return min((due for due in (self._ready_at, self.identify_until) if due is not None), default=None)

    def react(self, now: Instant) -> None:
        self._now = now
        alive = any(port.value for port in self.standby)
        if alive != self._alive:
            self._alive = alive
            if alive:
                self._started = now
                self._ready_at = None if self._first_look else after(now, START_S)
                self._first_look = False
            else:
                self.generation += 1
                self._ready_at = None
        if alive:
            self._watch_supplies(now)
            self._watch_host(now)

    def _watch_supplies(self, now: Instant) -> None:
        numbers = [number for number, sensor in self.sensors.items() if sensor.sensor_type == 0x08]
        for number, port in zip(numbers, self.standby, strict=True):
            self.states[number] |= 1 << SUPPLY_PRESENT
            lost = bool(self.states[number] >> SUPPLY_INPUT_LOST & 1)
            if lost == port.value:
                severity = rows.OK if port.value else rows.CRITICAL
                self.record_event(
                    self.sensors[number], (SUPPLY_INPUT_LOST, 0xFF, 0xFF), now, deasserted=port.value, severity=severity
                )

    def _watch_host(self, now: Instant) -> None:
        host = self.host.value
        if self._seen_host is not None and host.powered != self._seen_host.powered:
            # Power unit, offset 0: power off. Logged, not alerted.
            self.record_event(self.sensors[rows.POWER_UNIT], (0x00, 0xFF, 0xFF), now, deasserted=host.powered)
        self._seen_host = host

    def ports(self) -> Iterable[Port[Any]]:
        return [self.order, self.policy]

    def snapshot(self, now: Instant) -> dict[str, Any]:
        state = "off" if not self._alive else "starting" if self._ready_at is not None else "running"
        return {
            "state": "cut off" if self.muted and self._alive else state,
            "log_records": len(self.log.records),
            "faults": list(self._active_faults),
            "temperature_c": self.reading(rows.CPU_TEMPERATURE),
        }


def _more_supplies(count: int) -> dict[int, Sensor]:
    first = rows.BY_NUMBER[rows.POWER_SUPPLY]
    return {
        0x20 + index: first._replace(number=0x20 + index, name=f"PS{index} Status", entity_instance=index)
        for index in range(2, count + 1)
    }
