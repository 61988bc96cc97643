"""The clock of a card: the date and time on its pages and of its tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ridethrough.emulators.kernel.instant import START, Instant

CARD_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
DATE, TIME = "%m/%d/%Y", "%H:%M:%S"


class CardClock:
    """Starts at its epoch, as a card does whose time was never set."""

    def __init__(self) -> None:
        self._at: datetime = CARD_EPOCH
        self._since: Instant = START

    def moment(self, now: Instant) -> datetime:
        """Return what the card takes for the present time."""
        return self._at + timedelta(seconds=(now - self._since) // 1000)

    def date(self, now: Instant) -> str:
        """Return the date as mm/dd/yyyy."""
        return self.moment(now).strftime(DATE)

    def time(self, now: Instant) -> str:
        """Return the time as hh:mm:ss."""
        return self.moment(now).strftime(TIME)

    def set(self, moment: datetime, now: Instant) -> None:
        """Set the clock to `moment`."""
        self._at, self._since = moment, now

    def reset(self, now: Instant) -> None:
        """Set the clock back to its epoch, as after its battery ran out."""
        self.set(CARD_EPOCH, now)

    def read(self, label: str, text: str, now: Instant) -> datetime | None:
        """Return the moment meant by `text` in mconfigClockDate or mconfigClockTime; None where it is none."""
        present = self.moment(now)
        if label.startswith("mconfigClockDate"):
            return parse(text, self.time(now))
        return parse(present.strftime(DATE), text)


def parse(date: str, time: str) -> datetime | None:
    """Return the moment of mm/dd/yyyy and hh:mm:ss; None when they are not."""
    try:
        return datetime.strptime(f"{date} {time}", f"{DATE} {TIME}").replace(tzinfo=UTC)
    except ValueError:
        return None
