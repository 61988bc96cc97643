"""The HTTP interface."""

from ridethrough.gateway.api.backend import Backend, Refusal, Reloaded
from ridethrough.gateway.api.gate import Gate
from ridethrough.gateway.api.server import create_application
from ridethrough.gateway.api.tokens import Holder, Role

__all__ = ["Backend", "Gate", "Holder", "Refusal", "Reloaded", "Role", "create_application"]
