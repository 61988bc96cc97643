"""The HTTP interface."""

from gateway.api.backend import Backend, Refusal
from gateway.api.server import create_application, guard
from gateway.api.tokens import Role

__all__ = ["Backend", "Refusal", "Role", "create_application", "guard"]
