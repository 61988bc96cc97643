"""The command table: network function, command, privilege, length and handler (IPMI 2.0 appendix G)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulators.bindings.chassis import AcLink, Action
from emulators.bindings.ipmi import Answer, Command, Table, ok, refuse
from emulators.devices.bmc.users import MAX_USERS, NO_ACCESS, Slot
from emulators.kernel.instant import after
from wire import sdr
from wire.errors import WireError
from wire.ipmi.algorithms import SUITES, suite_record
from wire.ipmi.message import Completion, NetFn, Privilege
from wire.ipmi.session import Session
from wire.sel import decode as decode_sel

if TYPE_CHECKING:
    from emulators.devices.bmc.model import Bmc

LAN_CHANNEL = 1
NEC = 119  # enterprise number
PRODUCT_ID = 0x4010
THIS_CHANNEL = 0x0E
IPMI_2_0 = 0x02
SUPPORT = 0b1000_0111  # chassis device; SEL, SDR repository and sensor device
FIRMWARE = (1, 0x02)
VSO_ENTERPRISE = 7154  # IPMI Forum, the vendor of the LAN protocol
SUITES_ON = (3, 17)


def commands_of(bmc: Bmc) -> Table:
    """The table of one BMC."""
    handlers = _Handlers(bmc)
    none, user, operator, admin = Privilege.NONE, Privilege.USER, Privilege.OPERATOR, Privilege.ADMINISTRATOR
    app, chassis, event, storage = NetFn.APP, NetFn.CHASSIS, NetFn.SENSOR_EVENT, NetFn.STORAGE
    h = handlers
    return {
        (chassis, 0x00): Command("Get Chassis Capabilities", user, 0, 0, h.chassis_capabilities),
        (chassis, 0x01): Command("Get Chassis Status", user, 0, 0, h.chassis_status),
        (chassis, 0x02): Command("Chassis Control", operator, 1, 1, h.chassis_control),
        (chassis, 0x04): Command("Chassis Identify", operator, 0, 2, h.identify),
        (chassis, 0x06): Command("Set Power Restore Policy", operator, 1, 1, h.restore_policy),
        (chassis, 0x07): Command("Get System Restart Cause", user, 0, 0, h.restart_cause),
        (event, 0x17): Command("PET Acknowledge", none, 12, 12, h.pet_acknowledge),
        (event, 0x25): Command("Get Sensor Hysteresis", user, 2, 2, h.hysteresis),
        (event, 0x27): Command("Get Sensor Thresholds", user, 1, 1, h.thresholds),
        (event, 0x2D): Command("Get Sensor Reading", user, 1, 1, h.sensor_reading),
        (app, 0x01): Command("Get Device ID", user, 0, 0, h.device_id),
        (app, 0x02): Command("Cold Reset", admin, 0, 0, h.cold_reset),
        (app, 0x04): Command("Get Self Test Results", user, 0, 0, h.self_test),
        (app, 0x37): Command("Get System GUID", none, 0, 0, h.system_guid),
        (app, 0x38): Command("Get Channel Authentication Capabilities", none, 2, 2, h.authentication_capabilities),
        (app, 0x41): Command("Get Channel Access", user, 2, 2, h.channel_access),
        (app, 0x42): Command("Get Channel Info", user, 1, 1, h.channel_info),
        (app, 0x43): Command("Set User Access", admin, 3, 4, h.set_user_access),
        (app, 0x44): Command("Get User Access", operator, 2, 2, h.user_access),
        (app, 0x45): Command("Set User Name", admin, 17, 17, h.set_user_name),
        (app, 0x46): Command("Get User Name", operator, 1, 1, h.user_name),
        (app, 0x47): Command("Set User Password", admin, 2, 22, h.set_user_password),
        (app, 0x54): Command("Get Channel Cipher Suites", none, 3, 3, h.cipher_suites),
        (storage, 0x20): Command("Get SDR Repository Info", user, 0, 0, h.sdr_info),
        (storage, 0x22): Command("Reserve SDR Repository", user, 0, 0, h.sdr_reserve),
        (storage, 0x23): Command("Get SDR", user, 6, 6, h.sdr_get),
        (storage, 0x40): Command("Get SEL Info", user, 0, 0, h.sel_info),
        (storage, 0x42): Command("Reserve SEL", user, 0, 0, h.sel_reserve),
        (storage, 0x43): Command("Get SEL Entry", user, 6, 6, h.sel_get),
        (storage, 0x44): Command("Add SEL Entry", operator, 16, 16, h.sel_add),
        (storage, 0x47): Command("Clear SEL", operator, 6, 6, h.sel_clear),
        (storage, 0x48): Command("Get SEL Time", user, 0, 0, h.sel_time),
        (storage, 0x49): Command("Set SEL Time", operator, 4, 4, h.set_sel_time),
    }


class _Handlers:
    """The handlers, in the order of the table."""

    def __init__(self, bmc: Bmc) -> None:
        self._bmc = bmc
        self._sdr = [sdr.encode(number, sensor) for number, sensor in enumerate(bmc.sensors.values(), start=1)]
        self._sdr_reservation = 0

    # --- chassis, section 28 ----------------------------------------------------------------------------------

    def chassis_capabilities(self, _data: bytes, _session: Session | None) -> Answer:
        return ok(bytes((0x00, 0x20, 0x20, 0x20, 0x20)))

    def chassis_status(self, _data: bytes, _session: Session | None) -> Answer:
        policy = {AcLink.OFF: 0, AcLink.LAST: 1, AcLink.ON: 2}[self._bmc.policy.value]
        identify = 0x10 if self._bmc.identify_until is not None else 0
        return ok(bytes((policy << 5 | self._bmc.host.value.powered, 0x00, 0x40 | identify)))

    def chassis_control(self, data: bytes, _session: Session | None) -> Answer:
        number = data[0] & 0x0F
        if number > Action.SOFT_SHUTDOWN:
            return refuse(Completion.INVALID_FIELD)
        action = Action(number)
        powered = self._bmc.host.value.powered
        if action in (Action.POWER_CYCLE, Action.HARD_RESET) and not powered:
            return refuse(Completion.NOT_SUPPORTED_IN_STATE)
        self._bmc.command_chassis(action)
        return ok()

    def identify(self, data: bytes, _session: Session | None) -> Answer:
        seconds = data[0] if data else 15
        forced = len(data) > 1 and data[1] & 1
        now = self._bmc.now
        self._bmc.identify_until = after(now, 10**9 if forced else seconds) if forced or seconds else None
        return ok()

    def restore_policy(self, data: bytes, _session: Session | None) -> Answer:
        choices = (AcLink.OFF, AcLink.LAST, AcLink.ON)
        choice = data[0] & 0x07
        if choice > 3:
            return refuse(Completion.INVALID_FIELD)
        if choice < 3:
            self._bmc.policy.value = choices[choice]
        return ok(b"\x07")

    def restart_cause(self, _data: bytes, _session: Session | None) -> Answer:
        return ok(bytes((self._bmc.host.value.cause, LAN_CHANNEL)))

    # --- sensors and events, sections 30 and 35 ---------------------------------------------------------------

    def pet_acknowledge(self, _data: bytes, _session: Session | None) -> Answer:
        return ok()  # unknown events are acknowledged too, so that nothing is told about known ones

    def hysteresis(self, data: bytes, _session: Session | None) -> Answer:
        sensor = self._bmc.sensors.get(data[0])
        if sensor is None:
            return refuse(Completion.NOT_PRESENT)
        if sensor.event_type != sdr.THRESHOLD:
            return refuse(Completion.ILLEGAL_FOR_SENSOR)
        return ok(b"\x01\x01")

    def thresholds(self, data: bytes, _session: Session | None) -> Answer:
        sensor = self._bmc.sensors.get(data[0])
        if sensor is None:
            return refuse(Completion.NOT_PRESENT)
        if sensor.event_type != sdr.THRESHOLD:
            return refuse(Completion.ILLEGAL_FOR_SENSOR)
        limits = sensor.thresholds
        _, readable = sdr.event_masks(limits)
        values = (limits.lnc, limits.lcr, limits.lnr, limits.unc, limits.ucr, limits.unr)
        return ok(bytes((readable, *(value or 0 for value in values))))

    def sensor_reading(self, data: bytes, _session: Session | None) -> Answer:
        sensor = self._bmc.sensors.get(data[0])
        if sensor is None:
            return refuse(Completion.NOT_PRESENT)
        if sensor.event_type != sdr.THRESHOLD:
            states = self._bmc.states[sensor.number]
            return ok(bytes((0x00, 0xC0, states & 0xFF, 0x80 | states >> 8)))
        reading = self._bmc.reading(sensor.number)
        if reading is None:
            return ok(bytes((0x00, 0xE0, 0xC0)))  # scanning, but unavailable
        return ok(bytes((reading, 0xC0, 0xC0 | _crossed(sensor, reading))))

    # --- application, sections 20 and 22 ----------------------------------------------------------------------

    def device_id(self, _data: bytes, _session: Session | None) -> Answer:
        maker = NEC.to_bytes(3, "little") + PRODUCT_ID.to_bytes(2, "little")
        return ok(bytes((0x20, 0x81, *FIRMWARE, IPMI_2_0, SUPPORT)) + maker + bytes(4))

    def cold_reset(self, _data: bytes, _session: Session | None) -> Answer:
        self._bmc.restart(self._bmc.now)
        return ok()

    def self_test(self, _data: bytes, _session: Session | None) -> Answer:
        return ok(b"\x55\x00")

    def system_guid(self, _data: bytes, _session: Session | None) -> Answer:
        return ok(self._bmc.guid)

    def authentication_capabilities(self, data: bytes, _session: Session | None) -> Answer:
        # Section 22.13: MD5 for IPMI 1.5; only users with names; IPMI 2.0 data when it is asked for.
        if data[0] & 0x0F not in (THIS_CHANNEL, LAN_CHANNEL):
            return refuse(Completion.INVALID_FIELD)
        extended = data[0] & 0x80
        support = 0x04 | (0x80 if extended else 0)
        return ok(bytes((LAN_CHANNEL, support, 0x04, 0x03 if extended else 0, 0, 0, 0, 0)))

    def channel_access(self, data: bytes, _session: Session | None) -> Answer:
        if data[0] & 0x0F not in (THIS_CHANNEL, LAN_CHANNEL) or data[1] >> 6 not in (1, 2):
            return refuse(Completion.INVALID_FIELD)
        return ok(bytes((0x02, Privilege.ADMINISTRATOR)))  # always available, alerting on

    def channel_info(self, data: bytes, session: Session | None) -> Answer:
        if data[0] & 0x0F not in (THIS_CHANNEL, LAN_CHANNEL):
            return refuse(Completion.INVALID_FIELD)
        active = 1 if session else 0
        vendor = VSO_ENTERPRISE.to_bytes(3, "little")
        return ok(bytes((LAN_CHANNEL, 0x04, 0x01, 0x80 | active)) + vendor + bytes(2))

    def _slot(self, octet: int) -> Slot | None:
        return self._bmc.users.slots.get(octet & 0x3F)

    def set_user_access(self, data: bytes, _session: Session | None) -> Answer:
        slot = self._slot(data[1])
        level = data[2] & 0x0F
        if slot is None or data[0] & 0x0F not in (THIS_CHANNEL, LAN_CHANNEL):
            return refuse(Completion.INVALID_FIELD)
        if level not in (*range(1, 5), NO_ACCESS):
            return refuse(Completion.INVALID_FIELD)
        if data[0] & 0x80:
            slot.messaging = bool(data[0] & 0x10)
        slot.privilege = level
        return ok()

    def user_access(self, data: bytes, _session: Session | None) -> Answer:
        slot = self._slot(data[1])
        if slot is None or data[0] & 0x0F not in (THIS_CHANNEL, LAN_CHANNEL):
            return refuse(Completion.INVALID_FIELD)
        enabled = (0x40 if slot.enabled else 0x80) | self._bmc.users.enabled_count
        messaging = 0x10 if slot.messaging else 0
        return ok(bytes((MAX_USERS, enabled, 0x01, messaging | slot.privilege)))

    def set_user_name(self, data: bytes, _session: Session | None) -> Answer:
        slot = self._slot(data[0])
        if slot is None or data[0] & 0x3F == 1:  # the null user's name is fixed
            return refuse(Completion.INVALID_FIELD)
        slot.name = data[1:].rstrip(b"\0")
        return ok()

    def user_name(self, data: bytes, _session: Session | None) -> Answer:
        slot = self._slot(data[0])
        return ok(slot.name.ljust(16, b"\0")) if slot else refuse(Completion.INVALID_FIELD)

    def set_user_password(self, data: bytes, _session: Session | None) -> Answer:
        # Section 22.30: 0 disable, 1 enable, 2 set, 3 test.
        slot = self._slot(data[0])
        operation = data[1] & 0x03
        password = data[2:]
        size = 20 if data[0] & 0x80 else 16
        if slot is None or data[0] & 0x3F == 1:
            return refuse(Completion.INVALID_FIELD)
        if operation >= 2 and len(password) != size:
            return refuse(Completion.LENGTH_INVALID)
        match operation:
            case 0 | 1:
                slot.enabled = operation == 1
            case 2:
                slot.password = password.rstrip(b"\0")
            case _:
                if not self._bmc.users.password_matches(data[0] & 0x3F, password):
                    return refuse(0x80)
        return ok()

    def cipher_suites(self, data: bytes, _session: Session | None) -> Answer:
        records = b"".join(suite_record(SUITES[number]) for number in SUITES_ON)
        page = data[2] & 0x3F
        return ok(bytes((LAN_CHANNEL,)) + records[16 * page : 16 * page + 16])

    # --- storage, sections 31 and 33 --------------------------------------------------------------------------

    def sdr_info(self, _data: bytes, _session: Session | None) -> Answer:
        count = len(self._sdr).to_bytes(2, "little")
        return ok(bytes((0x51,)) + count + b"\x00\x00" + bytes(8) + b"\x22")  # non-modal, reservation supported

    def sdr_reserve(self, _data: bytes, _session: Session | None) -> Answer:
        self._sdr_reservation = self._sdr_reservation % 0xFFFF + 1
        return ok(self._sdr_reservation.to_bytes(2, "little"))

    def sdr_get(self, data: bytes, _session: Session | None) -> Answer:
        reservation, record_id = int.from_bytes(data[:2], "little"), int.from_bytes(data[2:4], "little")
        offset, count = data[4], data[5]
        if offset and reservation != self._sdr_reservation:
            return refuse(Completion.RESERVATION_CANCELED)
        index = {0: 0, 0xFFFF: len(self._sdr) - 1}.get(record_id, record_id - 1)
        if not 0 <= index < len(self._sdr):
            return refuse(Completion.NOT_PRESENT)
        record = self._sdr[index]
        if offset >= len(record):
            return refuse(Completion.OUT_OF_RANGE)
        following = index + 2 if index + 1 < len(self._sdr) else 0xFFFF
        return ok(following.to_bytes(2, "little") + record[offset : offset + count])

    def sel_info(self, _data: bytes, _session: Session | None) -> Answer:
        log = self._bmc.log
        free = min(log.free * 16, 0xFFFE).to_bytes(2, "little")
        times = log.added_at.to_bytes(4, "little") + log.erased_at.to_bytes(4, "little")
        flags = 0x02 | (0x80 if log.overflow else 0)  # reservation supported
        return ok(bytes((0x51,)) + len(log.records).to_bytes(2, "little") + free + times + bytes((flags,)))

    def sel_reserve(self, _data: bytes, _session: Session | None) -> Answer:
        return ok(self._bmc.log.reserve().to_bytes(2, "little"))

    def sel_get(self, data: bytes, _session: Session | None) -> Answer:
        reservation, record_id = int.from_bytes(data[:2], "little"), int.from_bytes(data[2:4], "little")
        offset, count = data[4], data[5]
        if offset and not self._bmc.log.reserved(reservation):
            return refuse(Completion.RESERVATION_CANCELED)
        found = self._bmc.log.find(record_id)
        if found is None:
            return refuse(Completion.NOT_PRESENT)
        record, following = found
        if offset >= len(record):
            return refuse(Completion.OUT_OF_RANGE)
        return ok(following.to_bytes(2, "little") + record[offset : offset + count])

    def sel_add(self, data: bytes, _session: Session | None) -> Answer:
        try:
            record = decode_sel(data)
        except WireError:
            return refuse(Completion.INVALID_FIELD)
        number = self._bmc.log.add(record._replace(timestamp=self._bmc.clock_s()))
        return refuse(Completion.OUT_OF_SPACE) if number is None else ok(number.to_bytes(2, "little"))

    def sel_clear(self, data: bytes, _session: Session | None) -> Answer:
        if data[2:5] != b"CLR" or data[5] not in (0x00, 0xAA):
            return refuse(Completion.INVALID_FIELD)
        if not self._bmc.log.reserved(int.from_bytes(data[:2], "little")):
            return refuse(Completion.RESERVATION_CANCELED)
        if data[5] == 0xAA:
            self._bmc.log.clear(self._bmc.clock_s())
        return ok(b"\x01")

    def sel_time(self, _data: bytes, _session: Session | None) -> Answer:
        return ok(self._bmc.clock_s().to_bytes(4, "little"))

    def set_sel_time(self, data: bytes, _session: Session | None) -> Answer:
        self._bmc.set_clock(int.from_bytes(data, "little"))
        return ok()


def _crossed(sensor: sdr.Sensor, reading: int) -> int:
    """Threshold comparison bits of Get Sensor Reading (table 35-16)."""
    limits = sensor.thresholds
    lower = ((limits.lnc, 0x01), (limits.lcr, 0x02), (limits.lnr, 0x04))
    upper = ((limits.unc, 0x08), (limits.ucr, 0x10), (limits.unr, 0x20))
    bits = sum(bit for limit, bit in lower if limit is not None and reading <= limit)
    return bits + sum(bit for limit, bit in upper if limit is not None and reading >= limit)
