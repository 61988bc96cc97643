"""The interfaces that stand-in controllers use: the gateway's HTTP, the servers' lab agents, and their notes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from copy import copy
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, NamedTuple
from uuid import uuid4

from ridethrough.rigs.api_client import RECONNECT_S, ApiClient, ApiError, ApiRefusal, ApiUnreachable

POLL_S = 0.25  # between two requests for a command under way
COMMAND_S = 120.0  # in which a command has to be carried out
FIRST_STATES_S = 5.0
EVENTS, AGENTS = STREAMS = ("/v1/events/stream", "/lab/v1/agents")


class CommandFailed(ApiError):
    """A command that was accepted ended otherwise than done."""


class Note(NamedTuple):
    """An entry of a controller's log, for reports. `at_ms` is Unix time."""

    at_ms: int
    controller: str
    mark: str
    subject: str
    text: str


class ChangeSignal:
    """Something has changed: everybody who waits for it goes on."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def tell(self) -> None:
        """Wake those who wait now."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self) -> None:
        """Wait for the next change."""
        await self._event.wait()


class PersistentClient(ApiClient):
    """Asks until there is an answer: a gateway that is down comes back."""

    async def send(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Return status and document of an answer, however late it comes."""
        while True:
            try:
                return await super().send(method, path, body, headers)
            except ApiUnreachable:
                await asyncio.sleep(RECONNECT_S)


class ControllerClient:
    """Connection of all stand-ins of a rig to its gateway, with the states of the plant and the notes."""

    def __init__(
        self,
        url: str,
        unix_ms: Callable[[], int],
        headers: dict[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`unix_ms` is the time of day that notes get."""
        self._api = PersistentClient(url, headers, tls)
        self._unix_ms = unix_ms
        self._tasks: list[asyncio.Task[None]] = []
        self._queues: list[asyncio.Queue[dict[str, Any]]] = []
        self._changed = ChangeSignal()
        self.source_for: Callable[[str], str | None] = lambda _device: None
        """The address from which the gateway asks a device for us; None where it is not ours to say."""
        self._last_id = ""  # of the events: empty is before the first
        self._watchers: list[Callable[[Note], None]] = []
        self.states: dict[str, dict[str, Any]] = {}
        """Servers, clusters, disks and the like, as their lab agents show them now."""
        self.notes: list[Note] = []
        self.records: dict[str, Any] = {}
        """What controllers keep on the disks of their servers, by name: it outlives one that is killed."""

    def asking_from(self, source_for: Callable[[str], str | None]) -> ControllerClient:
        """Return the same client for software that asks UPS cards from the address of its server.

        `source_for` returns that address by device, None for one that is no card. The cards' access rows have to name
        it (003 section 1.7.4.1).
        """
        own = copy(self)
        own.source_for = source_for
        return own

    async def open(self) -> None:
        """Connect; both streams flow when this returns. Raises ApiError."""
        await self._api.open()
        try:
            known = (await self._api.get("/v1/events?last=1"))["events"]
            self._last_id = known[-1]["id"] if known else ""
            streams = [await self._api.stream(path) for path in STREAMS]
        except ApiError:
            await self._api.close()
            raise
        for path, stream, receive in zip(STREAMS, streams, (self._receive_event, self._receive_states), strict=True):
            self._tasks.append(asyncio.create_task(self._follow(path, stream, receive), name="controllers' stream"))
        await self.until(lambda: bool(self.states), FIRST_STATES_S)

    async def _follow(self, path: str, stream: AsyncIterator[Any], receive: Callable[[Any], None]) -> None:
        """Receive what a stream has; one that breaks goes on behind the last event known, once the gateway is back."""
        while True:
            with suppress(ApiUnreachable):
                async for document in stream:
                    receive(document)
            await asyncio.sleep(RECONNECT_S)
            try:
                stream = await self._api.stream(path, self._last_id if path == EVENTS else None)
            except ApiRefusal as error:  # a journal that did not outlive the gateway has no such event
                self._last_id = "" if error.status == HTTPStatus.NOT_FOUND else self._last_id
            except ApiUnreachable:
                continue

    async def close(self) -> None:
        """End both streams and the connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._api.close()

    # --- events and states ------------------------------------------------------------------------------------

    def events(self) -> AsyncIterator[dict[str, Any]]:
        """Return an endless iterator of the events from now on; each call has its own."""
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._queues.append(queue)
        return self._drain(queue)

    async def _drain(self, queue: asyncio.Queue[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
        try:
            while True:
                yield await queue.get()
        finally:
            self._queues.remove(queue)

    def _receive_event(self, event: dict[str, Any]) -> None:
        self._last_id = event["id"]
        for queue in self._queues:
            queue.put_nowait(event)

    def _receive_states(self, states: dict[str, dict[str, Any]]) -> None:
        self.states |= states
        self.wake()

    def wake(self) -> None:
        """Check again what `until` waits for: something else than a state or a note has changed."""
        self._changed.tell()

    async def until(self, holds: Callable[[], bool], limit_s: float | None = None) -> bool:
        """Wait until `holds` is true; called again with each state and note. False when `limit_s` went by first."""
        try:
            async with asyncio.timeout(limit_s):
                while not holds():
                    await self._changed.wait()
        except TimeoutError:
            return holds()
        return True

    def state(self, place: str, key: str = "state") -> Any:
        """Return one value of a server, disk or cluster; None when there is no such device."""
        return self.states.get(place, {}).get(key)

    def now(self) -> datetime:
        """Return the time of day of the rig, in UTC."""
        return datetime.fromtimestamp(self._unix_ms() / 1000, UTC)

    # --- commands and inputs ----------------------------------------------------------------------------------

    async def command(self, device: str, command: str, **params: Any) -> dict[str, Any]:
        """Give a device a command by way of the gateway, and wait for its end. Raises ApiError, also when it fails."""
        if (source := self.source_for(device)) is not None:
            params["source"] = source
        body = {"command": command, "params": params, "deadline_s": COMMAND_S}
        ended = await self._api.command(device, body, POLL_S, {"Idempotency-Key": uuid4().hex})
        if ended["state"] != "done":
            raise CommandFailed(f"{device}: {command} {ended['state']}: {ended['result']}")
        return ended

    async def device(self, name: str) -> dict[str, Any]:
        """Return a device as the gateway knows it. Raises ApiError."""
        document: dict[str, Any] = await self._api.get(f"/v1/devices/{name}")
        return document

    async def conditions(self) -> list[dict[str, Any]]:
        """Return the open conditions of all devices. Raises ApiError."""
        conditions: list[dict[str, Any]] = (await self._api.get("/v1/conditions"))["conditions"]
        return conditions

    async def send_input(self, device: str, word: str, *args: str) -> None:
        """Give the lab agent of a server or cluster an input. Raises ApiError."""
        await self._api.call("POST", f"/lab/v1/devices/{device}/inputs", {"input": word, "args": list(args)})

    async def send_input_if_running(self, device: str, word: str) -> None:
        """Like `send_input`, to one that may be down meanwhile: then nothing happens. Raises ApiError."""
        try:
            await self.send_input(device, word)
        except ApiRefusal as error:
            if error.status != HTTPStatus.CONFLICT:
                raise

    async def send_controller_input(self, name: str, word: str, *args: str) -> None:
        """Give another controller an input. Raises ApiError."""
        await self._api.call("POST", f"/lab/v1/controllers/{name}/inputs", {"input": word, "args": list(args)})

    # --- notes ------------------------------------------------------------------------------------------------

    def note(self, controller: str, mark: str, subject: str, text: str) -> None:
        """Append a note, call the watchers, and check again what `until` waits for."""
        note = Note(self._unix_ms(), controller, mark, subject, text)
        self.notes.append(note)
        for watcher in self._watchers:
            watcher(note)
        self.wake()

    def watch(self, callback: Callable[[Note], None]) -> None:
        """Call `callback` for each note that is added from now on."""
        self._watchers.append(callback)
