"""run, emulators, gateway: the verbs that run until a signal."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Protocol

import structlog
import typer
from pydantic import ValidationError

from ridethrough.gateway.config.http import Api
from ridethrough.gateway.config.site import Site
from ridethrough.rigs.cli.common import (
    INTERRUPTED,
    JsonOption,
    LogOption,
    MibOption,
    PortsOption,
    RigArgument,
    SpeedOption,
    VerboseOption,
    configure_logging,
    level_of,
    print_result,
    tree_of,
    user_errors,
)
from ridethrough.rigs.cli.startup_banner import StartupBanner, rig_banner, site_banner
from ridethrough.rigs.clock import Clock
from ridethrough.rigs.clock import run as run_loop
from ridethrough.rigs.controllers.client import Note
from ridethrough.rigs.former_name import look_beside
from ridethrough.rigs.resources import COMPILE, allow_many_sockets, is_compiled, pause_gc, resume_gc
from ridethrough.rigs.rigfile.schema import Ports, load_rig, site_of
from ridethrough.rigs.rigfile.yaml import FileError, in_short, load
from ridethrough.rigs.runtime import EmulatorsProcess, GatewayProcess, assemble

log = structlog.get_logger("ridethrough")

HttpOption = Annotated[str | None, typer.Option("--http", metavar="HOST:PORT", help="Where the HTTP interface binds.")]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Folder for what outlives the process: journal and device settings."),
]


class Process(Protocol):
    """Anything that runs between a start and a stop."""

    async def start(self) -> None:
        """Bind and begin; raises the errors of `common.refusals`."""

    async def stop(self) -> None:
        """End everything that `start` began."""


def run(
    rig: RigArgument,
    speed: SpeedOption = 1.0,
    data: DataOption = None,
    http: HttpOption = None,
    ports: PortsOption = "file",
    mib_dir: MibOption = None,
    log: LogOption = "console",
    verbose: VerboseOption = False,
    json: JsonOption = False,
) -> None:
    """Run a whole rig: emulated devices, gateway and console.

    Example: `ridethrough run a1080a-pair`
    """
    configure_logging(level_of(verbose=verbose), form=log)
    allow_many_sockets()
    pause_gc()
    with user_errors():
        tree = tree_of(mib_dir)
        loaded = load_rig(rig, ports)
        look_beside(data)

        async def body() -> int:
            again = partial(_site_again, rig, loaded.ports, data, http)
            process = assemble(loaded, tree, Clock(time.time()), speed, data, http, again)
            return await _serve(process, rig_banner(loaded, process.site.api, process.site), json=json)

        code = run_loop(body(), speed)
    raise typer.Exit(code)


def emulators(
    rig: RigArgument,
    speed: SpeedOption = 1.0,
    data: DataOption = None,
    http: HttpOption = None,
    ports: PortsOption = "file",
    log: LogOption = "console",
    verbose: VerboseOption = False,
    json: JsonOption = False,
) -> None:
    """Run only the emulated devices of a rig, with the lab interface.

    Example: `ridethrough emulators a1080a-pair --http 127.0.0.1:8081`
    """
    configure_logging(level_of(verbose=verbose), form=log)
    allow_many_sockets()
    pause_gc()
    with user_errors():
        loaded = load_rig(rig, ports)
        api = _api(loaded.gateway.api, http)
        look_beside(data)

        async def body() -> int:
            process = EmulatorsProcess(loaded, Clock(time.time()), speed, api, data)
            return await _serve(process, rig_banner(loaded, api), json=json)

        code = run_loop(body(), speed)
    raise typer.Exit(code)


def gateway(
    site: Annotated[Path, typer.Argument(metavar="SITE", help="Site file (YAML).")],
    data: DataOption = None,
    http: HttpOption = None,
    mib_dir: MibOption = None,
    log: LogOption = "console",
    verbose: VerboseOption = False,
    json: JsonOption = False,
) -> None:
    """Run only the gateway, against the devices of a site file.

    Example: `ridethrough gateway site.yaml --data /var/lib/ridethrough`
    """
    configure_logging(level_of(verbose=verbose), form=log)
    allow_many_sockets()
    pause_gc()
    with user_errors():
        tree = tree_of(mib_dir)
        loaded = load(site, Site)
        loaded = loaded.model_copy(
            update={
                "api": _api(loaded.api, http),
                "journal": loaded.journal.model_copy(update={"path": data}) if data else loaded.journal,
            }
        )
        look_beside(loaded.journal.path)

        async def body() -> int:
            process = GatewayProcess(loaded, tree, Clock(time.time()), reread=lambda: load(site, Site))
            return await _serve(process, site_banner(loaded), json=json)

        code = run_loop(body(), 1)
    raise typer.Exit(code)


def _site_again(rig: Path, ports: Ports, data: Path | None, http: str | None) -> Site:
    return site_of(load_rig(rig).model_copy(update={"ports": ports}), data, http)


def _api(api: Api, http: str | None) -> Api:
    try:
        return Api(bind=http, tokens=api.tokens, limits=api.limits, tls=api.tls) if http else api
    except ValidationError as error:
        raise FileError([f"--http {http}: {in_short(error)}"]) from error


async def _serve(process: Process, banner: StartupBanner, *, json: bool) -> int:
    """Start, print the banner, wait for a signal, stop in order; return the exit status."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()

    def end(status: int) -> None:
        if not ended.done():
            ended.set_result(status)

    loop.add_signal_handler(signal.SIGINT, end, INTERRUPTED)
    loop.add_signal_handler(signal.SIGTERM, end, 0)
    if isinstance(process, GatewayProcess):
        loop.add_signal_handler(signal.SIGHUP, process.reload)
    await process.start()
    resume_gc()
    if not is_compiled():
        log.info("runs interpreted; compiled it is faster", advice=COMPILE)
    if json or banner.text:
        print_result(banner.text, {"running": banner.document}, json=json)
        sys.stdout.flush()
    if (
        isinstance(process, GatewayProcess)
        and process.controllers is not None
        and process.controllers.client is not None
    ):
        process.controllers.client.watch(
            lambda note: print_result(_note_line(note), {"note": note._asdict()}, json=json)
        )
    try:
        return await ended
    finally:
        await process.stop()
        print_result("stopped", {"stopped": True}, json=json)


def _note_line(note: Note) -> str:
    """Return a note as a line; the note of an event is its own line."""
    if note.mark == "event":
        return note.text
    clock = datetime.fromtimestamp(note.at_ms / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
    return f"{clock}  {note.controller}: {note.mark} {note.subject} {note.text}".rstrip()
