"""The one-page console: static files, no build step, nothing fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import resources

from aiohttp import web

PAGE = ("console.html", "text/html")
FILES = {"console.css": "text/css", "console.js": "text/javascript"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def add_console(application: web.Application) -> None:
    """Serve the page at / and its files beside it."""
    application.router.add_get("/", _serve(*PAGE))
    for name, kind in FILES.items():
        application.router.add_get(f"/console/{name}", _serve(name, kind))


def _serve(name: str, kind: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    body = resources.files("rigs.console").joinpath(name).read_bytes()

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=HEADERS)

    return handler
