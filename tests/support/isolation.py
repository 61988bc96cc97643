"""A network of its own for each process that runs tests, so that none meets another's ports, traps or wake-up packets."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from pathlib import Path

CLONE_NEWNET = 0x40000000  # sched.h
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1  # netdevice(7)
IPV6 = Path("/proc/sys/net/ipv6/conf/all/disable_ipv6")


def own_network(*, ipv6: bool = True) -> None:
    """Move to a new network namespace, with its loopback up. Raises OSError without the right to (`CAP_SYS_ADMIN`).

    Containers hand down that IPv6 is off; here it is on, as far as the kernel has it, unless a test wants it off.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"no network namespace: {os.strerror(number)}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        name, flags = struct.unpack("16sh", fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack("16sh", b"lo", 0)))
        try:
            IPV6.write_text("0" if ipv6 else "1")
        except OSError:
            if not ipv6:
                raise
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh", name, flags | IFF_UP))


def as_ordinary_user() -> list[str]:
    """A wrapper for programs that as root would change their groups, where a user namespace forbids root to do that."""
    if Path("/proc/self/setgroups").read_text().strip() == "allow":
        return []
    return ["unshare", "--user", "--map-user=1", "--map-group=1"]
