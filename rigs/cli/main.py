"""The verbs, in the order of `ridethrough --help`.

One is imported when it is asked for; most work less than that takes.
"""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer

VERBS = {
    "run": "serve",
    "emulators": "serve",
    "gateway": "serve",
    "check": "check",
    "replay": "replay",
    "explore": "explore",
    "inject": "client_verbs",
    "status": "groups",
    "tree": "groups",
    "devices": "client_verbs",
    "command": "client_verbs",
    "destinations": "client_verbs",
    "events": "client_verbs",
    "schema": "check",
    "doctor": "doctor",
    "top": "top",
    "init": "init",
    "journal": "journal",
    "profile": "profile",
    "record": "record",
    "rig": "rig",
}
"""Name of a verb to its module; there it is a function of that name, or, where it has verbs of its own, `app`."""


class Verbs(typer.core.TyperGroup):
    """Finds verbs in their modules."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All, imported or not."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import it; None when there is none of that name."""
        if cmd_name not in self.commands and cmd_name in VERBS:
            module = import_module(f"ridethrough.rigs.cli.{VERBS[cmd_name]}")
            inner = getattr(module, "app", None)
            if inner is None:
                inner = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)
                inner.command(cmd_name)(getattr(module, cmd_name))
            self.commands[cmd_name] = typer.main.get_command(inner)
            self.commands[cmd_name].name = cmd_name
        return self.commands.get(cmd_name)


app = typer.Typer(
    name="ridethrough",
    cls=Verbs,
    help="Stand-ins for UPS cards and BMCs, and the gateway that hears them.\n\n"
    "Exit status: 0 done, 1 what was asked for did not hold, 2 bad usage or configuration, "
    "3 something could not be reached, 130 interrupted.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from ridethrough import __version__

        typer.echo(f"ridethrough {__version__}")
        raise typer.Exit


@app.callback()
def _ridethrough(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Refuse variables that only the former name has, whatever is asked for; `doctor` lists them."""
    if context.invoked_subcommand == "doctor" or not any(name.startswith("STANDIN_") for name in os.environ):
        return
    from ridethrough.rigs.cli.common import USAGE, fail
    from ridethrough.rigs.former_name import READ, FormerError, variable

    try:
        for name in READ:
            variable(name)
    except FormerError as error:
        fail(str(error), USAGE)


def everything() -> Any:
    """The group with all of its verbs imported, for those who describe it."""
    group = typer.main.get_command(app)
    for name in VERBS:
        group.get_command(None, name)  # type: ignore[attr-defined]  # it is ours
    return group


def main() -> None:
    """Entry point of the console script."""
    try:
        app()
    except SystemExit:
        try:
            sys.stdout.flush()
        except OSError as error:
            _unwritable(error)
        raise
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _unwritable(error)


def _unwritable(error: OSError) -> NoReturn:
    """Say that there is no room for what was to be printed; what is buffered goes nowhere."""
    sys.stderr.write(f"ridethrough: standard output: {error.strerror}\n")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(3)
