"""Sliding window over session sequence numbers (IPMI 2.0 sections 6.12.11 to 6.12.13)."""

from __future__ import annotations

_MODULUS = 1 << 32


class Window:
    """Accepts each number once, up to `behind` below and `ahead` above the highest accepted so far."""

    def __init__(self, behind: int, ahead: int, highest: int = 0) -> None:
        self._behind = behind
        self._ahead = ahead
        self._kept = (1 << behind + 1) - 1
        self._highest = highest
        self._seen = 0  # bit n: `highest - n` was accepted
        self.unused = True

    def accept(self, number: int) -> bool:
        """Take a number; return whether it is new and inside the window, which moves with it. 0 is never accepted."""
        if number == self._highest + 1 < _MODULUS:  # as nearly always
            self._seen = (self._seen << 1 | 1) & self._kept
            self._highest = number
            self.unused = False
            return True
        if number == 0:
            return False
        distance = (number - self._highest + _MODULUS // 2) % _MODULUS - _MODULUS // 2
        if distance > self._ahead + (1 if number < self._highest else 0) or distance < -self._behind:
            return False
        if distance > 0:
            self._seen = (self._seen << distance | 1) & self._kept
            self._highest = number
        elif self._seen >> -distance & 1:
            return False
        else:
            self._seen |= 1 << -distance
        self.unused = False
        return True
