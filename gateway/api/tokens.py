"""Who may ask: bearer tokens with roles, and a guard against other people's web pages."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from enum import IntEnum
from ipaddress import ip_address

from aiohttp import web

from gateway.config import Api, Token


class Role(IntEnum):
    """Rights, each including those before it."""

    NOBODY = 0
    READ = 1
    OPERATE = 2
    LAB = 3


def role_of(tokens: Mapping[str, Token], header: str) -> Role:
    """The role that an Authorization header proves."""
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "bearer" or not text:
        return Role.NOBODY
    digest = hashlib.sha256(text.strip().encode()).hexdigest()
    best = Role.NOBODY
    for token in tokens.values():
        if hmac.compare_digest(digest, token.sha256):
            best = max(best, Role[token.role.upper()])
    return best


def local_name(host: str) -> bool:
    """Whether a Host header names this machine, so that no foreign page can rebind its name to us."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    name = name.strip("[]")
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def admit(request: web.Request, api: Api, needed: Role) -> None:
    """Let the request through. Raises HTTPUnauthorized or HTTPForbidden."""
    if needed is Role.NOBODY:
        return
    if api.tokens:
        role = role_of(api.tokens, request.headers.get("Authorization", ""))
        if role is Role.NOBODY:
            raise web.HTTPUnauthorized(text="a bearer token is needed", headers={"WWW-Authenticate": "Bearer"})
        if role < needed:
            raise web.HTTPForbidden(text=f"this needs the role {needed.name.lower()}")
        return
    if not local_name(request.host):
        raise web.HTTPForbidden(text="without tokens only requests to a loopback name are answered")
    origin = request.headers.get("Origin")
    if origin and not local_name(origin.partition("://")[2]):
        raise web.HTTPForbidden(text="requests from pages of other sites are refused")
