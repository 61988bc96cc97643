"""The part of the lab interface that runs scenarios and hands out their reports."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import msgspec
from aiohttp import web

from ridethrough.gateway.api import Gate, Refusal, Role
from ridethrough.gateway.api.server import reply
from ridethrough.rigs.clock import Speed, parse_speed
from ridethrough.rigs.lab.api import LONGEST_WAIT_S, LabRoute, number
from ridethrough.rigs.lab.scenario_runs import ScenarioRun, ScenarioRuns

REPORTS = {"html": "text/html", "xml": "application/xml"}
ROUTES = (
    LabRoute("GET", "/lab/v1/scenarios", Role.READ, "scenarios", "Scenarios that can be run, and the run in progress"),
    LabRoute("POST", "/lab/v1/scenarios/{name}/runs", Role.LAB, "start", "Run one, at `speed` (a number, or max)"),
    LabRoute("GET", "/lab/v1/runs/{id}", Role.READ, "run", "Its lines behind the first `after`; waits for more"),
    LabRoute("DELETE", "/lab/v1/runs/{id}", Role.LAB, "stop", "End it"),
    LabRoute(
        "GET", "/lab/v1/runs/{id}/report.{form}", Role.READ, "report", "What `replay` writes: html, or xml (JUnit)"
    ),
)


class RunRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a request to run a scenario."""

    speed: str | float = "max"


def add_runs(application: web.Application, runs: ScenarioRuns, gate: Gate) -> None:
    """Serve runs of scenarios below /lab/v1."""
    api = _RunsApi(runs)
    for route in ROUTES:
        application.router.add_route(route.method, route.path, gate.guard(route.role, getattr(api, route.handler)))


class _RunsApi:
    def __init__(self, runs: ScenarioRuns) -> None:
        self._runs = runs

    def _run(self, request: web.Request) -> ScenarioRun:
        text = request.match_info["id"]
        return self._runs.get(int(text) if text.isdecimal() else 0)

    async def scenarios(self, _request: web.Request) -> web.Response:
        running = self._runs.running
        return reply({"scenarios": self._runs.listed(), "running": None if running is None else running.number})

    async def start(self, request: web.Request) -> web.Response:
        try:
            body = msgspec.json.decode(await request.read() or b"{}", type=RunRequest)
        except msgspec.DecodeError as error:
            raise Refusal(400, str(error)) from error
        found = self._runs.start(request.match_info["name"], _speed(body))
        return reply(found.shown(0), 201, {"Location": f"/lab/v1/runs/{found.number}"})

    async def run(self, request: web.Request) -> web.Response:
        found, after = self._run(request), number(request, "after")
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_WAIT_S):
                while found.state == "running" and len(found.lines) <= after:
                    await found.changed.wait()
        return reply(found.shown(after))

    async def stop(self, request: web.Request) -> web.Response:
        found = self._run(request)
        await self._runs.stop(found)
        return reply(found.shown(len(found.lines)))

    async def report(self, request: web.Request) -> web.Response:
        found, form = self._run(request), request.match_info["form"]
        file = found.reports.get(form)
        if file is None or not file.exists():
            raise Refusal(
                404,
                f"there is no report {form} of run {found.number}; reports: {', '.join(REPORTS)}, at its end",
            )
        headers = {
            "Content-Disposition": f'attachment; filename="{found.scenario}.{form}"',
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
            "X-Content-Type-Options": "nosniff",
        }
        return web.Response(body=file.read_bytes(), content_type=REPORTS[form], charset="utf-8", headers=headers)


def _speed(body: RunRequest) -> Speed:
    try:
        return parse_speed(str(body.speed))
    except ValueError:
        raise Refusal(422, f"speed {body.speed!r}: expected max or a number above 0") from None
