"""The card's console: log-on and menus, for telnet and the serial line alike. Octets in, octets out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from ridethrough.emulators.devices.ups.card.accounts import LoginChannel, Tcpip
from ridethrough.emulators.devices.ups.device import EmulatedUps
from ridethrough.emulators.kernel.instant import Instant

CR, LF, BACKSPACE, DELETE, ESCAPE = 13, 10, 8, 127, 27
LONGEST_LINE = 255
NEWLINE = "\r\n"
ATTEMPTS = 3


class Item(NamedTuple):
    """A line of a menu: what it says, and what choosing it does."""

    text: str
    choose: Callable[[Instant], None]


class ConsoleMenu:
    """One session of the console. `token` names it; `closed` is True once the connection is to be closed."""

    def __init__(self, device: EmulatedUps, token: str) -> None:
        self.closed = False
        self._ups = device.ups
        self._card = device.card
        self._token = token
        self._line = bytearray()
        self._after_cr = False
        self._secret = False
        self._out: list[str] = []
        self._failures = 0
        self._name = ""
        self._expect: Callable[[str, Instant], None] = self._take_name
        self._menu: Callable[[], None] | None = None
        self._items: list[Item] = []
        self._draft: Tcpip | None = None
        # Where Escape leads; from all others, to the main menu.
        self._parents = {self._tcpip: self._network, self._users: self._system}

    @property
    def logged_on(self) -> bool:
        """True once somebody has logged on."""
        return self._menu is not None

    def open(self) -> bytes:
        """Return the octets that a new connection is shown."""
        self._ask_name()
        return self._flush()

    def feed(self, data: bytes, now: Instant) -> bytes:
        """Take keys; return their echo and whatever they make the menu show."""
        for octet in data:
            if self.closed:
                break
            self._key(octet, now)
        return self._flush()

    def hang_up(self) -> None:
        """End the session: log off, if anybody is logged on, and set `closed`. May be called again."""
        if self.logged_on:
            self._card.accounts.log_off(self._token)
        self.closed = True

    def _key(self, octet: int, now: Instant) -> None:
        if octet == LF and self._after_cr:
            self._after_cr = False
            return
        self._after_cr = octet == CR
        if octet in (CR, LF):
            self._end_line(now)
        elif octet == ESCAPE:
            self._line.clear()
            self._back(now)
        elif octet in (BACKSPACE, DELETE):
            if self._line:
                del self._line[-1]
                self._out.append("\b \b")
        elif 32 <= octet < 127 and len(self._line) < LONGEST_LINE:
            self._line.append(octet)
            self._out.append("*" if self._secret else chr(octet))

    def _end_line(self, now: Instant) -> None:
        text = self._line.decode("ascii").strip()
        self._line.clear()
        self._print()
        if self.logged_on and not self._card.accounts.keep_alive(self._token, now):
            self._print("The session has ended.")
            self.closed = True
            return
        self._secret = False
        self._expect(text, now)

    def _print(self, text: str = "") -> None:
        self._out.append(text + NEWLINE)

    def _prompt(self, text: str, expect: Callable[[str, Instant], None], *, secret: bool = False) -> None:
        self._out.append(text)
        self._expect, self._secret = expect, secret

    def _flush(self) -> bytes:
        text = "".join(self._out)
        self._out.clear()
        return text.encode("ascii", "replace")

    # --- log-on ---------------------------------------------------------------------------------------------------

    def _ask_name(self) -> None:
        self._prompt(f"{NEWLINE}User Name : ", self._take_name)

    def _take_name(self, text: str, _now: Instant) -> None:
        self._name = text
        self._prompt("Password  : ", self._take_password, secret=True)

    def _take_password(self, text: str, now: Instant) -> None:
        if self._card.accounts.log_on(LoginChannel.CONSOLE, self._name, text, self._token, now):
            self._print()
            self._print(f"{self._card.profile.text('upsBasicIdentModel') or 'UPS'} - Network Management Card")
            self._show(self._main)
            return
        self._failures += 1
        self._print("Wrong user name or password.")
        if self._failures == ATTEMPTS:
            self.closed = True
        else:
            self._ask_name()

    # --- menus ----------------------------------------------------------------------------------------------------

    def _show(self, menu: Callable[[], None]) -> None:
        self._menu = menu
        self._items = []
        self._print()
        menu()
        for number, item in enumerate(self._items, start=1):
            self._print(f" {number}- {item.text}")
        self._print(" <ESC>- Back, <ENTER>- Refresh")
        self._prompt("> ", self._choose)

    def _choose(self, text: str, now: Instant) -> None:
        if text.isdigit() and 1 <= int(text) <= len(self._items):
            self._items[int(text) - 1].choose(now)
            return
        if text:
            self._print(f"There is no {text!r} here; choose 1 to {len(self._items)}.")
        self._again()

    def _again(self) -> None:
        if self._menu is not None:
            self._show(self._menu)

    def _back(self, _now: Instant) -> None:
        if self._menu is not None:
            self._print()
            self._show(self._parents.get(self._menu, self._main))

    def _to(self, menu: Callable[[], None]) -> Callable[[Instant], None]:
        return lambda _now: self._show(menu)

    def _main(self) -> None:
        self._print("------- Control Console -------------------------------------------")
        self._items = [
            Item("Device Manager", self._to(self._device)),
            Item("Network", self._to(self._network)),
            Item("System", self._to(self._system)),
            Item("Logout", self._log_off),
        ]

    def _device(self) -> None:
        self._print("------- Device Manager --------------------------------------------")
        self._print(f"   Model     : {self._card.profile.text('upsBasicIdentModel')}")
        self._print(f"   Serial    : {self._card.profile.text('upsAdvIdentSerialNumber')}")
        self._print(f"   Status    : {self._ups.status.name.replace('_', ' ').capitalize()}")

    def _network(self) -> None:
        self._print("------- Network ---------------------------------------------------")
        self._items = [Item("TCP/IP", self._to(self._tcpip))]

    def _system(self) -> None:
        self._print("------- System ----------------------------------------------------")
        self._items = [
            Item("User Manager", self._to(self._users)),
            Item("Restart the card", self._restart),
        ]

    def _tcpip(self) -> None:
        draft = self._draft = self._draft or self._card.accounts.next_tcpip
        self._print("------- TCP/IP ----------------------------------------------------")
        self._items = [
            Item(f"BOOTP           : {'Enabled' if draft.bootp else 'Disabled'}", self._ask_bootp),
            Item(
                f"System IP       : {draft.address}",
                self._ask_place("System IP", lambda place, text: replace(place, address=text)),
            ),
            Item(
                f"Subnet Mask     : {draft.mask}",
                self._ask_place("Subnet Mask", lambda place, text: replace(place, mask=text)),
            ),
            Item(
                f"Default Gateway : {draft.gateway}",
                self._ask_place("Default Gateway", lambda place, text: replace(place, gateway=text)),
            ),
            Item("Accept Changes", self._accept),
        ]

    def _users(self) -> None:
        self._print("------- User Manager ----------------------------------------------")
        self._items = [Item(f"User Name and password ({self._card.accounts.name})", self._ask_user)]

    # --- what items do --------------------------------------------------------------------------------------------

    def _ask_bootp(self, _now: Instant) -> None:
        self._print(" 1- Disable")
        self._print(" 2- Enable")
        self._prompt("BOOTP : ", self._take_bootp)

    def _take_bootp(self, text: str, _now: Instant) -> None:
        if text in ("1", "2") and self._draft is not None:
            self._draft = replace(self._draft, bootp=text == "2")
        elif text:
            self._print("Choose 1 or 2.")
        self._again()

    def _ask_place(self, name: str, change: Callable[[Tcpip, str], Tcpip]) -> Callable[[Instant], None]:
        def take(text: str, _now: Instant) -> None:
            if text and self._draft is not None:
                self._draft = change(self._draft, text)
            self._again()

        def ask(_now: Instant) -> None:
            # As the card has it: the change of BOOTP must have been accepted first.
            if self._card.accounts.next_tcpip.bootp:
                self._print("BOOTP gives the card its address; disable it and accept that change first.")
                self._again()
            else:
                self._prompt(f"{name} : ", take)

        return ask

    def _accept(self, _now: Instant) -> None:
        problem = self._card.accounts.stage_tcpip(self._draft) if self._draft is not None else ""
        self._print(problem or "Accepted; changes take effect at log-off.")
        if not problem:
            self._draft = None
        self._again()

    def _ask_user(self, _now: Instant) -> None:
        self._prompt("User Name : ", self._take_new_name)

    def _take_new_name(self, text: str, _now: Instant) -> None:
        self._name = text
        self._prompt("Password  : ", self._take_new_password, secret=True)

    def _take_new_password(self, text: str, now: Instant) -> None:
        self._print(self._card.accounts.change(self._name, text, now) or "Changed.")
        self._again()

    def _restart(self, now: Instant) -> None:
        self._print("The card restarts.")
        self.closed = True
        self._card.restart(now)

    def _log_off(self, _now: Instant) -> None:
        self._print("Bye.")
        self.hang_up()
