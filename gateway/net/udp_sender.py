"""Sends datagrams to a name: a connected socket for each of its addresses, of which one is used.

UDP acknowledges nothing, but the network may refuse: by ICMP, which a connected socket reports a round trip later, or
seconds later for a host that is gone from the same network. A refusal makes the next address the one in use, and what
went to the refusing one within the last `REFUSAL_S` is sent again to it, in order: some of it may come twice, none is
lost where the network reports it. What every address has refused is given up, and the name is looked up again. Who
waits for answers reports an address that is silent (`failed`) or works (`worked`).
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress

from ridethrough.gateway.net.addresses import Address, AddressSelector, connected, resolve

REFUSAL_S = 4.0  # the longest that a refusal takes to come back: Linux looks three seconds for a host beside it
MAX_RESENT = 4096  # datagrams kept in case they are refused
LOOKUP_S = 5.0  # between two lookups of a name whose addresses all refuse
LARGEST = 65535
BATCH = 64
# Linux: errors that are no refusal of a port are reported on request (ip(7)); Python does not name the options.
IP_RECVERR, IPV6_RECVERR = 11, 25
OF_THE_DATAGRAM = frozenset({errno.EMSGSIZE, errno.ENOBUFS, errno.ENOMEM})  # no address is to blame


class _Path:
    """The socket of one address. `broken` when the system no longer sends by it, and a new one may help."""

    def __init__(self, address: Address, made: socket.socket) -> None:
        self.address = address
        self.socket = made
        self.broken = False
        self.reports_all_errors = False  # the kernel keeps errors besides


class UdpSender:
    """`on_answer` gets answers and their senders; `on_refusal` is called when one of several addresses has refused."""

    def __init__(
        self,
        host: str,
        port: int,
        local: str = "",
        on_answer: Callable[[bytes, Address], None] = lambda _data, _address: None,
        on_refusal: Callable[[], None] = lambda: None,
    ) -> None:
        self._place = (host, port)
        self._local = local
        self._on_answer = on_answer
        self._on_refusal = on_refusal
        self._selector = AddressSelector()
        self._paths: dict[Address, _Path] = {}
        self._path: _Path | None = None  # the one in use
        # Loop time at which it was sent first, datagram, and how many addresses have refused it.
        self._recent: deque[tuple[float, bytes, int]] = deque(maxlen=MAX_RESENT)
        self._queue: deque[bytes] = deque()  # while the kernel's buffer is full
        self._lookup_lock = asyncio.Lock()
        self._looked_up_s = 0.0
        self.answers = 0
        self.refused = ""  # the last error of the network
        self.lost = Counter[str]()  # datagrams that no address took, by the network's error

    # --- where to ---------------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """True while an address is in use."""
        return self._path is not None

    @property
    def address(self) -> Address | None:
        """The address in use."""
        return None if self._path is None else self._path.address

    @property
    def addresses(self) -> tuple[Address, ...]:
        """All that can be used."""
        return self._selector.addresses

    @property
    def exhausted(self) -> bool:
        """True when all addresses have failed since one worked."""
        return self._selector.exhausted

    async def open(self) -> None:
        """Look the name up, if it is not known or all its addresses have failed. Raises OSError."""
        async with self._lookup_lock:
            if self._path is not None and not self._selector.exhausted:
                return
            try:
                self._renew(await resolve(*self._place))
            finally:
                self._looked_up_s = asyncio.get_running_loop().time()

    async def open_seldom(self) -> None:
        """Like `open`, at most every `LOOKUP_S` and without errors: for datagrams that nobody acknowledges."""
        if self._path is None or asyncio.get_running_loop().time() >= self._looked_up_s + LOOKUP_S:
            with suppress(OSError):
                await self.open()

    def _renew(self, found: tuple[Address, ...]) -> None:
        """Raises OSError when none of the addresses can be used."""
        failure: OSError | None = None
        usable: list[Address] = []
        for address in found:
            known = self._paths.get(address)
            if known is None or known.broken:
                try:
                    made = connected(address, self._local)
                except OSError as error:
                    failure = failure or error
                    continue
                self._drop(address)
                self._add(_Path(address, made))
            usable.append(address)
        for address in [address for address in self._paths if address not in usable]:
            self._drop(address)
        self._selector.renew(usable)
        self._use()
        if self._path is None:
            raise failure or OSError(errno.EADDRNOTAVAIL, "no address")
        for path in self._paths.values() if len(usable) > 1 else ():
            _report_all_errors(path)

    def _add(self, path: _Path) -> None:
        self._paths[path.address] = path
        asyncio.get_running_loop().add_reader(path.socket.fileno(), self._drain, path)

    def _drop(self, address: Address) -> None:
        path = self._paths.pop(address, None)
        if path is None:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(path.socket.fileno())
        loop.remove_writer(path.socket.fileno())
        path.socket.close()
        if path is self._path:
            self._path = None

    def _use(self) -> None:
        """Make the chosen address the one in use."""
        current = self._selector.current
        path = None if current is None else self._paths[current]
        if path is not self._path:
            if self._path is not None:
                asyncio.get_running_loop().remove_writer(self._path.socket.fileno())
            self._path = path
            self._wait_for_room()

    def failed(self, address: Address | None) -> None:
        """Use the next address: nobody answered at this one."""
        self._selector.failed(address)
        self._use()

    def worked(self, address: Address | None) -> None:
        """Go on with an address, from which an answer has come."""
        self._selector.worked(address)
        self.answers += 1

    def close(self) -> None:
        """Close all sockets; what waits for room in a buffer is dropped. `open` may be called again."""
        for address in list(self._paths):
            self._drop(address)
        self._selector = AddressSelector()
        self._queue.clear()
        self._recent.clear()

    # --- sending ----------------------------------------------------------------------------------------------

    def send(self, data: bytes, *, again: bool = True) -> None:
        """Send to the address in use. `again` of False is for what its sender repeats itself."""
        path = self._path
        if path is None:
            return
        if again and len(self._paths) > 1:
            self._remember(data)
        if self._queue:
            self._queue.append(data)
            return
        try:
            path.socket.send(data)
        except BlockingIOError:
            self._queue.append(data)
            self._wait_for_room()
        except OSError as error:
            self._not_sent(path, data, error)

    def _remember(self, data: bytes) -> None:
        now_s = asyncio.get_running_loop().time()
        recent = self._recent
        while recent and recent[0][0] < now_s - REFUSAL_S:
            recent.popleft()
        recent.append((now_s, data, 0))

    def _not_sent(self, path: _Path, data: bytes, error: OSError) -> None:
        """A datagram stayed here: the error may be of an earlier one, which the socket reports only now."""
        self._refuse(path, error)
        if len(self._paths) > 1 or error.errno in OF_THE_DATAGRAM:
            return
        try:
            path.socket.send(data)
        except OSError as once_more:
            self.refused = _words(once_more)
            self.lost[self.refused] += 1

    def _refuse(self, path: _Path, error: OSError) -> None:
        """Handle an error that says that a datagram did not arrive."""
        _drain_errors(path)
        self.refused = _words(error)
        if path is not self._path or error.errno in OF_THE_DATAGRAM:
            return
        self._move_on(error)
        if len(self._paths) > 1:
            self._on_refusal()

    def _move_on(self, error: OSError) -> None:
        """Go from address to address until one takes what was sent of late, or none does."""
        while (path := self._path) is not None:
            path.broken = error.errno != errno.ECONNREFUSED
            self.failed(path.address)
            if not self._refused_once_more():
                break
            self._selector.worked(self.address)  # it has not refused these
            refusal = self._send_recent()
            if refusal is None:
                break
            error = refusal

    def _refused_once_more(self) -> bool:
        """Note that what was sent of late was refused; whether any of it has another address to go to."""
        earliest_s = asyncio.get_running_loop().time() - REFUSAL_S
        recent = [(sent_s, data, count + 1) for sent_s, data, count in self._recent if sent_s >= earliest_s]
        self._recent.clear()
        self._recent.extend(item for item in recent if item[2] < len(self._paths))
        if undeliverable := 1 if len(self._paths) == 1 else len(recent) - len(self._recent):
            self.lost[self.refused] += undeliverable
            if not self._recent:
                self._selector.exhaust()
        return bool(self._recent)

    def _send_recent(self) -> OSError | None:
        """Send again what may have been refused; the error if this address refuses, too."""
        path = self._path
        if path is None:
            return None
        for _, data, _ in self._recent:
            try:
                path.socket.send(data)
            except BlockingIOError:
                self._queue.append(data)
            except OSError as error:
                _drain_errors(path)
                return error
        self._wait_for_room()
        return None

    def _wait_for_room(self) -> None:
        if self._queue and self._path is not None:
            asyncio.get_running_loop().add_writer(self._path.socket.fileno(), self._empty_queue, self._path)

    def _empty_queue(self, path: _Path) -> None:
        while self._queue:
            try:
                path.socket.send(self._queue[0])
            except BlockingIOError:
                return
            except OSError as error:
                self._refuse(path, error)
                return
            self._queue.popleft()
        asyncio.get_running_loop().remove_writer(path.socket.fileno())

    # --- receiving ----------------------------------------------------------------------------------------------

    def _drain(self, path: _Path) -> None:
        for _ in range(BATCH):
            try:
                data = path.socket.recv(LARGEST)
            except BlockingIOError:
                _drain_errors(path)
                return
            except OSError as error:
                self._refuse(path, error)
                return
            self._on_answer(data, path.address)


def _words(error: OSError) -> str:
    return "nobody listens there" if error.errno == errno.ECONNREFUSED else error.strerror or str(error)


def _report_all_errors(path: _Path) -> None:
    six = path.address.family == socket.AF_INET6
    level, option = (socket.IPPROTO_IPV6, IPV6_RECVERR) if six else (socket.IPPROTO_IP, IP_RECVERR)
    with suppress(OSError):  # then refusals of the port alone are reported
        path.socket.setsockopt(level, option, 1)
        path.reports_all_errors = True


def _drain_errors(path: _Path) -> None:
    """Take the errors that the kernel keeps besides, or it would wake the loop for them again and again."""
    with suppress(OSError):
        while path.reports_all_errors:
            path.socket.recvmsg(1, 256, socket.MSG_ERRQUEUE)
