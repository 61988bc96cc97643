"""run, emulators, gateway: the verbs that stay."""

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
    explained,
    level_of,
    tell,
    tree_of,
)
from ridethrough.rigs.cli.startup_banner import Greeting, of_rig, of_site
from ridethrough.rigs.clock import Clock
from ridethrough.rigs.clock import run as run_loop
from ridethrough.rigs.controllers.client import Note
from ridethrough.rigs.former_name import look_beside
from ridethrough.rigs.resources import COMPILE, allow_many_sockets, begin_growing, end_growing, is_compiled
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
    async def start(self) -> None: ...

    async def stop(self) -> None: ...


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
    begin_growing()
    with explained():
        tree = tree_of(mib_dir)
        loaded = load_rig(rig, ports)
        look_beside(data)

        async def body() -> int:
            again = partial(_site_again, rig, loaded.ports, data, http)
            process = assemble(loaded, tree, Clock(time.time()), speed, data, http, again)
            return await _serve(process, of_rig(loaded, process.site.api, process.site), json=json)

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
    begin_growing()
    with explained():
        loaded = load_rig(rig, ports)
        api = _api(loaded.gateway.api, http)
        look_beside(data)

        async def body() -> int:
            process = EmulatorsProcess(loaded, Clock(time.time()), speed, api, data)
            return await _serve(process, of_rig(loaded, api), json=json)

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
    begin_growing()
    with explained():
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
            return await _serve(process, of_site(loaded), json=json)

        code = run_loop(body(), 1)
    raise typer.Exit(code)


def _site_again(rig: Path, ports: Ports, data: Path | None, http: str | None) -> Site:
    return site_of(load_rig(rig).model_copy(update={"ports": ports}), data, http)


def _api(api: Api, http: str | None) -> Api:
    try:
        return Api(bind=http, tokens=api.tokens, limits=api.limits, tls=api.tls) if http else api
    except ValidationError as error:
        raise FileError([f"--http {http}: {in_short(error)}"]) from error


async def _serve(process: Process, greeting: Greeting, *, json: bool) -> int:
    """Start, say where everything is, stay until a signal, stop in order."""
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
    end_growing()
    if not is_compiled():
        log.info("runs interpreted; compiled it is faster", advice=COMPILE)
    if json or greeting.text:
        tell(greeting.text, {"running": greeting.document}, json=json)
        sys.stdout.flush()
    if isinstance(process, GatewayProcess) and process.cast is not None and process.cast.desk is not None:
        process.cast.desk.watch(lambda note: tell(_note_line(note), {"note": note._asdict()}, json=json))
    try:
        return await ended
    finally:
        await process.stop()
        tell("stopped", {"stopped": True}, json=json)


def _note_line(note: Note) -> str:
    """What a stand-in wrote down; an event that it heard has its own line."""
    if note.mark == "event":
        return note.text
    clock = datetime.fromtimestamp(note.at_ms / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
    return f"{clock}  {note.controller}: {note.mark} {note.subject} {note.text}".rstrip()
