"""The lab interface: what only emulators have. Its world can be read, and changed by the words of `inject`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from ridethrough.emulators.app import Emulators
from ridethrough.emulators.bindings.device_types import DetailedDevice, LabDevice
from ridethrough.emulators.bindings.inputs import InputError, NoEffectError
from ridethrough.emulators.device_types import DEVICE_TYPES
from ridethrough.emulators.devices.bmc import EmulatedBmc
from ridethrough.gateway.api import Gate, Refusal, Role
from ridethrough.gateway.api.server import reply
from ridethrough.gateway.api.streams import end_streams_with, open_stream
from ridethrough.mibs import standard_tree
from ridethrough.rigs.controller_runner import ControllerRunner
from ridethrough.rigs.lab.controller_views import views
from ridethrough.rigs.lab.group_status import COLUMNS, STATED, Language, live_state, rows, tree
from ridethrough.rigs.rigfile.schema import RigFile

LONGEST_NUMBER = 15  # digits
AGENTS = frozenset().union(*(found.agents for found in DEVICE_TYPES))  # kinds that software on servers can see
LONGEST_WAIT_S = 1.0  # of a request for what comes next; browsers have few connections for all their tabs
UPDATE_S = 1.0  # measured values move by themselves, so the stream repeats the world at this pace


class InputRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of an input."""

    input: str
    args: list[str] = []


class Typing(msgspec.Struct, forbid_unknown_fields=True):
    """Body of what is typed on a serial console."""

    text: str


class LabRoute(NamedTuple):
    """One operation of the lab interface; `handler` is its method here."""

    method: str
    path: str
    role: Role
    handler: str
    summary: str


ROUTES = (
    LabRoute("GET", "/lab/v1/world", Role.READ, "world", "Every device of the plant, and how they are wired"),
    LabRoute("GET", "/lab/v1/stream", Role.READ, "stream", "The same, as server-sent events"),
    LabRoute("GET", "/lab/v1/clock", Role.READ, "clock", "Seconds since the plant began, in its own time"),
    LabRoute(
        "GET", "/lab/v1/agents", Role.READ, "agents", "Servers, clusters and disks, as software on them sees them"
    ),
    LabRoute("GET", "/lab/v1/controllers", Role.READ, "controllers", "The stand-in controllers"),
    LabRoute("POST", "/lab/v1/controllers/{id}/inputs", Role.LAB, "control", "Say `input` with `args` to one"),
    LabRoute("GET", "/lab/v1/devices/{id}/inputs", Role.READ, "inputs", "What `inject` can say to a device"),
    LabRoute(
        "POST",
        "/lab/v1/devices/{id}/inputs",
        Role.LAB,
        "inject",
        "Say `input` with `args` to a device; 409 when nothing would come of it",
    ),
    LabRoute("GET", "/lab/v1/devices/{id}/inside", Role.READ, "inside", "Objects of a card; sensors and log of a BMC"),
    LabRoute(
        "GET",
        "/lab/v1/devices/{id}/console",
        Role.READ,
        "console",
        "The serial console behind octet `after`; waits for more",
    ),
    LabRoute("POST", "/lab/v1/devices/{id}/console", Role.LAB, "type", "Type `text` there, as a SOL session would"),
    LabRoute(
        "GET",
        "/lab/v1/groups",
        Role.READ,
        "groups",
        "Status table and tree of the power-control groups, and what the controllers' consoles show",
    ),
)


class Groups(NamedTuple):
    """Sources of the power-control groups' table: the rig file, and the gateway's devices."""

    rig: RigFile
    devices: Callable[[], list[dict[str, Any]]]


def add_lab(
    application: web.Application,
    emulators: Emulators,
    gate: Gate,
    controllers: ControllerRunner | None = None,
    groups: Groups | None = None,
) -> None:
    """Serve /lab/v1; with `controllers` those, and with `groups` the power-control groups, too."""
    end_streams_with(application)
    lab = _Lab(emulators, controllers, groups)
    for route in ROUTES:
        application.router.add_route(route.method, route.path, gate.guard(route.role, getattr(lab, route.handler)))


def number(request: web.Request, name: str) -> int:
    """Return a whole number of the query, 0 when it is not there. Raises Refusal 422."""
    text = request.query.get(name, "0")
    if not text.isdecimal() or len(text) > LONGEST_NUMBER:
        raise Refusal(422, f"{name} {text!r}: expected a whole number")
    return int(text)


class _Lab:
    def __init__(self, emulators: Emulators, controllers: ControllerRunner | None, groups: Groups | None) -> None:
        self._emulators = emulators
        self._controllers = controllers
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

    def _device(self, request: web.Request) -> LabDevice:
        device = self._emulators.devices.get(request.match_info["id"])
        if device is None:
            raise Refusal(404, f"there is no {request.match_info['id']!r} in this rig")
        return device

    async def inputs(self, request: web.Request) -> web.Response:
        device = self._device(request)
        return reply({"inputs": device.inputs.help, "plain": device.inputs.plain})

    async def inside(self, request: web.Request) -> web.Response:
        """Objects of a card, or sensors and log of a BMC, without asking it over the network."""
        device = self._device(request)
        now = self._emulators.catch_up()
        return reply(device.details(standard_tree(), now) if isinstance(device, DetailedDevice) else {})

    def _bmc(self, request: web.Request) -> EmulatedBmc:
        device = self._device(request)
        if not isinstance(device, EmulatedBmc):
            raise Refusal(404, f"{request.match_info['id']} has no serial console; BMCs have")
        return device

    async def console(self, request: web.Request) -> web.Response:
        """Output of the serial port behind octet `after`; waits a while when there is none."""
        bmc = self._bmc(request)
        after = number(request, "after")
        text, end = bmc.console_since(after)
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_WAIT_S):
                while not text:
                    await self._changed.wait()
                    text, end = bmc.console_since(after)
        return reply({"text": text.decode("ascii", "replace"), "next": end})

    async def type(self, request: web.Request) -> web.Response:
        """Keys for the serial console. Who has it by SOL sees what they do, too."""
        bmc = self._bmc(request)
        try:
            body = msgspec.json.decode(await request.read(), type=Typing)
        except msgspec.DecodeError as error:
            raise Refusal(400, str(error)) from error
        if reason := bmc.faults.unable():
            raise Refusal(409, reason)
        bmc.type_console(body.text.encode("ascii", "replace"))
        self._emulators.changed(bmc.name)
        return reply({"next": bmc.model.console.written})

    async def groups(self, request: web.Request) -> web.Response:
        """The status table and the tree of the power-control groups (requirements 4.1, 4.4)."""
        if self._groups is None:
            raise Refusal(404, "no gateway runs here, which would know how the groups are")
        language = request.query.get("language", "en")
        if language not in ("ja", "en"):
            raise Refusal(422, f"language {language!r}: expected ja or en")
        chosen: Language = "ja" if language == "ja" else "en"
        rig = self._groups.rig
        controllers = [] if self._controllers is None else self._controllers.rows()
        live = live_state(controllers, self._emulators.snapshot(STATED), self._groups.devices())
        return reply(
            {
                "columns": COLUMNS[chosen],
                "rows": [{"depth": row.depth, "cells": row.shown(chosen)} for row in rows(rig, live)],
                "views": [table._asdict() for table in views(controllers, chosen)],
                "tree": [{"depth": depth, "text": text} for depth, text in tree(rig, chosen)],
            }
        )

    async def inject(self, request: web.Request) -> web.Response:
        try:
            body = msgspec.json.decode(await request.read(), type=InputRequest)
            self._emulators.inject(request.match_info["id"], body.input, body.args)
        except msgspec.DecodeError as error:
            raise Refusal(400, str(error)) from error
        except NoEffectError as error:
            raise Refusal(409, str(error)) from error
        except InputError as error:
            raise Refusal(422, str(error)) from error
        return reply({"devices": self._emulators.snapshot()})

    async def controllers(self, _request: web.Request) -> web.Response:
        return reply({"controllers": [] if self._controllers is None else self._controllers.rows()})

    async def control(self, request: web.Request) -> web.Response:
        if self._controllers is None:
            raise Refusal(404, "no controllers run here")
        try:
            body = msgspec.json.decode(await request.read(), type=InputRequest)
        except msgspec.DecodeError as error:
            raise Refusal(400, str(error)) from error
        await self._controllers.apply_input(request.match_info["id"], body.input, body.args)
        return reply({"controllers": self._controllers.rows()})

    async def agents(self, request: web.Request) -> web.StreamResponse:
        """Stream of the states of servers, clusters and disks: all of them, then each change."""
        response = await open_stream(request)
        sent: dict[str, dict[str, Any]] = {}
        try:
            while True:
                changed = self._changed
                states = self._emulators.snapshot(AGENTS)
                if changes := {name: state for name, state in states.items() if sent.get(name) != state}:
                    sent |= changes
                    await response.write(b"data: " + msgspec.json.encode(changes) + b"\n\n")
                await changed.wait()
        except ConnectionError:
            return response

    async def stream(self, request: web.Request) -> web.StreamResponse:
        response = await open_stream(request)
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
