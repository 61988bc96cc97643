"""inject, devices, command, destinations, events: verbs that talk to what is running."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import uuid4

import typer

from ridethrough.rigs.api_client import ApiClient, ApiError, ApiRefusal, ApiUnreachable
from ridethrough.rigs.cli.common import (
    FAILED,
    UNREACHABLE,
    USAGE,
    JsonOption,
    fail,
    headers,
    print_json,
    print_result,
    url,
    user_errors,
)
from ridethrough.rigs.event_lines import one_line

TIMEOUT_S = 10.0
POLL_S = 0.2  # between two requests for a command under way
USAGE_STATUSES = (400, 404, 422)
ACTIONS = ("pause", "resume", "retry")


@asynccontextmanager
async def _running() -> AsyncIterator[ApiClient]:
    """Yield a client of the running gateway; its refusals become exit status 1 or 2, its absence 3."""
    try:
        async with ApiClient(url(), headers(), timeout_s=TIMEOUT_S) as api:
            yield api
    except ApiRefusal as error:
        detail = error.detail or f"HTTP {error.status}"
        fail(detail, USAGE if error.status in USAGE_STATUSES else FAILED)
    except ApiUnreachable as error:
        fail(
            f"nothing answers at {url()} ({error.reason}); is a rig running? Set RIDETHROUGH_URL if it is elsewhere.",
            UNREACHABLE,
        )


async def _call(method: str, path: str, body: Any = None) -> Any:
    async with _running() as api:
        return await api.call(method, path, body)


def inject(
    place: Annotated[str, typer.Argument(metavar="PLACE", help="A device of the rig, such as city or server1.bmc.")],
    name: Annotated[str, typer.Argument(metavar="INPUT", help="What happens there, such as off.")],
    args: Annotated[list[str] | None, typer.Argument(metavar="[ARGS]...", help="Numbers the input takes.")] = None,
    json: JsonOption = False,
) -> None:
    """Make something happen in the running rig. Exit status 1 when nothing would come of it, as without power.

    Example: `ridethrough inject city off`, `ridethrough inject server1.bmc memory_uncorrectable`
    """
    with user_errors():
        body = {"input": name, "args": args or []}
        document = asyncio.run(_call("POST", f"/lab/v1/devices/{place}/inputs", body))
    if json:
        print_json(document)
    else:
        typer.echo(f"{place}: {name} {' '.join(args or [])}".rstrip())


def devices(json: JsonOption = False) -> None:
    """List the devices the gateway watches.

    Example: `ridethrough devices --json`
    """
    with user_errors():
        document = asyncio.run(_call("GET", "/v1/devices"))
    if json:
        print_json(document)
        return
    typer.echo(f"{'DEVICE':<16}{'KIND':<8}{'ADDRESS':<18}{'HEARD':<10}CONDITIONS")
    for row in document["devices"]:
        heard = "never" if row["heard_s_ago"] is None else f"{row['heard_s_ago']:.0f} s ago"
        conditions = ", ".join(row["conditions"]) or "-"
        typer.echo(f"{row['id']:<16}{row['kind']:<8}{row['address']:<18}{heard:<10}{conditions}")


def command(
    device: Annotated[str, typer.Argument(metavar="DEVICE")],
    name: Annotated[str, typer.Argument(metavar="COMMAND", help="Such as output.off or power.cycle.")],
    params: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...")] = None,
    deadline_s: Annotated[
        float, typer.Option("--deadline", metavar="SECONDS", help="How long the device may take.")
    ] = 60.0,
    json: JsonOption = False,
) -> None:
    """Give a device a command and wait for its end.

    Example: `ridethrough command UPS1 output.off order=stay_off`,
    `ridethrough command UPS1 settings.write settings.shutoff_delay_s=180`
    """
    body = {"command": name, "params": _params(params or []), "deadline_s": deadline_s}
    with user_errors():
        document = asyncio.run(_command(device, body))
    if json:
        print_json(document)
    else:
        typer.echo(f"{document['state']}: {document['result']}")
    if document["state"] != "done":
        raise typer.Exit(FAILED)


def _params(words: list[str]) -> dict[str, Any]:
    """`key=value`; a point in the key leads into a parameter that has names of its own."""
    found: dict[str, Any] = {}
    for word in words:
        key, _, value = word.partition("=")
        outer, _, inner = key.partition(".")
        if inner:
            found.setdefault(outer, {})[inner] = value
        else:
            found[key] = value
    return found


def destinations(
    action: Annotated[
        str | None, typer.Argument(metavar="[pause|resume|retry]", help="What to do; the list when left out.")
    ] = None,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A sink or a forward.")] = None,
    json: JsonOption = False,
) -> None:
    """List sinks and forwards and how far they have come; hold one, let it go on, try again what it refused.

    Example: `ridethrough destinations`, `ridethrough destinations pause ops`
    """
    if action is not None and (action not in ACTIONS or name is None):
        raise typer.BadParameter(f"expected {', '.join(ACTIONS)} and a name")
    with user_errors():
        if action is not None:
            path = f"/v1/destinations/{name}/{'redeliver' if action == 'retry' else action}"
            rows = [asyncio.run(_call("POST", path, {"aside": True} if action == "retry" else None))]
        else:
            rows = asyncio.run(_call("GET", "/v1/destinations"))["destinations"]
    if json:
        print_json(rows)
        return
    typer.echo(f"{'DESTINATION':<16}{'TYPE':<9}{'STATE':<8}{'BACKLOG':>8}{'DELIVERED':>11}{'ASIDE':>7}  LAST ERROR")
    for row in rows:
        state = "paused" if row.get("paused") else "-"
        counts = f"{row.get('backlog', 0):>8}{row.get('delivered', 0):>11}{row.get('given_up', 0):>7}"
        typer.echo(f"{row['name']:<16}{row['type']:<9}{state:<8}{counts}  {row.get('last_error') or '-'}")


async def _command(device: str, body: dict[str, Any]) -> dict[str, Any]:
    async with _running() as api:
        return await api.command(device, body, POLL_S, {"Idempotency-Key": uuid4().hex})


def events(
    follow_on: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new ones as they come.")] = False,
    after: Annotated[str, typer.Option("--after", metavar="ID", help="Only those behind this event.")] = "",
    json: JsonOption = False,
) -> None:
    """Print events, one a line.

    Example: `ridethrough events --follow`
    """
    with user_errors():
        asyncio.run(_events(after, follow_on=follow_on, json=json))


async def _events(after: str, *, follow_on: bool, json: bool) -> None:
    def show(event: dict[str, Any]) -> None:
        print_result(one_line(event), event, json=json)

    async with _running() as api:
        while page := (await api.get(f"/v1/events?after={after}"))["events"]:
            for event in page:
                show(event)
            after = page[-1]["id"]
        if follow_on:
            try:
                async for event in await api.stream("/v1/events/stream", after):
                    show(event)
            except ApiError as error:
                fail(f"the stream of {url()} ended: {error.reason}", UNREACHABLE)
