"""The lab interface: what only emulators have. Its world can be read, and changed by the words of `inject`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from emulators.app import Emulators, Place
from emulators.bindings.inputs import InputError
from gateway.api import Gate, Refusal, Role
from gateway.api.server import reply
from mibs import standard_tree
from rigs.cast import Cast
from rigs.inside import inside
from rigs.rigfile import RigFile
from rigs.status import COLUMNS, Language, Live, rows, tree

AGENTS = frozenset({"server", "cluster", "disk", "intelligent_ups"})  # kinds that software on servers can see
UPDATE_S = 1.0  # measured values move by themselves, so the stream repeats the world at this pace


class InputRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of an input."""

    input: str
    args: list[str] = []


class Groups(NamedTuple):
    """What the power-control groups of a rig need to be shown: its file, and the gateway's devices."""

    rig: RigFile
    devices: Callable[[], list[dict[str, Any]]]


def add_lab(
    application: web.Application,
    emulators: Emulators,
    gate: Gate,
    cast: Cast | None = None,
    groups: Groups | None = None,
) -> None:
    """Serve /lab/v1; with `cast` its controllers, and with `groups` the power-control groups, too."""
    lab = _Lab(emulators, cast, groups)
    routes = (
        ("GET", "/lab/v1/world", Role.READ, lab.world),
        ("GET", "/lab/v1/stream", Role.READ, lab.stream),
        ("GET", "/lab/v1/agents", Role.READ, lab.agents),
        ("GET", "/lab/v1/controllers", Role.READ, lab.controllers),
        ("POST", "/lab/v1/controllers/{id}/inputs", Role.LAB, lab.tell_controller),
        ("GET", "/lab/v1/devices/{id}/inputs", Role.READ, lab.inputs),
        ("POST", "/lab/v1/devices/{id}/inputs", Role.LAB, lab.inject),
        ("GET", "/lab/v1/devices/{id}/inside", Role.READ, lab.inside),
        ("GET", "/lab/v1/groups", Role.READ, lab.groups),
        ("GET", "/lab/v1/clock", Role.READ, lab.clock),
    )
    for method, path, role, handler in routes:
        application.router.add_route(method, path, gate.guard(role, handler))


class _Lab:
    def __init__(self, emulators: Emulators, cast: Cast | None, groups: Groups | None) -> None:
        self._emulators = emulators
        self._cast = cast
        self._groups = groups
        self._changed = asyncio.Event()
        emulators.watch(self._wake)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _world(self) -> dict[str, Any]:
        emulators = self._emulators
        return {
            "rig": emulators.plant.rig,
            "elapsed_s": emulators.now() / 1000,
            "devices": emulators.snapshot(),
            "wiring": emulators.wiring(),
            "counters": dict(emulators.face_counters()),
        }

    async def world(self, _request: web.Request) -> web.Response:
        return reply(self._world())

    async def clock(self, _request: web.Request) -> web.Response:
        return reply({"elapsed_s": self._emulators.now() / 1000})

    def _place(self, request: web.Request) -> Place:
        place = self._emulators.places.get(request.match_info["id"])
        if place is None:
            raise Refusal(404, f"there is no {request.match_info['id']!r} in this rig")
        return place

    async def inputs(self, request: web.Request) -> web.Response:
        place = self._place(request)
        return reply({"inputs": place.inputs.help, "plain": place.inputs.plain})

    async def inside(self, request: web.Request) -> web.Response:
        """What a card or a BMC shows to managers, without asking it over the network."""
        place = self._place(request)
        return reply(inside(place, standard_tree(), self._emulators.arrive()))

    async def groups(self, request: web.Request) -> web.Response:
        """The status table and the tree of the power-control groups (requirements 4.1, 4.4)."""
        if self._groups is None:
            raise Refusal(404, "no gateway runs here, which would know how the groups are")
        language = request.query.get("language", "en")
        if language not in ("ja", "en"):
            raise Refusal(422, f"language {language!r}: expected ja or en")
        chosen: Language = "ja" if language == "ja" else "en"
        rig = self._groups.rig
        controllers = [] if self._cast is None else self._cast.rows()
        servers = self._emulators.snapshot({"server"})
        live = Live(
            next((row["master"] for row in controllers if row.get("master")), None),
            {name: server["state"] for name, server in servers.items()},
            {row["id"]: row for row in self._groups.devices()},
        )
        return reply(
            {
                "columns": COLUMNS[chosen],
                "rows": [{"depth": row.depth, "cells": row.shown(chosen)} for row in rows(rig, live)],
                "tree": [{"depth": depth, "text": text} for depth, text in tree(rig, chosen)],
            }
        )

    async def inject(self, request: web.Request) -> web.Response:
        try:
            body = msgspec.json.decode(await request.read(), type=InputRequest)
            self._emulators.inject(request.match_info["id"], body.input, body.args)
        except msgspec.DecodeError as error:
            raise Refusal(400, str(error)) from error
        except InputError as error:
            raise Refusal(422, str(error)) from error
        return reply({"devices": self._emulators.snapshot()})

    async def controllers(self, _request: web.Request) -> web.Response:
        return reply({"controllers": [] if self._cast is None else self._cast.rows()})

    async def tell_controller(self, request: web.Request) -> web.Response:
        if self._cast is None:
            raise Refusal(404, "no controllers run here")
        try:
            body = msgspec.json.decode(await request.read(), type=InputRequest)
        except msgspec.DecodeError as error:
            raise Refusal(400, str(error)) from error
        await self._cast.take(request.match_info["id"], body.input, body.args)
        return reply({"controllers": self._cast.rows()})

    async def agents(self, request: web.Request) -> web.StreamResponse:
        """What software on the servers can see of servers, clusters and disks: all of it, then each change."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        told: dict[str, dict[str, Any]] = {}
        try:
            while True:
                changed = self._changed
                states = self._emulators.snapshot(AGENTS)
                if news := {name: state for name, state in states.items() if told.get(name) != state}:
                    told |= news
                    await response.write(b"data: " + msgspec.json.encode(news) + b"\n\n")
                await changed.wait()
        except ConnectionError:
            return response

    async def stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        try:
            while True:
                changed = self._changed
                await response.write(b"data: " + msgspec.json.encode(self._world()) + b"\n\n")
                try:
                    await asyncio.wait_for(changed.wait(), UPDATE_S)
                except TimeoutError:
                    continue
        except ConnectionError:
            return response
