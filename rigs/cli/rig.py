"""rig: the rigs that come along, and new ones of any size."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer
from ruamel.yaml import YAML

from ridethrough.rigs.cli.common import (
    USAGE,
    JsonOption,
    RigArgument,
    fail,
    print_json,
    print_result,
    user_errors,
    writing,
)
from ridethrough.rigs.rigfile.bundled import FOLDER, names, summary
from ridethrough.rigs.rigfile.generate import LARGEST, generated

HELP = "Rigs that come along: list, copy; generate one of any size; the addresses that one needs."
app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
MAX_DEVICES = 5 * LARGEST


@app.callback(help=HELP)
def _group() -> None:
    """So that `rig` has subcommands."""


@app.command(name="list")
def list_(json: JsonOption = False) -> None:
    """List the rigs that come along; `ridethrough run NAME` takes these names, too.

    Example: `ridethrough rig list`
    """
    shown = {name: summary(FOLDER / f"{name}.yaml") for name in names()}
    if json:
        print_json(shown)
        return
    width = max(map(len, shown))
    for name, text in shown.items():
        typer.echo(f"{name:<{width}}  {text}")


@app.command()
def copy(
    rig: RigArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes.")],
    json: JsonOption = False,
) -> None:
    """Copy a rig that comes along, to make it one's own.

    Example: `ridethrough rig copy a1080a-pair rack.yaml`
    """
    if file.exists():
        fail(f"{file} is there already", USAGE)
    with writing(file):
        shutil.copyfile(rig, file)
    print_result(f"{file}: a copy of {rig.stem}", {"file": str(file), "rig": rig.stem}, json=json)


@app.command()
def addresses(rig: RigArgument, json: JsonOption = False) -> None:
    """List the addresses that a rig needs and a machine does not have by itself, so all but those of 127.0.0.0/8.

    Example: `ridethrough rig addresses rack.yaml | while read a; do ip address replace $a/24 dev eth0; done`
    """
    from ridethrough.rigs.rigfile.schema import addresses_of, load_rig

    with user_errors():
        found = addresses_of(load_rig(rig))
    if json:
        print_json(found)
    for address in [] if json else found:
        typer.echo(address)


@app.command()
def generate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the rig goes.")],
    ups: Annotated[int, typer.Option("--ups", min=0, max=MAX_DEVICES, help="How many UPSs.")] = 10,
    bmc: Annotated[int, typer.Option("--bmc", min=0, max=MAX_DEVICES, help="How many servers with BMCs.")] = 10,
    profile: Annotated[str, typer.Option("--profile", help="Of the UPSs.")] = "smart-ups-1400-100v",
    json: JsonOption = False,
) -> None:
    """Write a rig of many devices, each with an address of its own in 127.0.0.0/8.

    Example: `ridethrough rig generate many.yaml --ups 1000 --bmc 1000`
    """
    yaml = YAML()
    yaml.default_flow_style = None
    with writing(file), file.open("w", encoding="utf-8") as stream:
        yaml.dump(generated(ups, bmc, profile), stream)
    print_result(f"{file}: {ups} UPSs, {bmc} servers with BMCs", {"file": str(file), "ups": ups, "bmc": bmc}, json=json)
