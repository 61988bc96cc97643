"""A controller's desk: the gateway's HTTP interface, the servers' lab agents, and a pad for notes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

import aiohttp
import msgspec

ASK_AGAIN_S = 0.25  # between two looks at a command under way
COMMAND_S = 120.0


CONFLICT = 409


class DeskError(RuntimeError):
    """Something asked for was refused, or the interface cannot be reached. One line."""


class UnheardError(DeskError):
    """Nothing comes of what was asked for, as things are."""


class Note(NamedTuple):
    """What a controller wrote down. `at_ms` is Unix time."""

    at_ms: int
    controller: str
    mark: str
    subject: str
    text: str


class Desk:
    """One for all stand-ins of a rig."""

    def __init__(
        self,
        url: str,
        unix_ms: Callable[[], int],
        headers: dict[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._url = url
        self._tls = tls
        self._unix_ms = unix_ms
        self._headers = headers or {}
        self._session: aiohttp.ClientSession | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._queues: list[asyncio.Queue[dict[str, Any]]] = []
        self._moved = asyncio.Event()
        self._watchers: list[Callable[[Note], None]] = []
        self.states: dict[str, dict[str, Any]] = {}
        """Servers, clusters, disks and the like, as their lab agents show them now."""
        self.notes: list[Note] = []

    async def open(self) -> None:
        """Connect; both streams flow when this returns. Raises DeskError."""
        self._session = aiohttp.ClientSession(
            self._url,
            connector=aiohttp.TCPConnector(ssl=self._tls) if self._tls is not None else None,
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
        )
        try:
            streams = [await self._stream("/v1/events/stream"), await self._stream("/lab/v1/agents")]
        except DeskError:
            await self._session.close()
            raise
        for stream, take in zip(streams, (self._take_event, self._take_states), strict=True):
            self._tasks.append(asyncio.create_task(_read(stream, take), name="desk"))
        await self.until(lambda: bool(self.states), 5)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    # --- hearing ----------------------------------------------------------------------------------------------

    def events(self) -> AsyncIterator[dict[str, Any]]:
        """Every controller event from now on, for one listener."""
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._queues.append(queue)
        return _drain(queue)

    def _take_event(self, event: dict[str, Any]) -> None:
        for queue in self._queues:
            queue.put_nowait(event)

    def _take_states(self, states: dict[str, dict[str, Any]]) -> None:
        self.states |= states
        self._wake()

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    async def until(self, holds: Callable[[], bool], limit_s: float | None = None) -> bool:
        """Wait for something that the states show; False when `limit_s` went by first."""
        try:
            async with asyncio.timeout(limit_s):
                while not holds():
                    await self._moved.wait()
        except TimeoutError:
            return holds()
        return True

    def state(self, place: str, key: str = "state") -> Any:
        """One value of a server, disk or cluster; None when there is no such place."""
        return self.states.get(place, {}).get(key)

    def now(self) -> datetime:
        """The time of day."""
        return datetime.fromtimestamp(self._unix_ms() / 1000, UTC)

    # --- speaking ---------------------------------------------------------------------------------------------

    async def command(self, device: str, command: str, **params: Any) -> dict[str, Any]:
        """Give a device a command by way of the gateway, and wait for its end. Raises DeskError when it fails."""
        body = {"command": command, "params": params, "deadline_s": COMMAND_S}
        given = await self._ask("POST", f"/v1/devices/{device}/commands", body)
        while given["state"] in ("pending", "running"):
            await asyncio.sleep(ASK_AGAIN_S)
            given = await self._ask("GET", f"/v1/commands/{given['id']}")
        if given["state"] != "done":
            raise DeskError(f"{device}: {command} {given['state']}: {given['result']}")
        return given

    async def device(self, name: str) -> dict[str, Any]:
        """A device as the gateway knows it. Raises DeskError."""
        return await self._ask("GET", f"/v1/devices/{name}")

    async def conditions(self) -> list[dict[str, Any]]:
        """What is open now. Raises DeskError."""
        answer: list[dict[str, Any]] = (await self._ask("GET", "/v1/conditions"))["conditions"]
        return answer

    async def tell(self, place: str, word: str, *args: str) -> None:
        """Say something to the lab agent of a server or cluster. Raises DeskError."""
        await self._ask("POST", f"/lab/v1/devices/{place}/inputs", {"input": word, "args": list(args)})

    async def tell_if_heard(self, place: str, word: str) -> None:
        """The same to one that may be down meanwhile, and then hears nothing of it. Raises DeskError."""
        with suppress(UnheardError):
            await self.tell(place, word)

    async def ask_controller(self, name: str, word: str, *args: str) -> None:
        """Say something to another controller. Raises DeskError."""
        await self._ask("POST", f"/lab/v1/controllers/{name}/inputs", {"input": word, "args": list(args)})

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        if self._session is None:
            raise DeskError("the desk is not open")
        try:
            async with self._session.request(method, path, json=body) as answer:
                document: dict[str, Any] = msgspec.json.decode(await answer.read())
        except (aiohttp.ClientError, msgspec.DecodeError, OSError) as error:
            raise DeskError(f"{method} {path}: {error}") from error
        if answer.status >= 400:
            raise (UnheardError if answer.status == CONFLICT else DeskError)(
                document.get("detail", f"{method} {path}: {answer.status}")
            )
        return document

    async def _stream(self, path: str) -> aiohttp.ClientResponse:
        if self._session is None:
            raise DeskError("the desk is not open")
        try:
            answer = await self._session.get(path)
            answer.raise_for_status()
        except (aiohttp.ClientError, OSError) as error:
            raise DeskError(f"GET {path}: {error}") from error
        return answer

    # --- notes ------------------------------------------------------------------------------------------------

    def note(self, controller: str, mark: str, subject: str, text: str) -> None:
        """Write something down, and let everybody who waits look again."""
        note = Note(self._unix_ms(), controller, mark, subject, text)
        self.notes.append(note)
        for watcher in self._watchers:
            watcher(note)
        self._wake()

    def watch(self, callback: Callable[[Note], None]) -> None:
        """Call `callback` for each new note."""
        self._watchers.append(callback)


async def _read(stream: aiohttp.ClientResponse, take: Callable[[Any], None]) -> None:
    async for line in stream.content:
        if line.startswith(b"data: "):
            take(msgspec.json.decode(line[6:]))


async def _drain(queue: asyncio.Queue[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    while True:
        yield await queue.get()
