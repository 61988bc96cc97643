"""top: a full-screen view of a running gateway."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import termios
import tty
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ridethrough.mibs.powernet import NORMAL, OUTPUT_STATES, OUTPUT_STATUS
from ridethrough.rigs.api_client import ApiClient, ApiError, ApiRefusal, follow_events
from ridethrough.rigs.cli.common import (
    INTERRUPTED,
    UNREACHABLE,
    JsonOption,
    fail,
    headers,
    print_json,
    url,
    user_errors,
)
from ridethrough.rigs.event_lines import one_line

ASKED = ("/v1/devices", "/v1/destinations", "/v1/journal", "/v1/conditions")
CONTROLLERS = "/lab/v1/controllers"  # only beside a rig
EVENTS = 500  # kept to be shown
STALE_S = 30.0
TIMEOUT_S = 5.0
COLUMNS = ("device", "kind", "heard", "state", "input", "output", "load", "charge", "left", "conditions")


class View(NamedTuple):
    """One look: the documents by path, and the latest events."""

    documents: Mapping[str, Any]
    events: list[dict[str, Any]]
    trouble: str = ""


def top(
    every: Annotated[float, typer.Option("--every", metavar="SECONDS", min=0.2, help="Between two looks.")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Print one look and end.")] = False,
    json: JsonOption = False,
) -> None:
    """Watch devices, conditions, deliveries and events of a running gateway; q ends it.

    Example: `ridethrough top`, `ridethrough top --once`
    """
    with user_errors():
        if once or json or not sys.stdout.isatty():
            _once(json=json)
        else:
            asyncio.run(_watch(every))


def _once(*, json: bool) -> None:
    shown = asyncio.run(_fetch_first())
    if json:
        print_json(
            {
                **{path.rpartition("/")[2]: document for path, document in shown.documents.items()},
                "events": shown.events,
            }
        )
    else:
        Console(highlight=False).print(render(shown, None))


async def _fetch_first() -> View:
    async with _client() as api:
        try:
            return await _fetch(api, None)
        except ApiError as error:
            fail(f"nothing answers at {url()} ({error.reason}); set RIDETHROUGH_URL if it runs elsewhere", UNREACHABLE)


def _client() -> ApiClient:
    return ApiClient(url(), headers(), timeout_s=TIMEOUT_S)


async def _fetch(api: ApiClient, events: deque[dict[str, Any]] | None) -> View:
    documents = {path: await api.get(path) for path in ASKED}
    documents[CONTROLLERS] = await _controllers(api)
    return View(documents, (await api.get("/v1/events?last=20"))["events"] if events is None else list(events))


async def _controllers(api: ApiClient) -> Any:
    """The stand-in controllers; none where no rig runs, and where the token does not show them."""
    try:
        return await api.get(CONTROLLERS)
    except ApiRefusal:
        return {"controllers": []}


async def _watch(every: float) -> None:
    first = await _fetch_first()
    events = deque(first.events, EVENTS)
    known = {event["id"] for event in events}

    def keep(event: dict[str, Any]) -> None:
        if event["id"] not in known:
            events.append(event)

    done, interrupted = asyncio.Event(), asyncio.Event()
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def interrupt() -> None:
        """Whatever is waited for is left, and should a library take that for its own end, nothing more is."""
        interrupted.set()
        done.set()
        if task is not None:
            task.cancel()

    console = Console(highlight=False)
    async with _client() as api:
        loop.add_signal_handler(signal.SIGINT, interrupt)
        following = asyncio.create_task(follow_events(api, keep), name="events")
        try:
            with (
                _keys(lambda key: done.set() if key in "q\x03" else None),
                Live(console=console, screen=True, auto_refresh=False) as live,
            ):
                shown = first
                while not done.is_set():
                    try:
                        shown = await _fetch(api, events)
                    except ApiError as error:
                        shown = shown._replace(trouble=f"{url()} does not answer: {error.reason}")
                    live.update(render(shown, console.height), refresh=True)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(every):
                            await done.wait()
        except asyncio.CancelledError:
            interrupted.set()
        finally:
            loop.remove_signal_handler(signal.SIGINT)
            following.cancel()
            await asyncio.wait([following], timeout=1)
    if interrupted.is_set():
        raise typer.Exit(INTERRUPTED)


@contextlib.contextmanager
def _keys(pressed: Callable[[str], None]) -> Iterator[None]:
    """Hear single keys while this lasts; nothing where standard input is no terminal."""
    if not sys.stdin.isatty():
        yield
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    loop = asyncio.get_running_loop()
    tty.setcbreak(descriptor)
    loop.add_reader(descriptor, lambda: pressed(sys.stdin.read(1)))
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


# --- what is shown ------------------------------------------------------------------------------------------------


def render(shown: View, height: int | None) -> RenderableType:
    """The screen; as many events as `height` leaves room for, all where it is None."""
    documents = shown.documents
    devices, destinations = documents["/v1/devices"]["devices"], documents["/v1/destinations"]["destinations"]
    table = Table(box=None, pad_edge=False, expand=True, header_style="bold")
    for column in COLUMNS:
        table.add_column(
            column,
            justify="right" if column in ("heard", "input", "output", "load", "charge", "left") else "left",
            no_wrap=True,
        )
    controllers = [_controller(row) for row in documents[CONTROLLERS]["controllers"] if "gui" in row]
    below = [*destinations, *controllers]
    room = len(devices) if height is None else max(1, height - len(below) - 12)
    for row in sorted(devices, key=lambda row: not row["conditions"])[:room]:
        table.add_row(*_cells(row))
    hidden = len(devices) - room
    parts: list[RenderableType] = [_head(documents, shown.trouble), "", table]
    if hidden > 0:
        parts.append(Text(f"and {hidden} more without conditions", style="dim"))
    parts += ["", *(_destination(row) for row in destinations), *controllers, ""]
    left = None if height is None else max(3, height - min(len(devices), room) - len(below) - 7)
    parts += [_event(event) for event in (shown.events if left is None else shown.events[-left:])]
    return Group(*parts)


def _head(documents: Mapping[str, Any], trouble: str) -> Text:
    journal = documents["/v1/journal"]
    open_conditions = len(documents["/v1/conditions"]["conditions"])
    dropped = sum(row["dropped_by_kernel"] for row in journal["listeners"])
    text = Text.assemble(
        ("Ridethrough  ", "bold"),
        f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z  ",
        f"{journal['records']} records, {journal['events']} events, {journal['waiting']} waiting, {dropped} dropped  ",
        (f"{open_conditions} conditions", "bold red" if open_conditions else "green"),
    )
    if problem := trouble or journal["trouble"]:
        text.append(f"\n{problem}", "bold red")
    return text


def _cells(row: dict[str, Any]) -> list[Text | str]:
    readings = row["readings"]
    status = readings.get(OUTPUT_STATUS)
    state = "" if status is None else OUTPUT_STATES.get(status, "")
    heard = row["heard_s_ago"]
    left = readings.get("upsAdvBatteryRunTimeRemaining")
    return [
        row["id"],
        row["kind"],
        Text("never" if heard is None else f"{heard:.0f} s", "red" if heard is None or heard > STALE_S else ""),
        Text(state, "" if not state or status == NORMAL else "yellow"),
        _unit(readings.get("upsAdvInputLineVoltage"), "V"),
        _unit(readings.get("upsAdvOutputVoltage"), "V"),
        _unit(readings.get("upsAdvOutputLoad"), "%"),
        _unit(readings.get("upsAdvBatteryCapacity"), "%"),
        "" if left is None else f"{left / 6000:.0f} min",
        Text(", ".join(row["conditions"]), "red"),
    ]


def _unit(value: Any, unit: str) -> str:
    return "" if value is None else f"{value} {unit}"


def _destination(row: dict[str, Any]) -> Text:
    error = row.get("last_error") or ""
    backlog = row.get("backlog")
    held = "  paused" if row.get("paused") else ""
    count = f"clients: {row['clients']}" if "clients" in row else f"{backlog} to deliver"
    return Text.assemble(("-> ", "dim"), f"{row['name']:<16}{row['type']:<10}{count}{held}  ", (error, "red"))


def _controller(row: dict[str, Any]) -> Text:
    """The master, the clusters whose linkage is on, and the samples of the last week."""
    windows = [window for window in row["gui"].values() if window is not None]
    linked = dict.fromkeys(window["cluster"] for window in windows if window["linkage"] == "ON")
    answered = sum(ups["answered"] for ups in row["statistics"]["ups"].values())
    return Text.assemble(
        ("-- ", "dim"),
        f"{row['name']:<16}master {row['master'] or 'none'}, cluster linkage {', '.join(linked) or 'OFF'}, ",
        f"{row['statistics']['samples']} samples, {answered} with values",
    )


def _event(event: dict[str, Any]) -> Text:
    style = {"critical": "bold red", "warning": "yellow"}.get(event["data"].get("severity", ""), "")
    return Text(one_line(event), style, no_wrap=True, overflow="ellipsis")
