"""status and tree: the power-control groups as the management console of the documents shows them."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.cells import cell_len

from ridethrough.rigs.api_client import ApiClient, ApiError
from ridethrough.rigs.cli.common import (
    UNREACHABLE,
    JsonOption,
    RigArgument,
    fail,
    headers,
    print_json,
    url,
    user_errors,
)
from ridethrough.rigs.lab.controller_views import TITLES, TableName, view
from ridethrough.rigs.lab.group_status import COLUMNS, Language, lines
from ridethrough.rigs.lab.group_status import tree as tree_of_groups
from ridethrough.rigs.rigfile.schema import RigFile, load_rig


def _language(text: str) -> Language:
    if text == "ja":
        return "ja"
    if text == "en":
        return "en"
    raise typer.BadParameter("expected ja or en")


LanguageOption = Annotated[
    str, typer.Option("--language", metavar="ja|en", help="The texts of the documents, or English ones.")
]


ShowOption = Annotated[
    str,
    typer.Option(
        "--show",
        metavar="table|gui|settings|statistics",
        help="The status table; or what the controllers' consoles show: the windows of the servers, the settings"
        " collected from UPSs, one week of samples.",
    ),
]


def _view(text: str) -> TableName | None:
    """Return the table that is asked for; None for the status table."""
    if text == "table":
        return None
    if text in TITLES:
        return text
    raise typer.BadParameter("expected table, gui, settings or statistics")


def status(
    rig: RigArgument, show: ShowOption = "table", language: LanguageOption = "ja", json: JsonOption = False
) -> None:
    """Print the status table of the power-control groups of a running rig, or what its controllers' consoles show.

    Example: `ridethrough status 003-a --language en`, `ridethrough status 003-a --show statistics`
    """
    chosen, wanted = _language(language), _view(show)
    with user_errors():
        heads, rows = asyncio.run(_ask(load_rig(rig), wanted, chosen))
    if json:
        names = COLUMNS["en"] if wanted is None else heads
        print_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    table = [heads, *rows]
    widths = [max(cell_len(row[at]) for row in table) for at in range(len(heads))]
    for row in table:
        cells = (cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


async def _ask(rig: RigFile, wanted: TableName | None, language: Language) -> tuple[list[str], list[list[str]]]:
    try:
        async with ApiClient(url(), headers()) as api:
            if wanted is None:
                return list(COLUMNS[language]), await lines(rig, api, language)
            controllers = (await api.get("/lab/v1/controllers"))["controllers"]
            return view(wanted, controllers, language)[1:]
    except ApiError as error:
        fail(f"{url()}: {error}; is `ridethrough run` running, and RIDETHROUGH_URL right?", UNREACHABLE)


def tree(rig: RigArgument, language: LanguageOption = "ja", json: JsonOption = False) -> None:
    """Print the tree of the power-control groups of a rig file.

    Example: `ridethrough tree 003-a`
    """
    chosen = _language(language)
    with user_errors():
        shown = tree_of_groups(load_rig(rig), chosen)
    if json:
        print_json([{"depth": depth, "text": text} for depth, text in shown])
        return
    for depth, text in shown:
        typer.echo("  " * depth + text)
