"""SNMP to one UPS card, through pysnmp: an independent witness beside our own codec."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Sequence
from typing import Any

from pyasn1.type.univ import Integer

from ridethrough.gateway.devices.commands import CommandError
from ridethrough.gateway.devices.snmp_engine import engine_for_loop, give_back
from ridethrough.gateway.net.addresses import check_local
from ridethrough.mibs import MibTree

with warnings.catch_warnings():
    # At its import pysnmp calls old names of pysmi, which is no fault of a program that makes errors of warnings.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pysnmp.hlapi.v3arch.asyncio import (
        CommunityData,
        ContextData,
        ObjectIdentity,
        ObjectType,
        SnmpEngine,
        Udp6TransportTarget,
        UdpTransportTarget,
        get_cmd,
        set_cmd,
    )
    from pysnmp.proto.rfc1902 import Gauge32, Integer32, OctetString, TimeTicks

TRIES = 3
TIMEOUT_S = 2  # of a try, by the wall clock, to which pysnmp keeps
BOUND_S = 6.0  # of a try, by the loop's clock: above TIMEOUT_S, and enough where that clock is a fast one
NUMBERS = {"TimeTicks": TimeTicks, "Gauge": Gauge32, "Gauge32": Gauge32}  # a card refuses a value of another type
TOO_BIG, NO_SUCH_NAME = 1, 2  # error-status (RFC 1157)

Value = int | str


class SharedEngine:
    """One pysnmp engine for all cards: it takes a third of a second to build, on the loop."""

    def __init__(self) -> None:
        self._engine: SnmpEngine | None = None
        self._targets: dict[str, Any] = {}

    def get(self) -> SnmpEngine:
        """The engine, built when the first command needs it."""
        if self._engine is None:
            self._engine = engine_for_loop()
        return self._engine

    async def target(self, address: str, port: int, source: str | None) -> Any:
        """Return where requests go, and from which address of this machine; the system chooses it where None.

        pysnmp has one socket for each transport domain, so that each source has a domain of its own. Raises
        CommandError for a source that is no address of this machine.
        """
        kind = Udp6TransportTarget if ":" in address else UdpTransportTarget
        if source is None:
            return await kind.create((address, port), timeout=TIMEOUT_S, retries=0)
        try:
            check_local(source)
        except OSError as error:
            raise CommandError(f"nothing can be asked from {source}: {error.strerror}") from error
        if source not in self._targets:
            domain = (*kind.TRANSPORT_DOMAIN, len(self._targets) + 1)
            self._targets[source] = type(kind.__name__, (kind,), {"TRANSPORT_DOMAIN": domain})
        target = await self._targets[source].create((address, port), timeout=TIMEOUT_S, retries=0)
        return target.set_local_address((source, 0))

    def close(self) -> None:
        """Close the engine's sockets; no command can be sent after that."""
        if self._engine is not None:
            give_back(self._engine)
            self._engine = None


class CardClient:
    """Reads and writes objects of one card by their names, by SNMPv1 or v2c."""

    def __init__(
        self,
        tree: MibTree,
        address: str,
        port: int,
        version: int | str,
        community: str,
        engine: SharedEngine,
        source: str | None = None,
    ) -> None:
        """`source` is the address of this machine that the card is asked from; the system chooses where it is None."""
        self._tree = tree
        self.address = address
        self._port = port
        self._auth = CommunityData(community, mpModel=0 if version == 1 else 1)
        self._engine = engine
        self._source = source
        self._again = (tree, address, port, version, community, engine)

    def asking_from(self, source: str) -> CardClient:
        """Return a client of the same card that asks from another address."""
        return CardClient(*self._again, source)

    async def read(self, *names: str) -> dict[str, Value]:
        """Return the values of those objects that the card has, with one request where it can. Raises CommandError."""
        left = list(names)
        while left:
            status, index, values = await self._ask(get_cmd, [ObjectType(self._identity(name)) for name in left])
            if status == NO_SUCH_NAME and 0 < index <= len(left):
                del left[index - 1]  # this card does not have it; ask for the others
            elif status == TOO_BIG and len(left) > 1:
                half = len(left) // 2
                return await self.read(*left[:half]) | await self.read(*left[half:])
            else:
                self._check_status(left, status, index)
                shown = ((name, _value(value)) for name, value in zip(left, values, strict=True))
                return {name: value for name, value in shown if value is not None}
        return {}

    async def number(self, name: str) -> int:
        """Return the value of one object. Raises CommandError, also where the card has none."""
        value = (await self.read(name)).get(name)
        if not isinstance(value, int):
            raise CommandError(f"{self.address} has no {name}")
        return value

    async def write(self, name: str, value: Value) -> None:
        """Set one object, and wait for the answer. Raises CommandError."""
        syntax = OctetString if isinstance(value, str) else NUMBERS.get(self._tree.named(name).syntax, Integer32)
        status, index, _ = await self._ask(set_cmd, [ObjectType(self._identity(name), syntax(value))])
        self._check_status([name], status, index)

    def _identity(self, name: str) -> ObjectIdentity:
        return ObjectIdentity(str(self._tree.named(name).oid.child(0)))

    async def _ask(self, command: Any, bindings: Sequence[ObjectType]) -> tuple[Any, int, list[Any]]:
        """Return error-status, error-index and values. Raises CommandError where no answer comes.

        Tries are ours: pysnmp repeats by the wall clock, and goes on after nobody waits for the answer any more.
        """
        target = await self._engine.target(self.address, self._port, self._source)
        indication: Any = "no answer"
        for _ in range(TRIES):
            try:
                async with asyncio.timeout(BOUND_S):
                    indication, status, index, answered = await command(
                        self._engine.get(), self._auth, target, ContextData(), *bindings, lookupMib=False
                    )
            except TimeoutError:
                continue
            if not indication:
                return status, int(index), [bound[1] for bound in answered]
        asked = f" asked from {self._source}" if self._source is not None else ""
        raise CommandError(f"{self.address}{asked}: {indication}", unreachable=True)

    def _check_status(self, names: Sequence[str], status: Any, index: int) -> None:
        if status:
            refused = names[index - 1] if 0 < index <= len(names) else ", ".join(names)
            raise CommandError(f"{self.address} refused {refused}: {status.prettyPrint()}")


def _value(value: Any) -> Value | None:
    """Return a number or a text; None for what stands for no value, such as noSuchObject."""
    if isinstance(value, OctetString):
        return bytes(value).rstrip(b"\0").decode("utf-8", "replace")
    return int(value) if isinstance(value, Integer) else None
