"""Due times of schedules: days, holidays, and clocks that are put forward and back. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ridethrough.rigs.controllers.esmpro_ac.config import Turn

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FAR = 366  # days that are looked at; a schedule that is not due within them never is


class Due(NamedTuple):
    """A line of a schedule, and the instant at which it is due."""

    at: datetime
    turn: Turn


def moment(day: date, clock: str, zone: ZoneInfo) -> datetime:
    """Return `clock` on `day`, as UTC.

    In an hour that is skipped a time means what it would have without the change, in one that comes twice its first
    occurrence: so every line of a schedule is due exactly once a day.
    """
    hour, minute = (int(part) for part in clock.split(":"))
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
    return local.astimezone(UTC)


def upcoming(turns: Iterable[Turn], holidays: Iterable[str], zone: ZoneInfo, after: datetime) -> Due | None:
    """Return the first line that is due after `after`; None when none is within a year."""
    free = frozenset(holidays)
    turns = tuple(turns)
    start = after.astimezone(zone).date() - timedelta(days=1)
    for offset in range(FAR):
        day = start + timedelta(days=offset)
        due = [item for item in _of(turns, free, zone, day) if item.at > after]
        if due:
            return min(due, key=lambda item: item.at)
    return None


def _of(turns: tuple[Turn, ...], free: frozenset[str], zone: ZoneInfo, day: date) -> Iterator[Due]:
    if day.isoformat() in free:
        return
    for turn in turns:
        if not turn.days or DAYS[day.weekday()] in turn.days:
            yield Due(moment(day, turn.at, zone), turn)
