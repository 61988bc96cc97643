"""Decides that a device is lost, and that it is back. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Liveness:
    """Loss after `limit_s` without an answer; return after `answers` good ones. Times are the loop's seconds."""

    limit_s: float
    answers: int
    last_answer_s: float
    lost: bool = False
    _streak: int = 0

    def answered(self, now_s: float) -> bool:
        """Record an answer; True when the device has just come back."""
        self.last_answer_s = now_s
        if not self.lost:
            return False
        self._streak += 1
        if self._streak < self.answers:
            return False
        self.lost = False
        self._streak = 0
        return True

    def deadline_s(self) -> float | None:
        """Loop time at which the device will count as lost; None while it does."""
        return None if self.lost else self.last_answer_s + self.limit_s

    def check(self, now_s: float) -> bool:
        """True when the deadline has passed and the device counts as lost from now on."""
        deadline = self.deadline_s()
        if deadline is None or now_s < deadline - 1e-6:
            return False
        self.lost = True
        self._streak = 0
        return True
