"""What several stand-ins do with servers and UPSs: order, wait, and go on when something fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from ridethrough.rigs.api_client import ApiError
from ridethrough.rigs.controllers.client import ControllerClient

OFF_STATES = frozenset({5, 7, 8, 11})  # upsBasicOutputStatus: asleep, off, rebooting, waiting for power


class NoteWriter(NamedTuple):
    """A client with the name of the one who writes."""

    client: ControllerClient
    write: Callable[[str, str, str], None]

    def note(self, mark: str, subject: str = "", text: str = "") -> None:
        self.write(mark, subject, text)

    async def attempt(self, work: Awaitable[object]) -> bool:
        """Do something that may fail; a failure is noted."""
        try:
            await work
        except ApiError as error:
            self.note("failed", "", str(error))
            return False
        return True


def is_up(client: ControllerClient, server: str) -> bool:
    """Whether an operating system runs that could be told anything."""
    return bool(client.state(server) == "running")


def is_off(client: ControllerClient, server: str) -> bool:
    return bool(client.state(server) == "off")


async def order_shutdown(client: ControllerClient, server: str) -> None:
    """Tell the server's lab agent to shut its operating system down. Raises ApiError."""
    await client.send_input_if_running(server, "shutdown")


async def output_is_off(client: ControllerClient, ups: str) -> bool:
    """Whether the last answer of a UPS shows its output off. Raises ApiError."""
    return (await client.device(ups))["readings"].get("upsBasicOutputStatus") in OFF_STATES


async def input_is_good(client: ControllerClient, ups: str) -> bool:
    """Whether the gateway knows of no lost input and no silence of a UPS. Raises ApiError."""
    return not {"input", "silence", "link"} & set((await client.device(ups))["conditions"])
