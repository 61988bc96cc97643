"""Ports that nobody uses, for rigs that run beside others."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from typing import Literal

PortChoice = Literal["file", "high", "free"]
"""Those of the file; some above 1024 that need no rights; or some that nobody uses, for a rig beside others."""

# Below the range from which kernels lend ports to sockets that ask for none: what was chosen here, no other
# program's outgoing connection can take before it is bound.
_PORTS: Iterator[int] = iter(random.SystemRandom().sample(range(20_000, 32_000), 12_000))


def free_port() -> int:
    """A port that nobody on this machine uses, over UDP or TCP; no two calls of one process give the same.

    Raises OSError when none is left.
    """
    for port in _PORTS:
        with socket.socket(type=socket.SOCK_DGRAM) as datagrams, socket.socket(type=socket.SOCK_STREAM) as streams:
            try:
                datagrams.bind(("0.0.0.0", port))
                streams.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port
    raise OSError("no free port between 20000 and 31999 is left on this machine")
