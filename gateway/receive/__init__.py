"""Receives traps and informs."""

from ridethrough.gateway.receive.fair import FairQueue
from ridethrough.gateway.receive.listener import Listener, ListenError
from ridethrough.gateway.receive.overruns import watch_overruns

__all__ = ["FairQueue", "ListenError", "Listener", "watch_overruns"]
