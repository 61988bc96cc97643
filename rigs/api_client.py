"""The client of our own HTTP interface, /v1 of the gateway and /lab/v1 beside an emulated plant.

Everything here that asks a running gateway does so by `ApiClient`. A refusal is an `ApiRefusal` with its status; a
gateway that does not answer, or with something else than JSON, is an `ApiUnreachable`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Self

import aiohttp
import msgspec

ENDED = ("done", "failed", "expired")  # states of a command that will not change again
CONNECT_TIMEOUT_S = 5.0
RECONNECT_S = 1.0
NOT_FOUND = 404


class ApiError(RuntimeError):
    """A refusal, or an interface that cannot be reached. One line; `reason` is that line without the request."""

    def __init__(self, text: str, reason: str | None = None) -> None:
        super().__init__(text)
        self.reason = reason or text


class ApiRefusal(ApiError):
    """An answer with a status of 400 or more; its text is the `detail` of the answer, where it has one."""

    def __init__(self, status: int, detail: str | None, request: str) -> None:
        super().__init__(f"{request}: {status}" if detail is None else detail)
        self.status = status
        self.detail = detail


class ApiUnreachable(ApiError):
    """No answer, or none that could be read."""

    def __init__(self, reason: str, request: str) -> None:
        super().__init__(f"{request}: {reason}", reason)


class ApiClient:
    """Asks one gateway. It is a context manager, or `open` and `close` are called."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        timeout_s: float | None = None,
    ) -> None:
        """`timeout_s` limits each request, but no stream; without it only connecting is limited."""
        self._url = url
        self._headers = dict(headers or {})
        self._tls = tls
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the session; nothing is asked yet."""
        self._session = aiohttp.ClientSession(
            self._url,
            connector=aiohttp.TCPConnector(ssl=self._tls or True),
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S),
        )

    async def close(self) -> None:
        """End the session and its streams."""
        if self._session is not None:
            await self._session.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def send(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Return status and document of any answer; None for an empty one. Raises ApiUnreachable."""
        session = self._opened(f"{method} {path}")
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                session.request(method, path, json=body, headers=headers) as answer,
            ):
                text = await answer.read()
                return answer.status, msgspec.json.decode(text) if text else None
        except (aiohttp.ClientError, msgspec.DecodeError, OSError, TimeoutError) as error:
            raise ApiUnreachable(str(error), f"{method} {path}") from error

    async def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """Return the document of an answer. Raises ApiRefusal and ApiUnreachable."""
        status, document = await self.send(method, path, body, headers)
        if status >= 400:
            raise ApiRefusal(status, _detail(document), f"{method} {path}")
        return document

    async def get(self, path: str) -> Any:
        """Return the document at `path`. Raises ApiRefusal and ApiUnreachable."""
        return await self.call("GET", path)

    async def command(
        self, device: str, body: Mapping[str, Any], poll_s: float, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Give a command and ask every `poll_s` seconds until it has ended, well or not.

        Returns the command with its `state` and `result`. Raises ApiRefusal and ApiUnreachable.
        """
        shown: dict[str, Any] = await self.call("POST", f"/v1/devices/{device}/commands", body, headers)
        while shown["state"] not in ENDED:
            await asyncio.sleep(poll_s)
            shown = await self.get(f"/v1/commands/{shown['id']}")
        return shown

    async def stream(self, path: str, last_id: str | None = None) -> AsyncIterator[Any]:
        """Open a stream of server-sent events, after that with `last_id`, and return the iterator of its documents.

        Opening and iterating raise ApiRefusal and ApiUnreachable; the iterator ends when the server closes the stream.
        """
        request = f"GET {path}"
        headers = {} if last_id is None else {"Last-Event-ID": last_id}
        try:
            answer = await self._opened(request).get(path, headers=headers)
            if answer.status >= 400:
                async with answer:
                    raise ApiRefusal(answer.status, _detail_of_text(await answer.read()), request)
        except (aiohttp.ClientError, OSError) as error:
            raise ApiUnreachable(str(error), request) from error
        return _documents(answer, request)

    def _opened(self, request: str) -> aiohttp.ClientSession:
        if self._session is None:
            raise ApiUnreachable("the client is not open", request)
        return self._session


def _detail(document: Any) -> str | None:
    detail = document.get("detail") if isinstance(document, dict) else None
    return None if detail is None else str(detail)


def _detail_of_text(text: bytes) -> str | None:
    try:
        return _detail(msgspec.json.decode(text))
    except msgspec.DecodeError:
        return None


async def _documents(answer: aiohttp.ClientResponse, request: str) -> AsyncIterator[Any]:
    async with answer:
        try:
            async for line in answer.content:
                if line.startswith(b"data: "):
                    yield msgspec.json.decode(line[6:])
        except (aiohttp.ClientError, OSError) as error:
            raise ApiUnreachable(str(error), request) from error


async def follow_events(
    client: ApiClient, on_event: Callable[[dict[str, Any]], None], reconnect_s: float = RECONNECT_S
) -> None:
    """Call `on_event` for every event from now on, over reconnections and without a gap, until cancelled."""
    last_id: str | None = None
    while True:
        try:
            async for event in await client.stream("/v1/events/stream", last_id):
                last_id = event["id"]
                on_event(event)
        except ApiRefusal as error:
            if error.status == NOT_FOUND:
                last_id = None  # a gateway that was restarted without a journal on disk: begin anew
            await asyncio.sleep(reconnect_s)
        except ApiUnreachable:
            await asyncio.sleep(reconnect_s)
