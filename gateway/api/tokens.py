"""Authorization of requests: bearer tokens with roles; without tokens a guard against foreign web pages."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from enum import IntEnum
from ipaddress import ip_address
from typing import NamedTuple

from aiohttp import web

ANONYMOUS, LOCAL = "nobody", "local"  # who asks without a token: anybody, and somebody on this machine


class Role(IntEnum):
    """Rights, each including those before it."""

    NOBODY = 0
    READ = 1
    OPERATE = 2
    LAB = 3


class Holder(NamedTuple):
    """The holder of a token, known by the SHA-256 of its text in hexadecimal."""

    role: Role
    sha256: str


def holder_of(holders: Mapping[str, Holder], header: str) -> tuple[str, Role]:
    """Name and role of the token in an Authorization header; `ANONYMOUS` without a valid one."""
    scheme, _, text = header.partition(" ")
    best = (ANONYMOUS, Role.NOBODY)
    if scheme.lower() != "bearer" or not text:
        return best
    digest = hashlib.sha256(text.strip().encode("utf-8", "surrogateescape")).hexdigest()
    for name, holder in holders.items():
        if hmac.compare_digest(digest, holder.sha256) and holder.role > best[1]:
            best = (name, holder.role)
    return best


def local_name(host: str) -> bool:
    """True when a Host header names this machine: a foreign page that rebinds its own name to us is refused."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    name = name.strip("[]")
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def admit(request: web.Request, holders: Mapping[str, Holder], needed: Role) -> str:
    """Check that the request has the role `needed`; returns the name of its actor.

    Raises HTTPUnauthorized or HTTPForbidden.
    """
    if needed is Role.NOBODY:
        return ANONYMOUS
    if holders:
        name, role = holder_of(holders, request.headers.get("Authorization", ""))
        if role is Role.NOBODY:
            raise web.HTTPUnauthorized(text="a bearer token is needed", headers={"WWW-Authenticate": "Bearer"})
        if role < needed:
            raise web.HTTPForbidden(text=f"this needs the role {needed.name.lower()}")
        return name
    if not local_name(request.host):
        raise web.HTTPForbidden(text="without tokens only requests to a loopback name are answered")
    origin = request.headers.get("Origin")
    if origin and not local_name(origin.partition("://")[2]):
        raise web.HTTPForbidden(text="requests from pages of other sites are refused")
    return LOCAL
