"""Routes and their handlers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
import structlog
from aiohttp import web

from gateway.api.backend import Backend, Refusal
from gateway.api.openapi import ROUTES, document
from gateway.api.tokens import Role, admit
from gateway.config import Api
from gateway.records import Redelivery, encode_json
from gateway.store import StoreError

T = TypeVar("T")

log = structlog.get_logger("api")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LARGEST_BODY = 64 * 1024
KEEP_ALIVE_S = 15
LONGEST_PAGE = 1000
DEFAULT_PAGE = 100


class CommandRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a command."""

    command: str
    params: dict[str, Any] = {}


def reply(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON answer."""
    return web.Response(body=encode_json(value), status=status, content_type="application/json", headers=headers)


def problem(status: int, detail: str) -> web.Response:
    """An error as RFC 9457 wants it."""
    body = encode_json({"type": "about:blank", "title": web_title(status), "status": status, "detail": detail})
    return web.Response(body=body, status=status, content_type="application/problem+json")


def web_title(status: int) -> str:
    """The name of an HTTP status."""
    titles = {400: "Bad request", 401: "Unauthorized", 403: "Forbidden", 404: "Not found", 405: "Method not allowed"}
    titles |= {
        409: "Conflict",
        413: "Too large",
        415: "Unsupported media type",
        422: "Not acceptable here",
        500: "Internal error",
        503: "Not ready",
    }
    return titles.get(status, "Error")


def guard(api: Api, role: Role, handler: Handler) -> Handler:
    """`handler` behind the check for `role`, with refusals as problem documents."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        try:
            admit(request, api, role)
            return await handler(request)
        except Refusal as refusal:
            return problem(refusal.status, refusal.detail)
        except web.HTTPException as error:
            answer = problem(error.status, error.text or error.reason)
            if "WWW-Authenticate" in error.headers:
                answer.headers["WWW-Authenticate"] = error.headers["WWW-Authenticate"]
            return answer
        except StoreError as error:
            return problem(503, str(error))
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception:  # told to the operator; the client learns that it is not its fault
            log.exception("request failed", method=request.method, path=request.path)
            return problem(500, "the gateway failed at this request; its log says why")

    return guarded


def create_application(backend: Backend, api: Api) -> web.Application:
    """The /v1 interface with health checks and metrics."""
    application = web.Application(client_max_size=LARGEST_BODY, middlewares=[_not_found])
    handlers = _Handlers(backend)
    for route in ROUTES:
        handler: Handler = getattr(handlers, route.handler)
        application.router.add_route(route.method, route.path, guard(api, route.role, handler))
    return application


@web.middleware
async def _not_found(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status in (404, 405, 413):
            return problem(error.status, f"{request.method} {request.path}: {error.reason.lower()}")
        raise


def _count(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= LONGEST_PAGE:
        raise Refusal(400, f"{name} must be a number from 1 to {LONGEST_PAGE}")
    return int(text)


async def _body(request: web.Request, shape: type[T]) -> T:
    """The request's document. Raises Refusal 400 and 415."""
    if request.content_type != "application/json":
        raise Refusal(415, "the body must be application/json")
    try:
        return msgspec.json.decode(await request.read(), type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(400, str(error)) from error


class _Handlers:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def healthz(self, _request: web.Request) -> web.Response:
        return reply({"status": "alive"})

    async def readyz(self, _request: web.Request) -> web.Response:
        ready = self._backend.ready()
        return reply({"status": "ready" if ready else "starting"}, 200 if ready else 503)

    async def metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._backend.metrics(), content_type="text/plain", charset="utf-8")

    async def openapi(self, _request: web.Request) -> web.Response:
        return reply(document())

    async def devices(self, _request: web.Request) -> web.Response:
        return reply({"devices": self._backend.devices()})

    async def device(self, request: web.Request) -> web.Response:
        return reply(self._backend.device(request.match_info["id"]))

    async def submit(self, request: web.Request) -> web.Response:
        body = await _body(request, CommandRequest)
        key = request.headers.get("Idempotency-Key", "")
        command, new = await self._backend.submit(request.match_info["id"], body.command, body.params, key)
        return reply(command, 202 if new else 200, {"Location": f"/v1/commands/{command.id}"})

    async def command(self, request: web.Request) -> web.Response:
        return reply(await self._backend.command(request.match_info["id"]))

    async def events(self, request: web.Request) -> web.Response:
        after, last = request.query.get("after", ""), request.query.get("last")
        if last is None:
            page = await self._backend.events(after, _count("limit", request.query.get("limit", str(DEFAULT_PAGE))))
        elif after or "limit" in request.query:
            raise Refusal(400, "last goes with neither after nor limit")
        else:
            page = await self._backend.last_events(_count("last", last))
        return reply({"events": page, "next": page[-1].id if page else after or None})

    async def stream(self, request: web.Request) -> web.StreamResponse:
        if self._backend.streams_full():
            raise Refusal(503, "too many streams are open")
        after = request.headers.get("Last-Event-ID", request.query.get("after"))
        if after:
            await self._backend.events(after, 1)  # refuses an unknown identifier before the headers leave
        events = self._backend.follow(after)
        waiting = asyncio.ensure_future(anext(events))
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        await response.prepare(request)
        try:
            await response.write(b": connected\n\n")
            while True:
                done, _ = await asyncio.wait([waiting], timeout=KEEP_ALIVE_S)
                if not done:
                    await response.write(b": still here\n\n")
                    continue
                event = waiting.result()
                # No "event:" line: a browser hands named events only to listeners of that very name.
                await response.write(b"id: " + event.id.encode() + b"\ndata: " + encode_json(event) + b"\n\n")
                waiting = asyncio.ensure_future(anext(events))
        except ConnectionError:
            return response  # the client left
        finally:
            waiting.cancel()

    async def reload(self, _request: web.Request) -> web.Response:
        return reply({"rules": self._backend.reload_rules()})

    async def conditions(self, _request: web.Request) -> web.Response:
        return reply({"conditions": self._backend.conditions()})

    async def destinations(self, _request: web.Request) -> web.Response:
        return reply({"destinations": await self._backend.destinations.rows()})

    async def destination(self, request: web.Request) -> web.Response:
        return reply(await self._backend.destinations.row(request.match_info["id"]))

    async def pause(self, request: web.Request) -> web.Response:
        await self._backend.destinations.pause(request.match_info["id"])
        return await self.destination(request)

    async def resume(self, request: web.Request) -> web.Response:
        await self._backend.destinations.resume(request.match_info["id"])
        return await self.destination(request)

    async def redeliver(self, request: web.Request) -> web.Response:
        wanted = await _body(request, Redelivery)
        await self._backend.destinations.redeliver(request.match_info["id"], wanted)
        return await self.destination(request)

    async def aside(self, request: web.Request) -> web.Response:
        limit = _count("limit", request.query.get("limit", str(DEFAULT_PAGE)))
        after = request.query.get("after", "")
        found = await self._backend.destinations.aside(request.match_info["id"], after, limit)
        return reply({"aside": found, "next": found[-1]["event"].id if len(found) == limit else None})

    async def journal(self, _request: web.Request) -> web.Response:
        return reply(await self._backend.journal())
