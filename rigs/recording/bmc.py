"""Read a real BMC with pyghmi into a profile: identity, suites, sensors, inventory and log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ridethrough.emulators.devices.bmc.profile import BmcProfile
from ridethrough.wire import sdr
from ridethrough.wire.errors import WireError
from ridethrough.wire.ipmi.algorithms import SUITES

APP, EVENT, STORAGE = 0x06, 0x04, 0x0A
PIECE = 16  # octets of a record or of the inventory in one answer: every BMC has room for them
FIRST, LAST = 0x0000, 0xFFFF
SUITE_RECORD = 0xC0
PAGES = 16
MAX_RECORDS = 4096
SERVER_W = 200  # load of a server in a rig, unless the file says otherwise
# What moves a reading that looks like one of ours: sensor type and entity to the word of the profile.
DRIVES = {(0x01, 0x37): "inlet", (0x01, 0x40): "inlet", (0x01, 0x03): "processor", (0x04, 0x1D): "fan"}

Progress = Callable[[str, int, int], None]  # what is being read, how far, of how many


class BmcReadError(Exception):
    """A BMC that cannot be read. One line that says why."""


class BmcLogin(NamedTuple):
    """Address of a BMC and the account that reads it."""

    address: str
    port: int
    user: str
    password: str


def record(login: BmcLogin, name: str, progress: Progress) -> dict[str, Any]:
    """Read a BMC and return the document of a profile. Blocks; raises BmcReadError."""
    from pyghmi.exceptions import IpmiException
    from pyghmi.ipmi.command import Command

    session = None
    try:
        link = Command(
            bmc=login.address,
            userid=login.user.encode(),
            password=login.password.encode(),
            port=login.port,
            keepalive=False,
        )
        session = link.ipmi_session
        return _Reader(link, progress).document(name)
    except IpmiException as error:
        reason = error.args[0] if error.args and error.args[0] else "it does not answer"
        raise BmcReadError(f"{login.address}:{login.port}: {reason}") from error
    except OSError as error:  # of the name
        raise BmcReadError(f"{login.address}:{login.port}: {error.strerror or error}") from error
    finally:
        if session is not None and session.logged:
            session.logout()


class _Reader:
    """One reading. Commands a BMC does not have leave their part out."""

    def __init__(self, link: Any, progress: Progress) -> None:
        self._link = link
        self._progress = progress

    def document(self, name: str) -> dict[str, Any]:
        identity = self._must(APP, 0x01)
        sensors = list(self._sensors())
        if not sensors:
            raise BmcReadError("the BMC has no full or compact sensor records, of which a profile is made")
        document = {
            "profile": name,
            "identity": {
                "device_id": identity[0],
                "revision": identity[1] & 0x0F,
                "firmware": [identity[2] & 0x7F, (identity[3] >> 4) * 10 + (identity[3] & 0x0F)],
                "support": identity[5],
                "manufacturer": int.from_bytes(identity[6:9], "little") & 0xFFFFF,
                "product": int.from_bytes(identity[9:11], "little"),
            },
            "suites": self._suites(),
            "sensors": sensors,
            "nominal_w": SERVER_W,
            "inventory": {"octets": self._inventory().hex()},
            "log": [octets.hex() for octets in self._log()],
        }
        BmcProfile.model_validate(document)
        return document

    def _ask(self, netfn: int, command: int, data: bytes = b"") -> bytes | None:
        """The data of an answer; None where the BMC refuses."""
        answer = self._link.raw_command(netfn=netfn, command=command, data=data)
        return None if answer["code"] else bytes(answer["data"])

    def _must(self, netfn: int, command: int, data: bytes = b"") -> bytes:
        answer = self._ask(netfn, command, data)
        if answer is None:
            raise BmcReadError(
                f"the BMC refuses command {netfn:02x}h/{command:02x}h, without which nothing can be read"
            )
        return answer

    def _suites(self) -> list[int]:
        octets = b""
        for page in range(PAGES):
            answer = self._ask(APP, 0x54, bytes((0x0E, 0x00, 0x80 | page)))
            if answer is None:
                break
            octets += answer[1:]
            if len(answer) < 17:
                break
        numbers = [octets[at + 1] for at in range(len(octets) - 1) if octets[at] == SUITE_RECORD]
        return [number for number in numbers if number in SUITES] or [3]

    def _records(self, get: int, reserve: int, netfn: int, stage: str, count: int) -> Iterator[bytes]:
        """The records of a repository or of the log, one after the other."""
        following = FIRST
        for done in range(MAX_RECORDS):
            if following == LAST or count == 0:
                return
            reservation = self._ask(netfn, reserve) or bytes(2)
            place = reservation + following.to_bytes(2, "little")
            head = self._ask(netfn, get, place + bytes((0, 5 if stage == "sensors" else 0xFF)))
            if head is None:
                return
            following = int.from_bytes(head[:2], "little")
            octets = head[2:]
            if stage == "sensors":
                length = 5 + octets[4]
                while len(octets) < length:
                    piece = self._ask(netfn, get, place + bytes((len(octets), min(PIECE, length - len(octets)))))
                    if not piece or len(piece) < 3:
                        return
                    octets += piece[2:]
            self._progress(stage, done + 1, count)
            yield octets

    def _sensors(self) -> Iterator[dict[str, Any]]:
        count = int.from_bytes(self._must(STORAGE, 0x20)[1:3], "little")
        seen: set[int] = set()
        for octets in self._records(0x23, 0x22, STORAGE, "sensors", count):
            try:
                _, sensor = sdr.decode(octets)
            except WireError:
                continue  # a record of another kind
            if sensor.number in seen or not 1 <= sensor.number <= 254 or not sensor.name:
                continue
            seen.add(sensor.number)
            yield self._row(sensor)

    def _row(self, sensor: sdr.Sensor) -> dict[str, Any]:
        shown = self._ask(EVENT, 0x2D, bytes((sensor.number,)))
        readable = shown is not None and len(shown) > 1 and not shown[1] & 0x20
        row: dict[str, Any] = {
            "number": sensor.number,
            "name": sensor.name[:16],
            "entity": [sensor.entity_id, sensor.entity_instance],
            "type": sensor.sensor_type,
            "event": sensor.event_type,
        }
        if sensor.event_type != sdr.THRESHOLD:
            states = int.from_bytes(shown[2:4].ljust(2, b"\0"), "little") & 0x7FFF if readable and shown else 0
            return row | {"offsets": sensor.offsets & 0x7FFF | states, "shown": states, "standby": True}
        limits = {key: value for key, value in sensor.thresholds._asdict().items() if value is not None}
        nominal = shown[0] if readable and shown else sensor.nominal
        row |= {"unit": sensor.unit, "factors": list(sensor.factors), **limits, "nominal": nominal}
        drive = DRIVES.get((sensor.sensor_type, sensor.entity_id))
        return row | ({"drive": drive} if drive and drive != "inlet" else {}) | {"hysteresis": sensor.hysteresis}

    def _inventory(self) -> bytes:
        area = self._ask(STORAGE, 0x10, b"\0")
        size = int.from_bytes(area[:2], "little") if area else 0
        octets = b""
        while len(octets) < size:
            place = len(octets).to_bytes(2, "little")
            piece = self._ask(STORAGE, 0x11, b"\0" + place + bytes((min(PIECE, size - len(octets)),)))
            if not piece or len(piece) < 2:
                break
            octets += piece[1:]
            self._progress("inventory", len(octets), size)
        return octets

    def _log(self) -> Iterator[bytes]:
        info = self._ask(STORAGE, 0x40)
        count = int.from_bytes(info[1:3], "little") if info else 0
        yield from (octets for octets in self._records(0x43, 0x42, STORAGE, "log", count) if len(octets) == 16)
