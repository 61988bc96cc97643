"""Datagrams with the address of the device they came from as their source, which needs a capability."""

from __future__ import annotations

import socket
from collections import OrderedDict
from typing import Any

from ridethrough.gateway.net.addresses import family_of

IP_TRANSPARENT, IPV6_TRANSPARENT = 19, 75  # socket options of Linux (ip(7), ipv6(7)), which Python does not name
MAX_SOCKETS = 256  # sockets kept, one for each source


class Spoofer:
    """Sockets by source address. The kernel wants CAP_NET_RAW or CAP_NET_ADMIN for them."""

    def __init__(self) -> None:
        self._sockets: OrderedDict[str, socket.socket] = OrderedDict()

    @staticmethod
    def allowed() -> bool:
        """True when this process has the capability."""
        try:
            _transparent(socket.AF_INET).close()
        except OSError:
            return False
        return True

    def send(self, data: bytes, source: str, peer: tuple[Any, ...]) -> None:
        """Send as if from `source`. Raises OSError, also when that is of another family than `peer`."""
        known = self._sockets.pop(source, None)
        if known is None:
            if len(self._sockets) >= MAX_SOCKETS:
                self._sockets.popitem(last=False)[1].close()
            known = _transparent(family_of(source))
            try:
                known.bind((source, 0))
            except OSError:
                known.close()
                raise
        self._sockets[source] = known
        known.sendto(data, peer)

    def close(self) -> None:
        """Close all sockets."""
        for known in self._sockets.values():
            known.close()
        self._sockets.clear()


def _transparent(family: socket.AddressFamily) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.setblocking(False)
    try:
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
        else:
            made.setsockopt(socket.IPPROTO_IP, IP_TRANSPARENT, 1)
    except OSError:
        made.close()
        raise
    return made
