"""Sockets that take traps and informs."""

from gateway.receive.listener import Listener, ListenError

__all__ = ["ListenError", "Listener"]
