"""Impairments of the network at a device: answers lost, late, doubled or changed. Inputs set them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ridethrough.emulators.bindings.inputs import Input, InputError, numeric, plain
from ridethrough.emulators.kernel.instant import Instant

Roll = Callable[[], float]  # uniform in [0, 1)
Sending = tuple[float, bytes]  # after how many seconds, and what


@dataclass(slots=True)
class Impairment:
    """Shares are parts of 1; times are in seconds."""

    latency_s: float = 0.0
    jitter_s: float = 0.0
    drop: float = 0.0
    corrupt: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    calm: bool = field(init=False)
    """True if nothing is impaired. Read for each answer, so it is worked out beforehand."""

    def __post_init__(self) -> None:
        self.change()

    def change(self, **values: float) -> None:
        """Take these values; the others stay."""
        for name, value in values.items():
            setattr(self, name, value)
        self.calm = not any(getattr(self, name) for name in VALUES)

    def plan(self, answers: Sequence[bytes], roll: Roll) -> list[Sending]:
        """Return the sendings that become of answers: for each, the delay in seconds and the octets."""
        sendings: list[Sending] = []
        for answer in answers:
            if self.drop and roll() < self.drop:
                continue
            delay_s = self.latency_s + (self.jitter_s * roll() if self.jitter_s else 0.0)
            if self.reorder and roll() < self.reorder:
                delay_s += REORDER_S
            if self.corrupt and roll() < self.corrupt:
                answer = _corrupted(answer, roll)
            sendings.append((delay_s, answer))
            if self.duplicate and roll() < self.duplicate:
                sendings.append((delay_s, answer))
        return sendings


VALUES = ("latency_s", "jitter_s", "drop", "corrupt", "duplicate", "reorder")
REORDER_S = 0.05  # long enough that the next answer overtakes


def _corrupted(data: bytes, roll: Roll) -> bytes:
    """One octet changed."""
    octets = bytearray(data)
    if octets:
        octets[int(roll() * len(octets))] ^= 1 + int(roll() * 255)
    return bytes(octets)


def network_inputs(impairment: Impairment) -> dict[str, Input]:
    """The words that change an impairment."""

    def slow(latency_ms: float, jitter_ms: float) -> None:
        impairment.change(latency_s=latency_ms / 1000, jitter_s=jitter_ms / 1000)

    def share(name: str) -> Callable[[float, Instant], None]:
        return lambda percent, _now: impairment.change(**{name: percent / 100})

    def smooth(_now: Instant) -> None:
        impairment.change(**dict.fromkeys(VALUES, 0.0))

    words = {"drop": "dropped", "corrupt": "changed in one octet", "duplicate": "sent twice", "reorder": "held back"}
    return {
        "slow": latency("answers take MS milliseconds longer, and up to JITTER more", slow),
        **{
            name: numeric(f"PERCENT of the answers are {what}", "PERCENT", 0, 100, share(name))
            for name, what in words.items()
        },
        "smooth": plain("answers go out at once and unharmed", smooth),
    }


def latency(help_text: str, run: Callable[[float, float], None]) -> Input:
    """An input with a latency and, if one likes, a jitter, both in milliseconds."""
    longest_ms = 600_000

    def checked(args: list[str], _now: Instant) -> None:
        values = [_milliseconds(text, longest_ms) for text in args]
        if len(values) not in (1, 2):
            raise InputError("expected MS or MS JITTER")
        run(values[0], values[1] if len(values) > 1 else 0.0)

    return Input(help_text, checked)


def _milliseconds(text: str, longest_ms: float) -> float:
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"{text!r} is no number of milliseconds") from None
    if not 0 <= value <= longest_ms:
        raise InputError(f"milliseconds must lie between 0 and {longest_ms:g}, not {value:g}")
    return value
