"""What several stand-ins do with servers and UPSs: order, wait, and go on when something fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from ridethrough.mibs.powernet import OFF, OUTPUT_STATUS
from ridethrough.rigs.controllers.client import Desk, DeskError


class NoteWriter(NamedTuple):
    """A desk with the name of the one who writes."""

    desk: Desk
    write: Callable[[str, str, str], None]

    def note(self, mark: str, subject: str = "", text: str = "") -> None:
        self.write(mark, subject, text)

    async def attempt(self, work: Awaitable[object]) -> bool:
        """Do something that may fail; a failure is noted."""
        try:
            await work
        except DeskError as error:
            self.note("failed", "", str(error))
            return False
        return True


def is_up(desk: Desk, server: str) -> bool:
    """Whether an operating system runs that could be told anything."""
    return bool(desk.state(server) == "running")


def is_off(desk: Desk, server: str) -> bool:
    return bool(desk.state(server) == "off")


async def order_shutdown(desk: Desk, server: str) -> None:
    """Tell the server's lab agent to shut its operating system down. Raises DeskError."""
    await desk.tell_if_heard(server, "shutdown")


async def output_is_off(desk: Desk, ups: str) -> bool:
    """Whether the last answer of a UPS shows its output off. Raises DeskError."""
    return (await desk.device(ups))["readings"].get(OUTPUT_STATUS) in OFF


async def input_is_good(desk: Desk, ups: str) -> bool:
    """Whether the gateway knows of no lost input and no silence of a UPS. Raises DeskError."""
    return not {"input", "silence", "link"} & set((await desk.device(ups))["conditions"])
