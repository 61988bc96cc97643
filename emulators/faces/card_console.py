"""The card's console on telnet and on a pseudo-terminal that stands for its serial port."""

from __future__ import annotations

import asyncio
import os
import tty
from contextlib import suppress
from pathlib import Path

from ridethrough.emulators.devices.ups.device import EmulatedUps
from ridethrough.emulators.faces.bind_error import BindError, explain_bind
from ridethrough.emulators.faces.card_menu import ConsoleMenu
from ridethrough.emulators.faces.interactive import InteractiveContext
from ridethrough.emulators.faces.telnet import GREETING, TelnetFilter

CHUNK = 1024


class ConsoleFace:
    """Consoles of one card."""

    def __init__(self, device: EmulatedUps, context: InteractiveContext) -> None:
        self._device = device
        self._card = device.card
        self._now, self._changed, self._token = context.now, context.changed, context.token
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._pty: tuple[int, int] | None = None
        self._link: Path | None = None
        self._menu: ConsoleMenu | None = None

    async def listen(self, address: str, port: int) -> None:
        """Serve telnet. Raises BindError."""
        try:
            self._server = await asyncio.start_server(self._serve, address, port)
        except OSError as error:
            raise explain_bind(error, f"{address}:{port}/tcp") from error

    def open_serial(self, link: Path) -> None:
        """Make the serial port and point `link` at it. Raises BindError when that name cannot be used."""
        main, other = os.openpty()
        tty.setraw(other)  # the card echoes, not the line
        os.set_blocking(main, False)
        self._pty = (main, other)
        try:
            if link.is_symlink():
                link.unlink()
            link.symlink_to(os.ttyname(other))
        except OSError as error:
            self.close_serial()
            raise BindError(error.errno, f"serial port {link}: {error.strerror}") from error
        self._link = link
        self._menu = ConsoleMenu(self._device, self._token())
        self._show(self._menu.open())
        asyncio.get_running_loop().add_reader(main, self._typed)

    async def stop_listening(self) -> None:
        """Hang up on telnet; the serial port, which has no address, stays."""
        if self._server is not None:
            self._server.close()
            for writer in tuple(self._writers):
                writer.close()
            await self._server.wait_closed()
            self._server = None

    def close_serial(self) -> None:
        """Take the serial port away."""
        if self._pty is None:
            return
        asyncio.get_running_loop().remove_reader(self._pty[0])
        for descriptor in self._pty:
            os.close(descriptor)
        self._pty = None
        if self._link is not None:
            self._link.unlink(missing_ok=True)
            self._link = None

    def _typed(self) -> None:
        if self._pty is None or self._menu is None:
            return
        try:
            data = os.read(self._pty[0], CHUNK)
        except BlockingIOError:
            return
        if self._card.muted:
            return
        answer = self._menu.feed(data, self._now())
        if self._menu.closed:  # a serial line stays; the next person starts anew
            self._menu = ConsoleMenu(self._device, self._token())
            answer += self._menu.open()
        self._show(answer)
        self._changed()

    def _show(self, text: bytes) -> None:
        if self._pty is not None:
            with suppress(BlockingIOError):  # nobody reads there: what a serial line sends is gone
                os.write(self._pty[0], text)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        menu = ConsoleMenu(self._device, self._token())
        typed = TelnetFilter()
        self._writers.add(writer)
        try:
            writer.write(GREETING + menu.open())
            while not menu.closed and (data := await reader.read(CHUNK)):
                if self._card.muted:
                    continue
                writer.write(menu.feed(typed.typed(data), self._now()))
                self._changed()
                await writer.drain()
        except ConnectionError:
            pass  # hung up in the middle: the same as hung up at the end
        finally:
            menu.hang_up()
            self._changed()
            self._writers.discard(writer)
            writer.close()
