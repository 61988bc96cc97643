"""Errors of binding an address, in words."""

from __future__ import annotations

import errno
import resource


class BindError(OSError):
    """An address cannot be bound. The text names it and says what to do."""


def explain_bind(
    error: OSError,
    place: str,
    busy: str = "another rig or an SNMP or IPMI service runs there; stop it or change `ports`, or use --ports free",
) -> BindError:
    """The error as one line with the next step; `busy` says what may be in the way."""
    match error.errno:
        case errno.EADDRINUSE:
            reason = f"is already in use: {busy}"
        case errno.EACCES:
            reason = (
                "needs the right to bind ports below 1024: run as root, give CAP_NET_BIND_SERVICE, or use --ports high"
            )
        case errno.EADDRNOTAVAIL:
            reason = "is not an address of this machine: add it to an interface or change the file"
        case errno.EAFNOSUPPORT:
            reason = "cannot be bound: this machine has no IPv6"
        case errno.EMFILE:
            most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            reason = (
                f"cannot be bound: this process may have {most:,} files and sockets open, and has; raise that limit "
                "(`ulimit -n`, LimitNOFILE=)"
            )
        case _:
            reason = f"cannot be bound: {error.strerror}"
    return BindError(error.errno, f"{place} {reason}")
