"""I-UPSs (003 section 1.6): their interfaces, switch and outages, over the serial lines of their servers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from ridethrough.rigs.controllers.esmpro_ac.config import Intelligent
from ridethrough.rigs.controllers.esmpro_ac.host import ControllerHost
from ridethrough.rigs.topology import ShutdownPlan, plan_off

REST_S = 10.0  # without output, so that servers notice


def is_local(host: ControllerHost) -> bool:
    """Return True while one I-UPS is in LOCAL: automatic running rests in the whole cluster (003 section 1.6.7(4))."""
    return any(host.client.state(wanted.ups, "switch") == "local" for wanted in host.config.intelligent)


class IntelligentUpses:
    """Follows all I-UPSs; what one of them says holds for the servers of all."""

    def __init__(self, host: ControllerHost, start: Callable[[Sequence[str]], Awaitable[None]]) -> None:
        """`start` switches servers on."""
        self._host = host
        self._client = host.client
        self._start = start
        # On the disks of the servers: it outlives a service that is killed.
        self._returning: set[str] = host.client.records.setdefault(f"{host.config.name} I-UPS", set())
        self._servers = list(dict.fromkeys(name for wanted in host.config.intelligent for name in wanted.servers))

    def begin(self) -> None:
        """Start a task for the interfaces of each, and one for its supply."""
        for ups in sorted(self._returning):
            self._host.spawn(self._return(ups), f"{ups} return")
        for wanted in self._host.config.intelligent:
            self._host.spawn(self._watch_interfaces(wanted), f"{wanted.ups} interfaces")
            self._host.spawn(self._watch_supply(wanted), f"{wanted.ups} supply")

    @property
    def without_input(self) -> set[str]:
        """I-UPSs whose input is lost."""
        return {wanted.ups for wanted in self._host.config.intelligent if self._lost(wanted)}

    # --- interfaces -------------------------------------------------------------------------------------------

    async def _watch_interfaces(self, wanted: Intelligent) -> None:
        """V1: the line signal; L2: calls of clients. In LOCAL neither acts (I1)."""
        seen = [self._interfaces(wanted)]
        while True:
            await self._client.until(lambda: self._interfaces(wanted) != seen[-1])
            (old_signal, old_calls), (signal, calls) = seen[-1], self._interfaces(wanted)
            seen[:] = [(signal, calls)]
            turned = wanted.line and signal != old_signal
            if not turned and not (wanted.lan_on and calls > old_calls):
                continue
            if is_local(self._host):
                self._host.note("interface_ignored", wanted.ups, "an I-UPS is in LOCAL")
            elif turned and signal == "off":
                self._host.note("interface_off", wanted.ups)
                self._host.begin(plan_off(self._host.topology, "line", self._servers, self._host.idle))
            else:
                self._host.note("interface_on", wanted.ups)
                self._host.spawn(self._start(self._servers), "start")

    def _interfaces(self, wanted: Intelligent) -> tuple[str, int]:
        return self._client.state(wanted.ups, "line_signal"), self._client.state(wanted.ups, "client_calls")

    # --- outages ----------------------------------------------------------------------------------------------

    def _lost(self, wanted: Intelligent) -> bool:
        return bool(self._client.state(wanted.ups, "input") == "lost")

    async def _watch_supply(self, wanted: Intelligent) -> None:
        """003 section 1.6.5: an outage that lasts shuts the servers down; in LOCAL that rests, too."""
        while True:
            await self._client.until(lambda: self._lost(wanted) and not is_local(self._host))
            ended = await self._client.until(lambda: not self._lost(wanted) or is_local(self._host), wanted.confirm_s)
            if ended:
                continue
            self._host.note("outage", wanted.ups)
            self._host.outage(wanted.ups, over=False)
            await self._client.until(lambda: not self._lost(wanted))
            self._host.outage(wanted.ups, over=True)

    async def ended(self, plan: ShutdownPlan) -> None:
        """An I-UPS waits with its outlets for its servers; in LOCAL it keeps the order until AUTO returns.

        After an outage it switches on by itself once its input is good.
        """
        for wanted in self._host.config.intelligent:
            if set(plan.servers) & set(wanted.servers):
                await self._host.notes.attempt(self._client.send_input(wanted.ups, "off"))
                if plan.restores:
                    self._returning.add(wanted.ups)
                    self._host.spawn(self._return(wanted.ups), f"{wanted.ups} return")

    async def _return(self, ups: str) -> None:
        await self._client.until(lambda: self._client.state(ups, "output") == "off")
        await asyncio.sleep(REST_S)
        await self._client.until(lambda: self._client.state(ups, "input") == "good")
        await self._host.notes.attempt(self._client.send_input(ups, "on"))
        self._returning.discard(ups)
