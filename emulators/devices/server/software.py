"""Software on a server beside its operating system: jobs, and the clients that it serves."""

from __future__ import annotations

from ridethrough.emulators.kernel.instant import Instant, after, soonest


class RunningSoftware:
    """Jobs by name, and the number of clients that work with the server over the network."""

    def __init__(self) -> None:
        self._jobs: dict[str, Instant] = {}
        self.finished: list[str] = []
        self.clients = 0

    @property
    def jobs(self) -> list[str]:
        """Jobs that run now."""
        return sorted(self._jobs)

    def begin(self, name: str, seconds: float, now: Instant) -> None:
        """Run a job; one of that name that runs already begins anew."""
        self._jobs[name] = after(now, seconds)

    def kill(self) -> None:
        """The operating system is gone, and with it every job and every client."""
        self._jobs.clear()
        self.finished.clear()
        self.clients = 0

    def advance(self, now: Instant) -> None:
        """Let jobs end that are due."""
        for name, due in sorted(self._jobs.items()):
            if due <= now:
                del self._jobs[name]
                self.finished.append(name)

    def next_deadline(self) -> Instant | None:
        """Return the end of the next job; None without any."""
        return soonest(*self._jobs.values())
