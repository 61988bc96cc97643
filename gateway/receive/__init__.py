"""Sockets that take traps and informs."""

from ridethrough.gateway.receive.fair import FairQueue
from ridethrough.gateway.receive.listener import Listener, ListenError
from ridethrough.gateway.receive.overruns import watch

__all__ = ["FairQueue", "ListenError", "Listener", "watch"]
