"""Rate limits of clients, by token buckets. Pure: instants come in."""

from __future__ import annotations

MAX_CLIENTS = 10_000  # clients remembered; those idle for longest go first


class Buckets:
    """A token bucket for each client: `burst` at once, and `per_s` after that."""

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s = per_s
        self._burst = burst
        self._levels: dict[str, tuple[float, float]] = {}  # tokens left, and when that was

    def take(self, client: str, now_s: float) -> float:
        """Take a token; 0 when there was one, else the seconds until there will be."""
        left, at_s = self._levels.pop(client, (float(self._burst), now_s))
        left = min(self._burst, left + max(0.0, now_s - at_s) * self._per_s)
        if len(self._levels) >= MAX_CLIENTS:
            del self._levels[next(iter(self._levels))]
        if left < 1:
            self._levels[client] = (left, now_s)
            return (1 - left) / self._per_s
        self._levels[client] = (left - 1, now_s)
        return 0.0

    def empty(self, client: str, now_s: float) -> bool:
        """True when a client has no token left; takes none."""
        left, at_s = self._levels.get(client, (float(self._burst), now_s))
        return left + max(0.0, now_s - at_s) * self._per_s < 1
