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


def status(rig: RigArgument, language: LanguageOption = "ja", json: JsonOption = False) -> None:
    """Print the status table of the power-control groups of a running rig.

    Example: `ridethrough status 003-a --language en`
    """
    chosen = _language(language)
    with user_errors():
        rows = asyncio.run(_ask(load_rig(rig), chosen))
    if json:
        print_json([dict(zip(COLUMNS["en"], row, strict=True)) for row in rows])
        return
    table = [list(COLUMNS[chosen]), *rows]
    widths = [max(cell_len(row[at]) for row in table) for at in range(len(table[0]))]
    for row in table:
        cells = (cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


async def _ask(rig: RigFile, language: Language) -> list[list[str]]:
    try:
        async with ApiClient(url(), headers()) as api:
            return await lines(rig, api, language)
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
