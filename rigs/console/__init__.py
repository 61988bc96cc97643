"""The console: static files, no build step, nothing fetched from elsewhere.

Charts are drawn by uPlot, which lies in `vendor` as its makers publish it on npm, with its licence.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from importlib import resources
from importlib.resources.abc import Traversable

from aiohttp import web

PAGE = "console.html"
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".LICENSE": "text/plain"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def add_console(application: web.Application) -> None:
    """Serve the page at / and its files beside it."""
    for name, file, kind in _files(resources.files("ridethrough.rigs.console"), ""):
        path = "/" if name == PAGE else f"/console/{name}"
        application.router.add_get(path, _serve(file.read_bytes(), kind))


def _files(folder: Traversable, under: str) -> Iterator[tuple[str, Traversable, str]]:
    """Name, place and media type of everything that a browser may have."""
    for item in folder.iterdir():
        if item.is_dir():
            yield from _files(item, f"{under}{item.name}/")
            continue
        kind = next((kind for suffix, kind in KINDS.items() if item.name.endswith(suffix)), None)
        if kind is not None:
            yield f"{under}{item.name}", item, kind


def _serve(body: bytes, kind: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=HEADERS)

    return handler
