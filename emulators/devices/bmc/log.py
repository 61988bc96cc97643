"""The system event log."""

from __future__ import annotations

from wire.sel import SelRecord, encode

CAPACITY = 512
LOG_SENSOR_TYPE = 0x10  # event logging disabled: carries "log area cleared"
CLEARED = 2


class EventLog:
    """Records in order of their numbers. When full it stops logging and says so (IPMI 2.0 section 31.2)."""

    def __init__(self) -> None:
        self.records: list[SelRecord] = []
        self.overflow = False
        self.added_at = 0xFFFFFFFF  # timestamps of Get SEL Info; unspecified until something happens
        self.erased_at = 0xFFFFFFFF
        self._next_id = 1
        self._reservation = 0

    @property
    def free(self) -> int:
        return CAPACITY - len(self.records)

    def add(self, record: SelRecord) -> int | None:
        """Append with the next number, which is returned; None when the log is full."""
        if not self.free:
            self.overflow = True
            return None
        record_id = self._next_id
        self._next_id = record_id % 0xFFFE + 1  # 0000h and FFFFh mean first and last
        self.records.append(record._replace(record_id=record_id))
        self.added_at = record.timestamp
        return record_id

    def reserve(self) -> int:
        """A new reservation; it ends the one before."""
        self._reservation = self._reservation % 0xFFFF + 1
        return self._reservation

    def reserved(self, reservation: int) -> bool:
        return reservation == self._reservation != 0

    def clear(self, timestamp: int) -> None:
        """Empty the log; its first record then says that it was cleared."""
        self.records.clear()
        self.overflow = False
        self.erased_at = timestamp
        self.add(SelRecord(0, timestamp, 0x20, LOG_SENSOR_TYPE, 0, False, 0x6F, bytes((CLEARED, 0xFF, 0xFF))))

    def find(self, record_id: int) -> tuple[bytes, int] | None:
        """Octets of a record and the number after it (FFFFh at the end); 0000h asks for the first, FFFFh the last."""
        if not self.records:
            return None
        index = {0x0000: 0, 0xFFFF: len(self.records) - 1}.get(record_id)
        if index is None:
            index = next((i for i, record in enumerate(self.records) if record.record_id == record_id), None)
        if index is None:
            return None
        following = self.records[index + 1].record_id if index + 1 < len(self.records) else 0xFFFF
        return encode(self.records[index]), following
