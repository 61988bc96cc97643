"""Routes and their handlers."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from ridethrough.gateway.api import asyncapi
from ridethrough.gateway.api.backend import Backend, Refusal
from ridethrough.gateway.api.gate import ACTOR, Gate, Handler, problem
from ridethrough.gateway.api.openapi import ROUTES, document
from ridethrough.gateway.api.streams import end_streams_with, open_stream
from ridethrough.gateway.records import Redelivery, encode_json

T = TypeVar("T")

LARGEST_BODY = 64 * 1024
KEEP_ALIVE_S = 15
LONGEST_PAGE = 1000
DEFAULT_PAGE = 100
LONGEST_KEY = 200
LONGEST_NUMBER = 18


class CommandRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a command."""

    command: str
    params: dict[str, Any] = {}
    deadline_s: float = 60.0


def reply(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON answer."""
    return web.Response(body=encode_json(value), status=status, content_type="application/json", headers=headers)


def create_application(backend: Backend, gate: Gate) -> web.Application:
    """The /v1 interface with health checks and metrics, behind `gate`."""
    application = web.Application(client_max_size=LARGEST_BODY, middlewares=[_not_found])
    end_streams_with(application)
    handlers = _Handlers(backend)
    for route in ROUTES:
        handler: Handler = getattr(handlers, route.handler)
        application.router.add_route(route.method, route.path, gate.guard(route.role, handler))
    return application


@web.middleware
async def _not_found(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status in (404, 405, 413):
            headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
            return problem(error.status, f"{request.method} {request.path}: {error.reason.lower()}", headers)
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
        return web.Response(body=await self._backend.metrics(), content_type="text/plain", charset="utf-8")

    async def openapi(self, _request: web.Request) -> web.Response:
        return reply(document())

    async def devices(self, _request: web.Request) -> web.Response:
        return reply({"devices": self._backend.devices()})

    async def device(self, request: web.Request) -> web.Response:
        return reply(self._backend.device(request.match_info["id"]))

    async def submit(self, request: web.Request) -> web.Response:
        body = await _body(request, CommandRequest)
        key = request.headers.get("Idempotency-Key", "")
        if len(key) > LONGEST_KEY:
            raise Refusal(400, f"an Idempotency-Key has at most {LONGEST_KEY} characters")
        device, by = request.match_info["id"], request[ACTOR]
        command, new = await self._backend.submit(device, body.command, body.params, key, body.deadline_s, by)
        return reply(command, 202 if new else 200, {"Location": f"/v1/commands/{command.id}"})

    async def command(self, request: web.Request) -> web.Response:
        return reply(await self._backend.command(request.match_info["id"]))

    async def commands_of(self, request: web.Request) -> web.Response:
        limit = _count("limit", request.query.get("limit", str(DEFAULT_PAGE)))
        after = request.query.get("after", "")
        page = await self._backend.commands_of(request.match_info["id"], after, limit)
        return reply({"commands": page, "next": page[-1].id if page else after or None})

    async def audit(self, request: web.Request) -> web.Response:
        limit = _count("limit", request.query.get("limit", str(DEFAULT_PAGE)))
        after = request.query.get("after", "0")
        if not after.isascii() or not after.isdigit() or len(after) > LONGEST_NUMBER:
            raise Refusal(400, "after must be the number of an entry")
        page = await self._backend.audit(int(after), limit)
        rows = [{"number": number, **msgspec.to_builtins(entry)} for number, entry in page]
        return reply({"audit": rows, "next": page[-1][0] if page else int(after)})

    async def asyncapi(self, _request: web.Request) -> web.Response:
        return reply(asyncapi.document(self._backend.event_types()))

    async def events(self, request: web.Request) -> web.Response:
        after, last = request.query.get("after", ""), request.query.get("last")
        if last is None:
            page = await self._backend.events(after, _count("limit", request.query.get("limit", str(DEFAULT_PAGE))))
        elif after or "limit" in request.query:
            raise Refusal(422, "last goes with neither after nor limit")
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
        response = await open_stream(request, {"X-Accel-Buffering": "no"})
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
        return reply((await self._backend.reload())._asdict())

    async def conditions(self, _request: web.Request) -> web.Response:
        return reply({"conditions": self._backend.conditions()})

    async def destinations(self, _request: web.Request) -> web.Response:
        return reply({"destinations": await self._backend.destinations.statuses()})

    async def destination(self, request: web.Request) -> web.Response:
        return reply(await self._backend.destinations.status(request.match_info["id"]))

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
        found = await self._backend.destinations.dead_letters(request.match_info["id"], after, limit)
        rows = [{"reason": item.reason, "event": item.event} for item in found]
        return reply({"aside": rows, "next": found[-1].event.id if len(found) == limit else None})

    async def journal(self, _request: web.Request) -> web.Response:
        return reply(await self._backend.journal())

    async def record(self, request: web.Request) -> web.Response:
        position, partition = request.match_info["position"], request.query.get("partition", "0")
        for text in (position, partition):
            if not text.isascii() or not text.isdigit() or len(text) > LONGEST_NUMBER:
                raise Refusal(400, "position and partition are numbers")
        return reply(await self._backend.record(int(position), int(partition)))
