"""inject, devices, command, destinations, events: verbs that talk to what is running."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any
from uuid import uuid4

import aiohttp
import typer

from ridethrough.rigs.cli.common import (
    FAILED,
    UNREACHABLE,
    USAGE,
    JsonOption,
    explained,
    headers,
    print_json,
    stop,
    url,
)
from ridethrough.rigs.event_lines import follow, one_line

WAIT_STEP_S = 0.2
ENDED = ("done", "failed", "expired")
ACTIONS = ("pause", "resume", "retry")


async def _call(method: str, path: str, body: Any = None, extra: dict[str, str] | None = None) -> Any:
    """A request to the running gateway; its refusals become exit status 1 or 2, its absence 3."""
    timeout = aiohttp.ClientTimeout(total=10)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.request(method, url() + path, json=body, headers={**headers(), **(extra or {})}) as answer,
        ):
            document = await answer.json(content_type=None)
            status = answer.status
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        stop(
            f"nothing answers at {url()} ({error}); is a rig running? Set RIDETHROUGH_URL if it is elsewhere.",
            UNREACHABLE,
        )
    if status >= 400:
        detail = document.get("detail", f"HTTP {status}") if isinstance(document, dict) else f"HTTP {status}"
        stop(detail, USAGE if status in (400, 404, 422) else FAILED)
    return document


def inject(
    place: Annotated[str, typer.Argument(metavar="PLACE", help="A device of the rig, such as city or server1.bmc.")],
    name: Annotated[str, typer.Argument(metavar="INPUT", help="What happens there, such as off.")],
    args: Annotated[list[str] | None, typer.Argument(metavar="[ARGS]...", help="Numbers the input takes.")] = None,
    json: JsonOption = False,
) -> None:
    """Make something happen in the running rig. Exit status 1 when nothing would come of it, as without power.

    Example: `ridethrough inject city off`, `ridethrough inject server1.bmc memory_uncorrectable`
    """
    with explained():
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
    with explained():
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
    with explained():
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
    with explained():
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


async def _command(device: str, body: dict[str, Any]) -> Any:
    document = await _call("POST", f"/v1/devices/{device}/commands", body, {"Idempotency-Key": uuid4().hex})
    while document["state"] not in ENDED:
        await asyncio.sleep(WAIT_STEP_S)
        document = await _call("GET", f"/v1/commands/{document['id']}")
    return document


def events(
    follow_on: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new ones as they come.")] = False,
    after: Annotated[str, typer.Option("--after", metavar="ID", help="Only those behind this event.")] = "",
    json: JsonOption = False,
) -> None:
    """Print events, one a line.

    Example: `ridethrough events --follow`
    """
    with explained():
        asyncio.run(_events(after, follow_on=follow_on, json=json))


async def _events(after: str, *, follow_on: bool, json: bool) -> None:
    def tell(event: dict[str, Any]) -> None:
        if json:
            print_json(event)
        else:
            typer.echo(one_line(event))

    while page := (await _call("GET", f"/v1/events?after={after}"))["events"]:
        for event in page:
            tell(event)
        after = page[-1]["id"]
    if follow_on:
        try:
            async for event in follow(url(), after, headers()):
                tell(event)
        except aiohttp.ClientError as error:
            stop(f"the stream of {url()} ended: {error}", UNREACHABLE)
