"""The card's pages over HTTP: log-on, session, and one route a page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from ridethrough.emulators.devices.ups.card.accounts import LoginChannel
from ridethrough.emulators.devices.ups.card.card import Card
from ridethrough.emulators.devices.ups.device import EmulatedUps
from ridethrough.emulators.faces import card_pages as pages
from ridethrough.emulators.faces.bind_error import explain_bind
from ridethrough.emulators.faces.interactive import InteractiveContext
from ridethrough.emulators.kernel.instant import Instant

SESSION = "session"
LARGEST_FORM = 16_384
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WebFace:
    """Pages of one card."""

    def __init__(self, device: EmulatedUps, context: InteractiveContext) -> None:
        self._device = device
        self._card = device.card
        self._now, self._changed, self._token = context.now, context.changed, context.token
        self._runner: web.AppRunner | None = None

    async def start(self, address: str, port: int) -> None:
        """Listen. Raises BindError."""
        app = web.Application(client_max_size=LARGEST_FORM)
        app.add_routes(
            [
                web.get("/", self._inside(lambda _: self._html(pages.status(self._device, self._now())))),
                web.post("/login", self._log_on),
                web.get("/logout", self._log_off),
                *self._page("/system/datetime", pages.datetime_page, pages.set_datetime, dated=True),
                *self._page("/system/users", pages.users_page, pages.set_user),
                *self._page("/network/snmp", pages.snmp_page, pages.set_snmp),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, address, port).start()
        except OSError as error:
            await self.stop()
            raise explain_bind(error, f"{address}:{port}/tcp") from error

    async def stop(self) -> None:
        """Close the listener and every connection."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _html(self, text: str) -> web.Response:
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY"}
        return web.Response(text=text, content_type="text/html", headers=headers)

    def _page(
        self,
        path: str,
        show: Callable[..., str],
        take: Callable[[Card, pages.Form, Instant], str],
        *,
        dated: bool = False,
    ) -> list[web.RouteDef]:
        def shown(said: str = "") -> web.Response:
            return self._html(show(self._card, self._now(), said) if dated else show(self._card, said))

        async def post(request: web.Request) -> web.StreamResponse:
            form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
            said = take(self._card, form, self._now())
            self._changed()
            return shown(said)

        return [web.get(path, self._inside(lambda _: shown())), web.post(path, self._inside(post))]

    def _inside(self, handler: Callable[[web.Request], web.Response | Awaitable[web.StreamResponse]]) -> Handler:
        """Only for somebody who is logged on; all others see the log-on page."""

        async def run(request: web.Request) -> web.StreamResponse:
            if self._card.muted:
                raise web.HTTPServiceUnavailable
            if not self._card.accounts.keep_alive(request.cookies.get(SESSION, ""), self._now()):
                return self._html(pages.login(self._card))
            answer = handler(request)
            return answer if isinstance(answer, web.Response) else await answer

        return run

    async def _log_on(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        token = self._token()
        inside = self._card.accounts.log_on(
            LoginChannel.WEB, str(form.get("name", "")), str(form.get("password", "")), token, self._now()
        )
        self._changed()
        if not inside:
            return self._html(pages.login(self._card, "Wrong user name or password."))
        answer = web.Response(status=303, headers={"Location": "/"})
        answer.set_cookie(SESSION, token, httponly=True, samesite="Strict")
        return answer

    async def _log_off(self, request: web.Request) -> web.StreamResponse:
        self._card.accounts.log_off(request.cookies.get(SESSION, ""))
        self._changed()
        return self._html(pages.login(self._card, "You are logged off."))
