"""How often a client may ask, and how often it may be wrong about who it is. Pure: instants come in."""

from __future__ import annotations

MOST = 10_000  # clients remembered; those longest silent go first


class Buckets:
    """A token bucket for each client: `burst` at once, and `per_s` after that."""

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s = per_s
        self._burst = burst
        self._levels: dict[str, tuple[float, float]] = {}  # tokens left, and when that was

    def take(self, client: str, now_s: float) -> float:
        """Take one; 0 when there was one, else how many seconds to wait for it."""
        left, at_s = self._levels.pop(client, (float(self._burst), now_s))
        left = min(self._burst, left + max(0.0, now_s - at_s) * self._per_s)
        if len(self._levels) >= MOST:
            del self._levels[next(iter(self._levels))]
        if left < 1:
            self._levels[client] = (left, now_s)
            return (1 - left) / self._per_s
        self._levels[client] = (left - 1, now_s)
        return 0.0

    def empty(self, client: str, now_s: float) -> bool:
        """Whether a client has none left, without taking one."""
        left, at_s = self._levels.get(client, (float(self._burst), now_s))
        return left + max(0.0, now_s - at_s) * self._per_s < 1
