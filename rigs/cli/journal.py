"""journal: look into what a gateway heard, keep it, move it, and derive the events again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from ridethrough.gateway.config.site import Site
from ridethrough.gateway.pipeline.replay import replay as derive
from ridethrough.gateway.records import Record, encode_json
from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.former_name import as_told_now
from ridethrough.gateway.storage.sqlite import archive
from ridethrough.gateway.storage.sqlite.database import Database
from ridethrough.gateway.storage.sqlite.schema import ENGINE
from ridethrough.rigs.cli.common import (
    FAILED,
    USAGE,
    JsonOption,
    MibOption,
    fail,
    print_json,
    print_result,
    tree_of,
    user_errors,
)
from ridethrough.rigs.former_name import look_beside
from ridethrough.rigs.rigfile.yaml import load

T = TypeVar("T")
CHUNK = 5000
MAX_SHOWN = 10

app = typer.Typer(
    help="What a gateway heard: show, export, import, derive the events again.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
DataArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The gateway's folder (`journal.path`, `--data`).")]


@app.callback()
def _group() -> None:
    """The records of a gateway: show, export, import, derive the events again."""


@app.command()
def show(folder: DataArgument, json: JsonOption = False) -> None:
    """Say what a journal holds; the gateway may be running.

    Example: `ridethrough journal show /var/lib/ridethrough`
    """
    with user_errors():
        count, first, last = archive.extent(folder)
        events = archive.event_count(folder)
    if json:
        print_json({"records": count, "first_position": first, "last_position": last, "events": events})
    else:
        typer.echo(f"{count} records, positions {first} to {last}; {events} events")


@app.command()
def export(
    folder: DataArgument,
    out: Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines; compressed when it ends in .gz.")],
    after: Annotated[int, typer.Option("--after", metavar="POSITION", min=0, help="Only those behind it.")] = 0,
    json: JsonOption = False,
) -> None:
    """Write the raw records to a file; the gateway may be running.

    Example: `ridethrough journal export /var/lib/ridethrough outage.jsonl.gz`
    """
    with user_errors():
        count, first, last = archive.extent(folder)
        written = 0
        try:
            for _ in _shown(archive.write_file(out, archive.read(folder, after)), "exporting", count):
                written += 1
        except OSError as error:
            if isinstance(error, StoreError):
                raise
            fail(f"{out}: {error.strerror}", USAGE)
    found = {"file": str(out), "records": written, "first_position": first, "last_position": last}
    print_result(f"{out}: {written} records of {first} to {last}", found, json=json)


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `export` wrote.")],
    folder: DataArgument,
    json: JsonOption = False,
) -> None:
    """Put the records of a file into a folder's journal, at their positions; a gateway started there tells them.

    Example: `ridethrough journal import outage.jsonl.gz /tmp/looking`
    """

    async def body() -> int:
        look_beside(folder)
        store = Database(folder)
        count = 0
        try:
            for chunk in _chunks(_shown(_read(file), "importing", None)):
                await archive.put(store, chunk)
                count += len(chunk)
        finally:
            store.close()
        return count

    with user_errors():
        count = asyncio.run(body())
    print_result(f"{folder}: {count} records added", {"folder": str(folder), "records": count}, json=json)


@app.command()
def replay(
    site: Annotated[Path, typer.Argument(metavar="SITE", help="Site file, whose rules and devices are used.")],
    source: Annotated[Path, typer.Argument(metavar="DIR|FILE", help="A gateway's folder, or an export.")],
    compare: Annotated[
        bool, typer.Option("--compare", help="Compare with the events that were told; print differences.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="JSON lines; standard output if left out.")
    ] = None,
    mib_dir: MibOption = None,
    json: JsonOption = False,
) -> None:
    """Derive the events again from the raw records. With `--compare`, exit status 1 if they differ from what was told.

    Example: `ridethrough journal replay site.yaml /var/lib/ridethrough --compare`
    """
    with user_errors():
        loaded = load(site, Site)
        tree = tree_of(mib_dir)
        if compare and not source.is_dir():
            raise typer.BadParameter("an export has no events to compare with; give the folder", param_hint="--compare")
        count, first, _ = archive.extent(source) if source.is_dir() else (None, 0, 0)
        engine = archive.saved(source, ENGINE) if source.is_dir() else None
        records = archive.read(source) if source.is_dir() else _read(source)
        if first > 1:
            typer.echo(
                f"ridethrough: the journal begins at position {first}; what was open before is not known", err=True
            )
        derived = (event for _, event in derive(loaded, tree, _shown(records, "deriving", count), engine))
        if compare:
            _compare(
                {event.id: encode_json(event) for event in derived},
                {name: as_told_now(body) for name, body in archive.bodies(source).items()},
                json=json,
            )
            return
        lines = (encode_json(event) + b"\n" for event in derived)
        if out is None:  # events are JSON anyway
            for line in lines:
                typer.echo(line.decode(), nl=False)
        else:
            try:
                with out.open("wb") as stream:
                    stream.writelines(lines)
            except OSError as error:
                fail(f"{out}: {error.strerror}", USAGE)


def _compare(derived: dict[str, bytes], recorded: dict[str, bytes], *, json: bool) -> None:
    different = [
        *(f"+ {name}: {derived[name].decode()}" for name in derived if name not in recorded),
        *(f"- {name}: {recorded[name].decode()}" for name in recorded if name not in derived),
        *(
            f"~ {name}: {recorded[name].decode()}\n  now: {body.decode()}"
            for name, body in derived.items()
            if name in recorded and recorded[name] != body
        ),
    ]
    if json:
        print_json({"derived": len(derived), "told": len(recorded), "different": different})
    for line in [] if json else different[:MAX_SHOWN]:
        typer.echo(line)
    if different:
        fail(f"{len(different)} of {len(derived | recorded)} events differ from what was told", FAILED)
    if not json:
        typer.echo(f"{len(derived)} events, the same as were told")


def _read(file: Path) -> Iterator[Record]:
    try:
        yield from archive.read_file(file)
    except archive.ArchiveError as error:
        fail(str(error), USAGE)
    except OSError as error:
        fail(f"{file}: {error.strerror}", USAGE)


def _chunks(records: Iterable[Record]) -> Iterator[list[Record]]:
    chunk: list[Record] = []
    for record in records:
        chunk.append(record)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _shown(items: Iterable[T], what: str, total: int | None) -> Iterator[T]:
    """The same items, with a bar on a terminal while they go by."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        for number, item in enumerate(items, start=1):
            yield item
            if number % 1000 == 0:
                progress.update(task, completed=number)
