"""The system event log (IPMI 2.0 section 31)."""

from __future__ import annotations

from typing import Any

from ridethrough.emulators.kernel.instant import Instant
from ridethrough.wire.sel import OemRecord, SelRecord, decode_any, encode_any

LOG_SENSOR_TYPE = 0x10  # event logging disabled: carries what happens to the log itself
CLEARED, FULL, ALMOST_FULL = 2, 4, 5
ALMOST = 0.75  # of the capacity
RECORD = 16
UNSPECIFIED = 0xFFFFFFFF

Record = SelRecord | OemRecord


class SelClock:
    """The controller's own clock, which stamps the records (section 31.10)."""

    def __init__(self, epoch_s: int) -> None:
        """`epoch_s` is Unix time at which the emulated world began."""
        self._epoch_s = epoch_s
        self._offset_s = 0

    def unix_s(self, now: Instant) -> int:
        """Unix time by this clock."""
        return max(0, self._epoch_s + now // 1000 + self._offset_s)

    def set(self, unix_s: int, now: Instant) -> None:
        """Set it to a Unix time."""
        self._offset_s += unix_s - self.unix_s(now)


class EventLog:
    """Records in order of their numbers. When full it stops logging and says so (section 31.2)."""

    def __init__(self, capacity: int = 512) -> None:
        self.capacity = capacity
        self.records: list[Record] = []
        self.overflow = False
        self.added_at = UNSPECIFIED  # timestamps of Get SEL Info; unspecified until something happens
        self.erased_at = UNSPECIFIED
        self._next_id = 1
        self._reservation = 0

    @property
    def free(self) -> int:
        """Records that still fit."""
        return self.capacity - len(self.records)

    @property
    def almost_full(self) -> bool:
        """True above three quarters of the capacity."""
        return len(self.records) > ALMOST * self.capacity

    @property
    def last_id(self) -> int:
        """Number of the newest record; FFFFh when there is none."""
        return self.records[-1].record_id if self.records else 0xFFFF

    def add(self, record: Record, now_s: int) -> int | None:
        """Append with the next number, which is returned; None when the log is full."""
        if not self.free:
            self.overflow = True
            return None
        record_id = self._next_id
        self._next_id = record_id % 0xFFFE + 1  # 0000h and FFFFh mean first and last
        self.records.append(record._replace(record_id=record_id))
        self.added_at = now_s
        return record_id

    def reserve(self) -> int:
        """A new reservation; it ends the one before."""
        self._reservation = self._reservation % 0xFFFF + 1
        return self._reservation

    def reserved(self, reservation: int) -> bool:
        """True while a reservation stands."""
        return reservation == self._reservation != 0

    def clear(self, now_s: int) -> None:
        """Empty the log; its first record then says that it was cleared."""
        self.records.clear()
        self.overflow = False
        self.erased_at = now_s
        self._reservation = 0
        data = bytes((CLEARED, 0xFF, 0xFF))
        self.add(
            SelRecord(0, now_s, 0x20, LOG_SENSOR_TYPE, 0, deasserted=False, event_type=0x6F, event_data=data), now_s
        )

    def delete(self, record_id: int, now_s: int) -> int | None:
        """Remove a record and end the reservation; its number, None when there is no such record."""
        index = self._index(record_id)
        if index is None:
            return None
        self.erased_at = now_s
        self._reservation = 0
        return self.records.pop(index).record_id

    def find(self, record_id: int) -> tuple[bytes, int] | None:
        """Octets of a record and the number after it (FFFFh at the end); 0000h asks for the first, FFFFh the last."""
        index = self._index(record_id)
        if index is None:
            return None
        following = self.records[index + 1].record_id if index + 1 < len(self.records) else 0xFFFF
        return encode_any(self.records[index]), following

    def _index(self, record_id: int) -> int | None:
        if not self.records:
            return None
        index = {0x0000: 0, 0xFFFF: len(self.records) - 1}.get(record_id)
        if index is not None:
            return index
        return next((at for at, record in enumerate(self.records) if record.record_id == record_id), None)

    def dump_state(self) -> dict[str, Any]:
        """The part that survives a loss of power, as JSON."""
        return {
            "records": [encode_any(record).hex() for record in self.records],
            "overflow": self.overflow,
            "added_at": self.added_at,
            "erased_at": self.erased_at,
            "next": self._next_id,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `dump_state` returned. Raises WireError."""
        self.records = [decode_any(bytes.fromhex(text)) for text in state["records"]]
        self.overflow = state["overflow"]
        self.added_at, self.erased_at = state["added_at"], state["erased_at"]
        self._next_id = state["next"]
