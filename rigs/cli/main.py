"""The verbs, in the order of `standin --help`."""

from __future__ import annotations

import typer

from rigs.cli import ask, check, groups, journal, profile, record, rig, serve
from rigs.cli.doctor import doctor
from rigs.cli.init import init
from rigs.cli.replay import replay
from rigs.cli.top import top

app = typer.Typer(
    name="standin",
    help="Stand-ins for UPS cards and BMCs, and the gateway that hears them.\n\n"
    "Exit status: 0 done, 1 what was asked for did not hold, 2 bad usage or configuration, "
    "3 something could not be reached, 130 interrupted.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.command()(serve.run)
app.command()(serve.emulators)
app.command()(serve.gateway)
app.command()(check.check)
app.command()(replay)
app.command()(ask.inject)
app.command()(groups.status)
app.command()(groups.tree)
app.command()(ask.devices)
app.command()(ask.command)
app.command()(ask.destinations)
app.command()(ask.events)
app.command()(check.schema)
app.command()(doctor)
app.command()(top)
app.command()(init)
app.add_typer(journal.app, name="journal")
app.add_typer(profile.app, name="profile")
app.add_typer(record.app, name="record")
app.add_typer(rig.app, name="rig")


def main() -> None:
    """Entry point of the console script."""
    app()
