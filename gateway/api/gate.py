"""The checks before every handler: authorization, rate limit, errors as problem documents, and the audit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from aiohttp import web

from ridethrough.gateway.api.backend import Refusal
from ridethrough.gateway.api.limits import Buckets
from ridethrough.gateway.api.tokens import ANONYMOUS, Holder, Role, admit
from ridethrough.gateway.config.http import RateLimits
from ridethrough.gateway.records import Audit, encode_json
from ridethrough.gateway.storage.errors import StoreError

log = structlog.get_logger("api")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Write = Callable[[Audit], Awaitable[None]]

ACTOR = web.RequestKey("actor", str)
WRONG_PER_S, WRONG_BURST = 0.1, 10  # refused credentials of one address
READING = frozenset({"GET", "HEAD", "OPTIONS"})
TITLES = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    422: "Not acceptable here",
    429: "Too many requests",
    500: "Internal error",
    503: "Not ready",
}


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> web.Response:
    """Make a problem document (RFC 9457)."""
    body = encode_json(
        {"type": "about:blank", "title": TITLES.get(status, "Error"), "status": status, "detail": detail}
    )
    return web.Response(body=body, status=status, content_type="application/problem+json", headers=headers)


class Gate:
    """Wraps the handlers of one interface. `write` stores the audit; `now_s` is a clock that never goes back."""

    def __init__(
        self,
        holders: Mapping[str, Holder],
        limits: RateLimits,
        write: Write | None,
        unix_ms: Callable[[], int],
        now_s: Callable[[], float],
    ) -> None:
        self._holders = holders
        self._write = write
        self._unix_ms = unix_ms
        self._now_s = now_s
        self._request_rate = Buckets(limits.per_s, limits.burst)
        self._refusal_rate = Buckets(WRONG_PER_S, WRONG_BURST)

    def guard(self, role: Role, handler: Handler) -> Handler:
        """Wrap `handler`: the request needs `role`, and refusals become problem documents."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            request[ACTOR] = ANONYMOUS
            answer = await self._answer(request, role, handler)
            if request.method not in READING or answer.status in (401, 403):
                await self._audit(request, answer)
            return answer

        return guarded

    async def _answer(self, request: web.Request, role: Role, handler: Handler) -> web.StreamResponse:
        try:
            self._authorize(request, role)
            return await handler(request)
        except Refusal as refusal:
            return problem(refusal.status, refusal.detail)
        except web.HTTPException as error:
            names = ("WWW-Authenticate", "Retry-After", "Allow")
            headers = {name: error.headers[name] for name in names if name in error.headers}
            return problem(error.status, error.text or error.reason, headers)
        except StoreError as error:
            return problem(503, str(error))
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception:  # logged for the operator; the client gets status 500
            log.exception("request failed", method=request.method, path=request.path)
            return problem(500, "the gateway failed at this request; its log says why")

    def _authorize(self, request: web.Request, role: Role) -> None:
        """Raises HTTPUnauthorized, HTTPForbidden and HTTPTooManyRequests."""
        address, now_s = request.remote or "", self._now_s()
        if role is not Role.NOBODY and self._refusal_rate.empty(address, now_s):
            raise _too_many("too many wrong tokens from this address", 1 / WRONG_PER_S)
        try:
            request[ACTOR] = admit(request, self._holders, role)
        except web.HTTPUnauthorized:
            self._refusal_rate.take(address, now_s)
            raise
        if self._holders:
            wait_s = self._request_rate.take(f"{request[ACTOR]} {address}", now_s)
            if wait_s:
                raise _too_many("more requests than api.limits allows", wait_s)

    async def _audit(self, request: web.Request, answer: web.StreamResponse) -> None:
        entry = Audit(
            at_ms=self._unix_ms(),
            actor=request[ACTOR],
            address=request.remote or "",
            method=request.method,
            path=request.path,
            status=answer.status,
            detail=answer.headers.get("Location", ""),
        )
        log.info("audit", **{name: getattr(entry, name) for name in entry.__struct_fields__ if name != "at_ms"})
        if self._write is not None:
            try:
                await self._write(entry)
            except StoreError as error:
                log.error("audit not kept", reason=str(error))  # noqa: TRY400


def _too_many(text: str, wait_s: float) -> web.HTTPException:
    return web.HTTPTooManyRequests(text=text, headers={"Retry-After": str(max(1, round(wait_s)))})
