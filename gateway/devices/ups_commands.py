"""Commands to a UPS card, through pysnmp: an independent witness beside our own codec."""

from __future__ import annotations

from typing import Any

from pysnmp.hlapi.v3arch.asyncio import (
    CommunityData,
    ContextData,
    ObjectIdentity,
    ObjectType,
    SnmpEngine,
    UdpTransportTarget,
    get_cmd,
    set_cmd,
)
from pysnmp.proto.rfc1902 import Integer32

from gateway.devices.commands import CommandError, Done
from mibs import MibTree

ON_BATTERY = 3
TIMEOUT_S = 2
RETRIES = 2

# `order` of output.off to the control object and value it writes.
ORDERS: dict[str, tuple[str, int]] = {
    "conserve": ("upsBasicControlConserveBattery", 2),  # off after the delay, back when the input is good
    "reboot": ("upsAdvControlRebootShutdownUps", 2),  # off after the delay, on again as soon as possible
    "stay_off": ("upsAdvControlUpsOff", 3),  # off after the delay, on only by command
    "off_now": ("upsAdvControlUpsOff", 2),  # off at once, on only by command
}
TURN_ON = ("upsAdvControlTurnOnUPS", 2)


class SharedEngine:
    """One pysnmp engine for all cards: it takes a third of a second to build, on the loop."""

    def __init__(self) -> None:
        self._engine: SnmpEngine | None = None

    def get(self) -> SnmpEngine:
        """The engine, built when the first command needs it."""
        if self._engine is None:
            self._engine = SnmpEngine()
        return self._engine

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close_dispatcher()


class UpsCommander:
    """One card. A SET is sent to it by SNMPv1 or v2c, as the site file says."""

    names: tuple[str, ...] = ("output.off", "output.on")

    def __init__(
        self, tree: MibTree, address: str, port: int, version: int | str, community: str, engine: SharedEngine
    ) -> None:
        self._tree = tree
        self._address = (address, port)
        self._auth = CommunityData(community, mpModel=0 if version == 1 else 1)
        self._engine = engine

    def check(self, command: str, params: dict[str, Any]) -> None:
        if command not in self.names:
            raise CommandError(f"a UPS does not take {command!r}; accepted: {', '.join(self.names)}")
        accepted = ("order",) if command == "output.off" else ()
        if extra := set(params) - set(accepted):
            raise CommandError(f"{command} does not take {', '.join(sorted(extra))}")
        if params.get("order", "auto") not in ("auto", *ORDERS):
            raise CommandError(f"order {params['order']!r} is unknown; accepted: auto, {', '.join(ORDERS)}")

    async def run(self, command: str, params: dict[str, Any]) -> Done:
        if command == "output.on":
            return await self._write(*TURN_ON)
        order = params.get("order", "auto")
        if order == "auto":
            # On battery the order that ends with the outage; on line the one that keeps the outlets off.
            status = await self._read("upsBasicOutputStatus")
            order = "conserve" if status == ON_BATTERY else "stay_off"
        return await self._write(*ORDERS[order])

    async def _target(self) -> tuple[SnmpEngine, UdpTransportTarget]:
        return self._engine.get(), await UdpTransportTarget.create(self._address, timeout=TIMEOUT_S, retries=RETRIES)

    def _identity(self, name: str) -> ObjectIdentity:
        return ObjectIdentity(str(self._tree.named(name).oid.child(0)))

    async def _read(self, name: str) -> int:
        engine, target = await self._target()
        answer = await get_cmd(
            engine, self._auth, target, ContextData(), ObjectType(self._identity(name)), lookupMib=False
        )
        self._raise(name, answer[0], answer[1])
        return int(answer[3][0][1])

    async def _write(self, name: str, value: int) -> Done:
        engine, target = await self._target()
        binding = ObjectType(self._identity(name), Integer32(value))
        answer = await set_cmd(engine, self._auth, target, ContextData(), binding, lookupMib=False)
        self._raise(name, answer[0], answer[1])
        return Done(f"{name}.0 = {value} accepted by {self._address[0]}")

    def _raise(self, name: str, indication: Any, status: Any) -> None:
        if indication:
            raise CommandError(f"{self._address[0]}: {indication}")
        if int(status):
            raise CommandError(f"{self._address[0]} refused {name}: {status.prettyPrint()}")
