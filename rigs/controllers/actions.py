"""Actions that several stand-ins share: orders to servers and UPSs, and questions about their states."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from ridethrough.rigs.api_client import ApiError
from ridethrough.rigs.controllers.client import ControllerClient

RUNNING = ("running", "shutting-down")  # software on a server whose operating system is in one of these can still act


class NoteWriter(NamedTuple):
    """The client, and the notes of one controller."""

    client: ControllerClient
    write: Callable[[str, str, str], None]

    def note(self, mark: str, subject: str = "", text: str = "") -> None:
        """Append a note in the controller's name."""
        self.write(mark, subject, text)

    async def attempt(self, work: Awaitable[object]) -> bool:
        """Await `work`; when it raises ApiError, note that as `failed` and return False."""
        try:
            await work
        except ApiError as error:
            self.note("failed", "", str(error))
            return False
        return True


def is_up(client: ControllerClient, server: str) -> bool:
    """Return True while the server's operating system runs and takes orders."""
    return bool(client.state(server) == "running")


def is_off(client: ControllerClient, server: str) -> bool:
    """Return True while the server is switched off; False also while it starts or stops."""
    return bool(client.state(server) == "off")


def guests_are_off(client: ControllerClient, server: str) -> bool:
    """Return True when no guest of the server runs, starts or stops."""
    return not set((client.state(server, "guests") or {}).values()) - {"off"}


async def order_shutdown(client: ControllerClient, server: str) -> None:
    """Order an operating system to shut down; one that does not run is left as it is. Raises ApiError."""
    await client.send_input_if_running(server, "shutdown")
