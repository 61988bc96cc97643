"""Wakes servers by Wake-on-LAN: by broadcast or to one address, with a SecureOn password where the card wants one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import msgspec

from ridethrough.gateway.devices.commands import CommandError, Done, parse_parameters
from ridethrough.gateway.net.addresses import family_of
from ridethrough.wire.wol import Wake, encode

TIMES = 3  # packets at once; none is acknowledged
AGAIN_S = 10.0


class WakeUp(msgspec.Struct, forbid_unknown_fields=True):
    """With `until_up`, packets are repeated until the server answers its heartbeat, or the deadline comes."""

    until_up: bool = False


SHAPES: dict[str, type[msgspec.Struct]] = {"wake": WakeUp}


class WakeCommander:
    """Wakes one server. `password` is called for each packet, so that a changed file takes effect.

    `is_up` is true when the server has answered since a loop time.
    """

    names: tuple[str, ...] = tuple(SHAPES)

    def __init__(
        self, mac: bytes, to: str, port: int, password: Callable[[], bytes], is_up: Callable[[float], bool]
    ) -> None:
        self._mac = mac
        self._place = (to, port)
        self._password = password
        self._is_up = is_up

    def check(self, command: str, params: dict[str, Any]) -> None:
        """Raise CommandError for a command or parameters that are not `SHAPES`'."""
        parse_parameters("a server", SHAPES, command, params)

    def repeatable(self, command: str) -> bool:
        """True: a server that runs ignores magic packets."""
        return True

    async def run(self, command: str, params: dict[str, Any]) -> Done:
        """Send the magic packets; with `until_up`, return when the server answers. Raises CommandError."""
        wanted = parse_parameters("a server", SHAPES, command, params)
        begun_s = asyncio.get_running_loop().time()
        sent = self._send()
        if not isinstance(wanted, WakeUp) or not wanted.until_up:
            return Done(f"{sent} magic packets for {self._mac.hex(':')} sent to {self._place[0]}:{self._place[1]}")
        while not self._is_up(begun_s):
            await asyncio.sleep(AGAIN_S)  # the command's deadline ends this
            sent += 0 if self._is_up(begun_s) else self._send()
        return Done(f"the server is up after {sent} magic packets")

    def _send(self) -> int:
        """Send `TIMES` packets; returns that number. Raises CommandError."""
        try:
            packet = encode(Wake(self._mac, self._password()))
            with socket.socket(family_of(self._place[0]), socket.SOCK_DGRAM) as sender:
                sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                for _ in range(TIMES):
                    sender.sendto(packet, self._place)
        except (OSError, ValueError) as error:
            raise CommandError(f"{self._place[0]}:{self._place[1]}: {error}", unreachable=True) from error
        return TIMES
