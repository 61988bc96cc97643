"""doctor: look the machine, a file and its devices over."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ridethrough.gateway.config.site import Site
from ridethrough.rigs.cli.common import FAILED, RIG, UNREACHABLE, JsonOption, PortsOption, print_json, user_errors
from ridethrough.rigs.doctor import Diagnosis, bindings, machine, reach
from ridethrough.rigs.rigfile.schema import load_rig, site_of
from ridethrough.rigs.rigfile.yaml import load, read_yaml

COLOURS = {"ok": "green", "warning": "yellow", "failed": "bold red"}


def doctor(
    file: Annotated[
        Any,
        typer.Argument(
            parser=RIG,
            autocompletion=RIG.complete,
            metavar="[FILE]",
            help="A rig, by file or name, or a site file, whose devices are asked.",
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Folder in which the journal is to live.")
    ] = None,
    ports: PortsOption = "file",
    json: JsonOption = False,
) -> None:
    """Look the machine over: rights, ports, buffers, clock, disk; with a site file its devices, too.

    Exit status: 0 nothing is in the way, 1 something is, 3 only devices are, which do not answer.

    Example: `ridethrough doctor site.yaml --data /var/lib/ridethrough`
    """
    diagnoses = list(machine(data))
    silent: list[Diagnosis] = []
    if file is not None:
        with user_errors():
            if "rig" in read_yaml(file):
                rig = load_rig(file, ports)
                diagnoses += bindings(site_of(rig, data, None), rig)
            else:
                site = load(file, Site)
                diagnoses += bindings(site, None)
                silent = asyncio.run(reach(site))
    _print([*diagnoses, *silent], json=json)
    if any(diagnosis.verdict == "failed" for diagnosis in diagnoses):
        raise typer.Exit(FAILED)
    if any(diagnosis.verdict == "failed" for diagnosis in silent):
        raise typer.Exit(UNREACHABLE)


def _print(diagnoses: list[Diagnosis], *, json: bool) -> None:
    if json:
        print_json([diagnosis._asdict() for diagnosis in diagnoses])
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for diagnosis in diagnoses:
        table.add_row(f"[{COLOURS[diagnosis.verdict]}]{diagnosis.verdict}[/]", diagnosis.what, diagnosis.detail)
        if diagnosis.verdict != "ok" and diagnosis.advice:
            table.add_row("", "", f"-> {diagnosis.advice}")
    Console(highlight=False).print(table)
