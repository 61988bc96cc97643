"""The server's serial port: the messages of its start and end, and a login prompt."""

from __future__ import annotations

from ridethrough.emulators.bindings.chassis import HostState, OsState

MAX_OCTETS = 16_384  # octets kept for whoever looks later
POST = (
    "\r\nSystem firmware\r\nExpress5800 A1080a-class server (emulated)\r\n"
    "Memory test ... passed\r\nStarting from {device}\r\n"
)
BANNER = "\r\n{name} login: "
SHUTDOWN = "\r\nThe system is going down for power off NOW!\r\nStopping services ...\r\n"
HALTED = "Power down.\r\n"
PANIC = "\r\nKernel panic - not syncing: NMI or fatal machine check\r\n"


class SerialConsole:
    """A serial port at which a login prompt waits. Nothing but the name is read, and nobody is let in."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = b""
        self.written = 0  # octets ever written
        self.holder: int | None = None  # the session that has it
        self._typed = b""
        self._os = OsState.OFF
        self._asks_password = False

    def open(self, session_id: int) -> None:
        """From now on the console speaks to a session."""
        self.holder = session_id

    def close(self) -> None:
        """The console speaks to nobody."""
        self.holder = None

    def watch(self, host: HostState, device: str) -> None:
        """Say what a server says on its way into another state; `device` is what it starts from."""
        before, self._os = self._os, host.os
        if before is host.os:
            return
        if host.os is OsState.BOOTING:
            self._print(POST.format(device=device))
        elif host.os is OsState.RUNNING:
            self._print(BANNER.format(name=self.name))
        elif host.os is OsState.SHUTTING_DOWN:
            self._print(SHUTDOWN)
        elif host.os is OsState.HUNG:
            self._print(PANIC)
        elif before is OsState.SHUTTING_DOWN:
            self._print(HALTED)
        self._typed, self._asks_password = b"", False

    def type(self, octets: bytes) -> None:
        """Keys pressed at the other end; only a running system answers."""
        if self._os is not OsState.RUNNING:
            return
        for octet in octets:
            if octet in (0x0A, 0x0D):
                self._enter()
            elif octet in (0x08, 0x7F):
                if self._typed and not self._asks_password:
                    self._print("\b \b")
                self._typed = self._typed[:-1]
            elif octet >= 0x20 and len(self._typed) < 64:
                self._typed += bytes((octet,))
                if not self._asks_password:
                    self._write(bytes((octet,)))

    def since(self, at: int) -> bytes:
        """The octets written behind octet `at`, as far as they are still kept."""
        missing = self.written - at
        return self.text[-missing:] if missing > 0 else b""

    def _enter(self) -> None:
        if self._asks_password:
            self._asks_password = False
            self._print("\r\nLogin incorrect\r\n" + BANNER.format(name=self.name))
        elif self._typed:
            self._asks_password = True
            self._print("\r\nPassword: ")
        else:
            self._print(BANNER.format(name=self.name))
        self._typed = b""

    def _print(self, text: str) -> None:
        self._write(text.encode("ascii", "replace"))

    def _write(self, octets: bytes) -> None:
        self.text = (self.text + octets)[-MAX_OCTETS:]
        self.written += len(octets)
