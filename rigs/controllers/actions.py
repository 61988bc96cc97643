"""Actions that several stand-ins share: orders to servers and UPSs, and questions about their states."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from ridethrough.mibs.powernet import OFF, OUTPUT_STATUS
from ridethrough.rigs.api_client import ApiError
from ridethrough.rigs.controllers.client import ControllerClient


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


async def order_shutdown(client: ControllerClient, server: str) -> None:
    """Order an operating system to shut down; one that does not run is left as it is. Raises ApiError."""
    await client.send_input_if_running(server, "shutdown")


async def output_is_off(client: ControllerClient, ups: str) -> bool:
    """Return True when the last answer of a UPS shows its output off. Raises ApiError."""
    return (await client.device(ups))["readings"].get(OUTPUT_STATUS) in OFF


async def input_is_good(client: ControllerClient, ups: str) -> bool:
    """Return True when the gateway knows of no lost input and no silence of a UPS. Raises ApiError."""
    return not {"input", "silence", "link"} & set((await client.device(ups))["conditions"])
