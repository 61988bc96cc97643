"""record: read a real device into a file that a profile can be made from."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from ruamel.yaml import YAML

from ridethrough.gateway.net.addresses import split_place
from ridethrough.mibs import Oid, standard_tree
from ridethrough.rigs.cli.common import (
    UNREACHABLE,
    USAGE,
    JsonOption,
    fail,
    print_result,
    require_writable,
    user_errors,
    writing,
)
from ridethrough.rigs.recording.bmc import BmcLogin, BmcReadError
from ridethrough.rigs.recording.bmc import record as record_bmc
from ridethrough.rigs.recording.ups import AUTH_PROTOCOLS, PRIV_PROTOCOLS, WalkError, community, record, user

app = typer.Typer(help="Record real devices.", no_args_is_help=True, rich_markup_mode="markdown")


@app.callback()
def _group() -> None:
    """Record real devices."""


@app.command()
def ups(
    address: Annotated[str, typer.Argument(metavar="ADDRESS[:PORT]", help="The card.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the recording goes.")],
    version: Annotated[str, typer.Option("--version", metavar="1|2c|3")] = "1",
    community_text: Annotated[str, typer.Option("--community", help="For versions 1 and 2c.")] = "public",
    user_name: Annotated[str | None, typer.Option("--user", help="For version 3.")] = None,
    auth: Annotated[str | None, typer.Option("--auth", metavar="|".join(AUTH_PROTOCOLS))] = None,
    auth_key_file: Annotated[Path | None, typer.Option("--auth-key-file", metavar="FILE")] = None,
    priv: Annotated[str | None, typer.Option("--priv", metavar="|".join(PRIV_PROTOCOLS))] = None,
    priv_key_file: Annotated[Path | None, typer.Option("--priv-key-file", metavar="FILE")] = None,
    json: JsonOption = False,
) -> None:
    """Walk a UPS card into a recording; interrupted, the same command goes on where it stopped.

    Example: `ridethrough record ups 192.0.2.7 --out my-card.snmprec`,
    then `ridethrough profile new my-card --from my-card.snmprec`
    """
    host, port = _place(address, 161)
    require_writable(out)
    credentials: Any
    if version in ("1", "2c"):
        credentials = community(version, community_text)
    elif version == "3" and user_name:
        credentials = _user(user_name, auth, auth_key_file, priv, priv_key_file)
    else:
        raise typer.BadParameter("expected 1, 2c, or 3 together with --user", param_hint="--version")
    with user_errors(), _progress() as progress:
        task = progress.add_task(f"recording {address}", total=None)

        def show_progress(count: int, oid: str) -> None:
            label = standard_tree().label(Oid.parse(oid))
            progress.update(task, completed=count, description=f"{count} instances, {label}")

        try:
            count = asyncio.run(record(host, port, credentials, out, show_progress))
        except WalkError as error:
            fail(f"{error} (what was read is kept; run the same command again to go on)", UNREACHABLE)
    print_result(f"{out}: {count} instances", {"file": str(out), "instances": count}, json=json)


@app.command()
def bmc(
    address: Annotated[str, typer.Argument(metavar="ADDRESS[:PORT]", help="The controller.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.yaml", help="Where the profile goes.")],
    user_name: Annotated[str, typer.Option("--user")] = "admin",
    password_file: Annotated[Path | None, typer.Option("--password-file", metavar="FILE")] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the profile; that of the file otherwise.")] = None,
    json: JsonOption = False,
) -> None:
    """Read a BMC into a profile: identity, cipher suites, sensors, inventory and event log.

    Example: `ridethrough record bmc 192.0.2.8 --user admin --password-file bmc.password --out my-bmc.yaml`,
    then `bmc: {profile: ./my-bmc.yaml, ...}` in a rig file.
    """
    host, port = _place(address, 623)
    require_writable(out)
    login = BmcLogin(host, port, user_name, _key(password_file) or typer.prompt("Password", hide_input=True))
    with user_errors(), _progress() as progress:
        task = progress.add_task(f"reading {address}", total=None)

        def show_progress(what: str, done: int, total: int) -> None:
            progress.update(task, completed=done, total=total, description=f"{what}: {done} of {total}")

        try:
            document = record_bmc(login, name or out.stem, show_progress)
        except BmcReadError as error:
            fail(str(error), UNREACHABLE)
    yaml = YAML()
    yaml.width = 1000
    yaml.default_flow_style = None  # leaves in one line, the rest in blocks
    with writing(out), out.open("w", encoding="utf-8") as stream:
        yaml.dump(document, stream)
    sensors, records = len(document["sensors"]), len(document["log"])
    found = {"file": str(out), "sensors": sensors, "log_records": records}
    print_result(f"{out}: {sensors} sensors, {records} log records", found, json=json)


def _place(text: str, port: int) -> tuple[str, int]:
    try:
        return split_place(text, port)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _user(name: str, auth: str | None, auth_key: Path | None, priv: str | None, priv_key: Path | None) -> Any:
    for option, value, accepted in (("--auth", auth, AUTH_PROTOCOLS), ("--priv", priv, PRIV_PROTOCOLS)):
        if value is not None and value not in accepted:
            raise typer.BadParameter(f"accepted: {', '.join(accepted)}", param_hint=option)
    if (auth is None) != (auth_key is None) or (priv is None) != (priv_key is None):
        fail("--auth goes with --auth-key-file, and --priv with --priv-key-file", USAGE)
    return user(name, auth, _key(auth_key), priv, _key(priv_key))


def _key(path: Path | None) -> str | None:
    """A passphrase from a file, so that it is in no process list."""
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        fail(f"{path}: {error.strerror}", USAGE)
