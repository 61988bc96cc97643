"""The HTTP interface."""

from gateway.api.backend import Backend, Refusal, Reloaded
from gateway.api.gate import Gate
from gateway.api.server import create_application
from gateway.api.tokens import Holder, Role

__all__ = ["Backend", "Gate", "Holder", "Refusal", "Reloaded", "Role", "create_application"]
