"""Observations as the journal keeps them: JSON with a `kind`, which earlier versions did not write."""

from __future__ import annotations

from typing import Final

import msgspec

from ridethrough.gateway.records import (
    Damage,
    DatagramsLost,
    JournalDamage,
    Observation,
    Readings,
    Recovery,
    RecoveryStep,
    Silence,
)

_DECODER: Final[msgspec.json.Decoder[Observation]] = msgspec.json.Decoder(Observation)


class _Untagged(msgspec.Struct, frozen=True):
    """An observation without a kind: at most one field beside `device` says something; with none, a device answered."""

    device: str
    silent: bool = False
    values: dict[str, int] = {}
    recovery: Recovery | None = None
    damage: Damage | None = None
    lost: int = 0

    def tagged(self) -> Observation:
        """The same with its kind."""
        if self.lost:
            return DatagramsLost(self.device, self.lost)
        if self.damage is not None:
            return JournalDamage(self.device, self.damage)
        if self.recovery is not None:
            return RecoveryStep(self.device, self.recovery)
        return Silence(self.device) if self.silent else Readings(self.device, self.values)


def decode_observation(data: bytes) -> Observation:
    """Read an observation of this release or of one before. Raises msgspec.DecodeError for anything else."""
    try:
        return _DECODER.decode(data)
    except msgspec.ValidationError:
        return msgspec.json.decode(data, type=_Untagged).tagged()
