"""Sockets that take traps and informs."""

from gateway.receive.fair import FairQueue
from gateway.receive.listener import Listener, ListenError
from gateway.receive.overruns import watch

__all__ = ["FairQueue", "ListenError", "Listener", "watch"]
