"""Values that managers wrote, over those of the profile, by instance such as `sysName.0`."""

from __future__ import annotations

from ridethrough.emulators.devices.ups.profile import Profile
from ridethrough.mibs import Oid
from ridethrough.wire.snmp import Value

OID_PREFIX = "oid:"


class StoredValues:
    """The stored values of one card. `written` holds what differs from the profile, and outlives a loss of power."""

    def __init__(self, profile: Profile) -> None:
        self.written: dict[str, Value] = {}
        self._profile = profile

    def number(self, label: str) -> int:
        """Return an integer; 0 where the card has none."""
        value = self.written.get(label, self._profile.instances.get(label))
        return value if isinstance(value, int) else 0

    def text(self, label: str) -> bytes:
        """Return a text; empty where the card has none."""
        value = self.written.get(label, self._profile.instances.get(label))
        if isinstance(value, bytes):
            return value
        return value.encode() if isinstance(value, str) else b""

    def dump_state(self) -> dict[str, int | str | None]:
        """Return what was written, as JSON: octets in hexadecimal, object identifiers behind `oid:`."""
        return {label: _as_json(value) for label, value in self.written.items()}

    def load_state(self, state: dict[str, int | str | None]) -> None:
        """Restore what `dump_state` returned. Raises ValueError for a text that is neither of the two."""
        self.written = {label: _from_json(value) for label, value in state.items()}


def _as_json(value: Value) -> int | str | None:
    return value.hex() if isinstance(value, bytes) else f"{OID_PREFIX}{value}" if isinstance(value, Oid) else value


def _from_json(value: int | str | None) -> Value:
    if isinstance(value, str):
        return Oid.parse(value.removeprefix(OID_PREFIX)) if value.startswith(OID_PREFIX) else bytes.fromhex(value)
    return value
