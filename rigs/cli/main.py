"""The verbs, in the order of `ridethrough --help`.

One is imported when it is asked for; most work less than that takes.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer

VERBS = {
    "run": "serve",
    "emulators": "serve",
    "gateway": "serve",
    "check": "check",
    "replay": "replay",
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


@app.callback()
def _ridethrough() -> None:
    """Typer wants one for a group without commands of its own."""


def everything() -> Any:
    """The group with all of its verbs imported, for those who describe it."""
    group = typer.main.get_command(app)
    for name in VERBS:
        group.get_command(None, name)  # type: ignore[attr-defined]  # it is ours
    return group


def main() -> None:
    """Entry point of the console script."""
    app()
