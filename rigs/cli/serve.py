"""run, emulators, gateway: the verbs that stay."""

from __future__ import annotations

import asyncio
import gc
import shutil
import signal
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Protocol

import typer
from pydantic import ValidationError

from gateway.config import Api, Site
from rigs.cli.common import (
    INTERRUPTED,
    LogOption,
    MibOption,
    PortsOption,
    RigArgument,
    SpeedOption,
    VerboseOption,
    configure_logging,
    explained,
    level_of,
    tree_of,
)
from rigs.controllers.desk import Note
from rigs.files import FileError, in_short, load
from rigs.loops import Clock
from rigs.loops import run as run_loop
from rigs.rigfile import Ports, RigFile, load_rig, site_of
from rigs.runtime import EmulatorsProcess, GatewayProcess, assemble

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
) -> None:
    """Run a whole rig: emulated devices, gateway and console.

    Example: `standin run rigs/samples/a1080a-pair.yaml`
    """
    configure_logging(level_of(verbose=verbose), form=log)
    with explained():
        tree = tree_of(mib_dir)
        loaded = load_rig(rig, ports)

        async def body() -> int:
            again = partial(_site_again, rig, loaded.ports, data, http)
            process = assemble(loaded, tree, Clock(time.time()), speed, data, http, again)
            return await _serve(process, loaded, process.site.api)

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
) -> None:
    """Run only the emulated devices of a rig, with the lab interface.

    Example: `standin emulators rigs/samples/a1080a-pair.yaml --http 127.0.0.1:8081`
    """
    configure_logging(level_of(verbose=verbose), form=log)
    with explained():
        loaded = load_rig(rig, ports)
        api = _api(loaded.gateway.api, http)

        async def body() -> int:
            return await _serve(EmulatorsProcess(loaded, Clock(time.time()), speed, api, data), loaded, api)

        code = run_loop(body(), speed)
    raise typer.Exit(code)


def gateway(
    site: Annotated[Path, typer.Argument(metavar="SITE", help="Site file (YAML).")],
    data: DataOption = None,
    http: HttpOption = None,
    mib_dir: MibOption = None,
    log: LogOption = "console",
    verbose: VerboseOption = False,
) -> None:
    """Run only the gateway, against the devices of a site file.

    Example: `standin gateway site.yaml --data /var/lib/standin`
    """
    configure_logging(level_of(verbose=verbose), form=log)
    with explained():
        tree = tree_of(mib_dir)
        loaded = load(site, Site)
        loaded = loaded.model_copy(
            update={
                "api": _api(loaded.api, http),
                "journal": loaded.journal.model_copy(update={"path": data}) if data else loaded.journal,
            }
        )

        async def body() -> int:
            process = GatewayProcess(loaded, tree, Clock(time.time()), reread=lambda: load(site, Site))
            return await _serve(process, None, loaded.api)

        code = run_loop(body(), 1)
    raise typer.Exit(code)


def _site_again(rig: Path, ports: Ports, data: Path | None, http: str | None) -> Site:
    return site_of(load_rig(rig).model_copy(update={"ports": ports}), data, http)


def _api(api: Api, http: str | None) -> Api:
    try:
        return Api(bind=http, tokens=api.tokens, limits=api.limits, tls=api.tls) if http else api
    except ValidationError as error:
        raise FileError([f"--http {http}: {in_short(error)}"]) from error


async def _serve(process: Process, rig: RigFile | None, api: Api) -> int:
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
    gc.freeze()  # what is there by now stays, so the collector need not look at it again and again
    if rig is not None:
        typer.echo(banner(rig, api, gateway=isinstance(process, GatewayProcess)))
    if isinstance(process, GatewayProcess) and process.cast is not None and process.cast.desk is not None:
        process.cast.desk.watch(lambda note: typer.echo(_note_line(note)))
    try:
        return await ended
    finally:
        await process.stop()
        typer.echo("stopped")


def _note_line(note: Note) -> str:
    """What a stand-in wrote down; an event that it heard has its own line."""
    if note.mark == "event":
        return note.text
    clock = datetime.fromtimestamp(note.at_ms / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
    return f"{clock}  {note.controller}: {note.mark} {note.subject} {note.text}".rstrip()


def banner(rig: RigFile, api: Api, *, gateway: bool) -> str:
    """Addresses, and commands to paste."""
    ports = rig.ports
    lines = [f"rig {rig.rig} is running", ""]
    for name, ups in rig.ups.items():
        faces = [f"{ups.address}:{ports.snmp}/udp"]
        if ports.http is not None:
            faces.append(f"http://{ups.address}{'' if ports.http == 80 else f':{ports.http}'}/")
        if ports.console is not None:
            faces.append(f"telnet {ups.address}{'' if ports.console == 23 else f' {ports.console}'}")
        lines.append(f"  {name:<12} UPS card      {'   '.join(faces)}")
    bmcs = {f"{name}.bmc": server.bmc for name, server in rig.servers.items() if server.bmc is not None}
    lines += [f"  {name:<12} BMC           {bmc.address}:{ports.ipmi}/udp" for name, bmc in bmcs.items()]
    if gateway:
        places = [f"{listen.address}:{listen.port}" for listen in rig.gateway.listen] or [f"127.0.0.1:{ports.trap}"]
        lines += [f"  {'gateway':<12} traps         {place}/udp" for place in places]
        lines += [f"  {'console':<12} web           {api.url}/"]
    else:
        lines += [f"  {'lab':<12} HTTP          {api.url}/lab/v1/world"]
    command = "standin" if shutil.which("standin") else sys.argv[0]
    lines += ["", "try:"]
    if api.bind != "127.0.0.1:8080":
        lines.append(f"  export STANDIN_URL={api.url}")
    for name, ups in list(rig.ups.items())[:1]:
        community = next(iter(row.community for row in ups.access), "public")
        place = ups.address if ports.snmp == 161 else f"{ups.address}:{ports.snmp}"
        lines.append(f"  snmpget -v1 -c {community} {place} 1.3.6.1.4.1.318.1.1.1.4.1.1.0    # {name} output status")
        lines.append(f"  snmpwalk -v2c -c {community} {place} 1.3.6.1.4.1.318.1.1.1")
    for bmc in list(bmcs.values())[:1]:
        user, secret = next(iter(bmc.users.items()))
        port = "" if ports.ipmi == 623 else f" -p {ports.ipmi}"
        login = f"-H {bmc.address}{port} -U {user} -P {secret.password}"
        lines.append(f"  ipmitool -I lanplus {login} chassis status")
    if gateway:
        lines.append(f"  curl -N {api.url}/v1/events/stream")
    for name in list(rig.mains)[:1]:
        lines.append(f"  {command} inject {name} off")
    for name in list(bmcs)[:1]:
        lines.append(f"  {command} inject {name} memory_uncorrectable")
    return "\n".join([*lines, "", "Ctrl-C stops it.", ""])
