"""A rig in one process: emulators, gateway, HTTP, and the stand-in controllers."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import secrets
import socket
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

import msgspec
import structlog
from aiohttp import web

from ridethrough.emulators.app import Emulators
from ridethrough.emulators.bindings.inputs import InputError, NoEffectError
from ridethrough.emulators.faces.bind_error import BindError, explain_bind
from ridethrough.gateway.api import Gate, Refusal, create_application
from ridethrough.gateway.app import Gateway
from ridethrough.gateway.build.http import holders_of, server_tls
from ridethrough.gateway.config.http import Api, Token
from ridethrough.gateway.config.site import Site
from ridethrough.gateway.net.addresses import bound_streams, resolve
from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.sqlite.database import Database
from ridethrough.mibs import MibTree
from ridethrough.rigs.clock import Clock, Inline, Speed
from ridethrough.rigs.console import add_console
from ridethrough.rigs.controller_runner import LIFE, ControllerRunner
from ridethrough.rigs.lab.api import Groups, add_lab
from ridethrough.rigs.lab.scenario_runs import ScenarioRuns
from ridethrough.rigs.lab.scenario_runs_api import add_runs
from ridethrough.rigs.rigfile.schema import RigFile, plant_of, site_of
from ridethrough.rigs.rigfile.yaml import FileError

log = structlog.get_logger("gateway")

BUSY = "something else listens there; stop it or choose another place for the interface (--http, `api.bind`)"
GATEWAY = "gateway"  # its name where it is given inputs, as if it were a device
GRACE_S = 1.0  # for requests under way when the interface is stopped
NO_GRACE_S = 0.001  # aiohttp takes 0 for endless
CONTROLLERS = "controllers"  # who they are in the audit


class HttpServer:
    """The HTTP side of a gateway, of a lab, or of both."""

    def __init__(self, application: web.Application, api: Api) -> None:
        """Nothing is bound yet; the certificate is read. Raises SecretError."""
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=GRACE_S)
        self._api = api
        self._tls = server_tls(api)

    async def start(self) -> None:
        """Bind. Raises BindError."""
        await self._runner.setup()
        try:
            for bound in bound_streams(await resolve(self._api.host, self._api.port, socket.SOCK_STREAM)):
                await web.SockSite(self._runner, bound, ssl_context=self._tls).start()
        except OSError as error:
            await self._runner.cleanup()
            raise explain_bind(error, f"{self._api.bind}/tcp", BUSY) from error

    @property
    def url(self) -> str:
        """URL of the interface, once it has started; the port may have been the system's choice."""
        port = self._runner.addresses[0][1]
        return f"{self._api.url.rpartition(':')[0]}:{port}"

    async def stop(self) -> None:
        """Close the listeners, and connections after a second at the latest."""
        await self._runner.cleanup()

    async def kill(self) -> None:
        """Close listeners and connections at once; requests under way get no answer."""
        for site in list(self._runner.sites):
            await site.stop()
        if self._runner.server is not None:
            await self._runner.server.shutdown(NO_GRACE_S)
        await self._runner.cleanup()


def loop_s() -> float:
    """The loop's clock, which never goes back."""
    return asyncio.get_running_loop().time()


def entropy(seed: int, speed: Speed) -> Callable[[int], bytes]:
    """Random octets: the system's, or with `max` a repeatable stream."""
    return random.Random(seed).randbytes if speed == "max" else os.urandom


class GatewayProcess:
    """A gateway with its HTTP interface; with emulators beside it when it is part of a rig."""

    def __init__(
        self,
        site: Site,
        tree: MibTree,
        clock: Clock,
        emulators: Emulators | None = None,
        reread: Callable[[], Site] | None = None,
        controllers: ControllerRunner | None = None,
        headers: dict[str, str] | None = None,
        thread: Executor | None = None,
        rig: RigFile | None = None,
    ) -> None:
        """`reread` reads the site's file again; `headers` show a token of all roles, where tokens are wanted;
        `thread` does the store's work; `rig` has the groups that the lab interface shows.

        Raises StoreError and, for a bad secret file, OSError or ValueError.
        """
        self.headers = headers or {}
        self.site = site
        self.emulators = emulators
        self.controllers = controllers
        self._tree, self._clock, self._thread = tree, clock, thread
        self._reread = _refusing(reread)
        self._rig = rig
        self._scenario_runs = None if emulators is None else ScenarioRuns()
        self.gateway, self._http = self._made()
        self._killed = False
        self._reloads: set[asyncio.Task[None]] = set()

    def _made(self) -> tuple[Gateway, HttpServer]:
        """A gateway that knows what its journal has, and its interface."""
        site, unix_ms = self.site, self._clock.unix_ms
        store = Database(site.journal.path, self._thread)
        try:
            gateway = Gateway(site, self._tree, store, unix_ms, self._reread)
            gate = Gate(holders_of(site.api), site.api.limits, gateway.audit_log.write, unix_ms, loop_s)
        except BaseException:
            store.close()
            raise
        application = create_application(gateway.backend, gate)
        if self._scenario_runs is not None:
            add_runs(application, self._scenario_runs, gate)
        if self.emulators is not None:
            rig = self._rig
            groups = None if rig is None else Groups(rig, lambda: msgspec.to_builtins(gateway.backend.devices()))
            add_lab(application, self.emulators, gate, self.controllers, groups)
        add_console(application)
        return gateway, HttpServer(application, site.api)

    async def apply_input(self, word: str, args: list[str]) -> None:
        """Kill the gateway, or start it again on the same journal. Raises InputError, BindError and ListenError."""
        if args or word not in LIFE:
            raise InputError(f"{' '.join((word, *args))!r} is no input of the gateway; accepted: {', '.join(LIFE)}")
        if self._killed is (word == "kill"):
            raise NoEffectError(f"the gateway {'does not run' if self._killed else 'runs'}")
        await (self._kill() if word == "kill" else self._start_again())

    async def _kill(self) -> None:
        """End the gateway and the interface as SIGKILL does: nothing is answered, and no command comes to its end."""
        self._killed = True
        port = self.url.rpartition(":")[2]
        host = self.site.api.bind.rpartition(":")[0]
        self.site = self.site.model_copy(update={"api": self.site.api.model_copy(update={"bind": f"{host}:{port}"})})
        await self.gateway.stop()
        await self._http.kill()

    async def _start_again(self) -> None:
        self.gateway, self._http = self._made()
        await self.gateway.start()
        await self._http.start()
        self.gateway.watch_devices()
        self._killed = False

    async def start(self) -> None:
        """Start the gateway's listeners, the devices, HTTP, polling and controllers. Raises BindError, ListenError."""
        await self.gateway.start()
        try:
            if self.emulators is not None:
                await self.emulators.start()
            await self._http.start()
        except BindError:
            await self._stop_devices()
            raise
        self.gateway.watch_devices()
        if self.controllers is not None:
            await self.controllers.start(self._http.url, self.site.api.tls)

    @property
    def url(self) -> str:
        """URL of the HTTP interface, once it has started."""
        return self._http.url

    def reload(self) -> None:
        """Read the site file again, in the background; a mistake is logged, and everything stays as it was."""
        task = asyncio.create_task(self._reload(), name="reload")
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    async def _reload(self) -> None:
        try:
            await self.gateway.backend.reload()
        except (Refusal, StoreError) as error:
            log.error("site not read again", reason=str(error))  # noqa: TRY400

    async def stop(self) -> None:
        """Stop everything, in the opposite order of `start`."""
        if self.controllers is not None:
            await self.controllers.stop()
        if self._scenario_runs is not None:
            await self._scenario_runs.close()
        if not self._killed:
            await self._http.stop()
        await self._stop_devices()

    async def _stop_devices(self) -> None:
        if self.emulators is not None:
            await self.emulators.stop()
        if not self._killed:
            await self.gateway.stop()


def _refusing(reread: Callable[[], Site] | None) -> Callable[[], Site] | None:
    if reread is None:
        return None

    def again() -> Site:
        try:
            return reread()
        except FileError as error:
            raise Refusal(422, str(error)) from error

    return again


def _plant(rig: RigFile, speed: Speed, *, faces: bool = False) -> RigFile:
    """Return the plant to build. Where time jumps, pages and consoles for people are left out: they need ports."""
    plant = plant_of(rig)
    if speed != "max" or faces:
        return plant
    return plant.model_copy(update={"ports": plant.ports.model_copy(update={"http": None, "console": None})})


def _with_own_token(site: Site) -> tuple[Site, dict[str, str]]:
    """A token for the rig's own controllers and tests, for the life of the process, and the header that shows it."""
    text = secrets.token_urlsafe(32)
    token = Token(role="lab", sha256=hashlib.sha256(text.encode()).hexdigest())
    api = site.api.model_copy(update={"tokens": {**site.api.tokens, CONTROLLERS: token}})
    return site.model_copy(update={"api": api}), {"Authorization": f"Bearer {text}"}


def assemble(
    rig: RigFile,
    tree: MibTree,
    clock: Clock,
    speed: Speed,
    data: Path | None = None,
    bind: str | None = None,
    reread: Callable[[], Site] | None = None,
    *,
    faces: bool = False,
    journal: Path | None = None,
) -> GatewayProcess:
    """A whole rig, ready to start; `journal` is a folder for that alone, where `data` is None.

    Raises FileError, StoreError and LoopError.
    """
    plant = _plant(rig, speed, faces=faces)
    site = site_of(rig, data or journal, bind)
    headers: dict[str, str] = {}
    if site.api.tokens:
        site, headers = _with_own_token(site)
    emulators = Emulators(plant, entropy(rig.seed, speed), clock.unix_ms() // 1000, data)
    thread = Inline() if speed == "max" else None
    return GatewayProcess(
        site, tree, clock, emulators, reread, ControllerRunner(rig, clock.unix_ms, headers), headers, thread, rig
    )


class EmulatorsProcess:
    """The plant of a rig with the lab interface, and no gateway."""

    def __init__(self, rig: RigFile, clock: Clock, speed: Speed, api: Api, data: Path | None = None) -> None:
        self.emulators = Emulators(_plant(rig, speed), entropy(rig.seed, speed), clock.unix_ms() // 1000, data)
        application = web.Application()
        add_lab(application, self.emulators, Gate(holders_of(api), api.limits, None, clock.unix_ms, loop_s))
        self._http = HttpServer(application, api)

    async def start(self) -> None:
        """Bind HTTP, then every device. Raises BindError, with nothing left open."""
        await self._http.start()
        try:
            await self.emulators.start()
        except BindError:
            await self._http.stop()
            raise

    async def stop(self) -> None:
        """Stop the devices, then HTTP."""
        await self.emulators.stop()
        await self._http.stop()
