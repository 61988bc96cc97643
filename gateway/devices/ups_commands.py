"""Commands to a UPS card, through pysnmp: an independent witness beside our own codec."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from pyasn1.error import PyAsn1Error

from ridethrough.gateway.devices.commands import CommandError, Done, NoParameters, parse_parameters
from ridethrough.gateway.devices.snmp_engine import engine_for_loop, give_back
from ridethrough.mibs import MibTree
from ridethrough.mibs.powernet import ON_BATTERY, OUTPUT_STATUS, UPS_SETTINGS

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
    from pysnmp.proto.rfc1902 import Gauge32, Integer32, TimeTicks

TIMEOUT_S = 2
RETRIES = 2
BOUND_S = 20.0  # above TIMEOUT_S for all tries, and enough where the loop's clock is a fast one
READ_AGAIN_S = 2.0  # between two reads of a setting that was written
SETTLED = 3  # reads that must give the same before a value counts as what the UPS made of it
LAG_S = 60.0  # a UPS takes seconds for each step of a value, and shows the old one meanwhile

# `order` of output.off to the control object and value it writes.
ORDERS: dict[str, tuple[str, int]] = {
    "conserve": ("upsBasicControlConserveBattery", 2),  # off after the delay, back when the input is good
    "reboot": ("upsAdvControlRebootShutdownUps", 2),  # off after the delay, on again as soon as possible
    "stay_off": ("upsAdvControlUpsOff", 3),  # off after the delay, on only by command
    "off_now": ("upsAdvControlUpsOff", 2),  # off at once, on only by command
}
REBOOT = "upsAdvControlRebootShutdownUps"
SLEEP = "upsAdvControlUpsSleep"
TURN_ON = ("upsAdvControlTurnOnUPS", 2)
FLASH = ("upsAdvControlFlashAndBeep", 2)
PLAIN, GRACEFUL = 2, 3  # of reboot and sleep: at once after the shutoff delay, or after the agents' delay, too
# What takes the place of ConserveBattery, which a card refuses on line.
ON_LINE_ORDERS: dict[str, tuple[str, int]] = {"auto": ORDERS["stay_off"], "return": (REBOOT, GRACEFUL)}
TESTS: dict[str, tuple[str, int]] = {
    "self_test": ("upsAdvTestDiagnostics", 2),
    "calibration": ("upsAdvTestRuntimeCalibration", 2),
    "cancel_calibration": ("upsAdvTestRuntimeCalibration", 3),
    "power_failure": ("upsAdvControlSimulatePowerFail", 2),
}
TYPES = {"TimeTicks": TimeTicks, "Gauge": Gauge32, "Gauge32": Gauge32}  # a card refuses a value of another type


class Off(msgspec.Struct, forbid_unknown_fields=True):
    """The order for the outlets. During an outage `auto` and `return` conserve the battery, so that the outlets come
    back with the input; on line `auto` keeps them off, and `return` brings them back: it ends well whatever the mains
    do meanwhile.
    """

    order: Literal["auto", "return", "conserve", "reboot", "stay_off", "off_now"] = "auto"


class Reboot(msgspec.Struct, forbid_unknown_fields=True):
    """A reboot or sleep of the outlets. A graceful one waits for the shutdown agents that the card knows, too."""

    graceful: bool = False


class Test(msgspec.Struct, forbid_unknown_fields=True):
    """The test to start."""

    kind: Literal["self_test", "calibration", "cancel_calibration", "power_failure"] = "self_test"


class WriteSettings(msgspec.Struct, forbid_unknown_fields=True):
    """Settings to write, by the names of `UPS_SETTINGS`. With `exact`, a value that the UPS corrects is a failure."""

    settings: dict[str, int]
    exact: bool = False


SHAPES: dict[str, type[msgspec.Struct]] = {
    "output.off": Off,
    "output.on": NoParameters,
    "output.off_and_return": NoParameters,
    "output.reboot": Reboot,
    "output.sleep": Reboot,
    "test.start": Test,
    "settings.write": WriteSettings,
    "identify": NoParameters,
}
# Given twice, these do the same as given once.
REPEATABLE = frozenset({"output.on", "settings.write", "identify"})


class SharedEngine:
    """One pysnmp engine for all cards: it takes a third of a second to build, on the loop."""

    def __init__(self) -> None:
        self._engine: SnmpEngine | None = None

    def get(self) -> SnmpEngine:
        """The engine, built when the first command needs it."""
        if self._engine is None:
            self._engine = engine_for_loop()
        return self._engine

    def close(self) -> None:
        """Close the engine's sockets; no command can be sent after that."""
        if self._engine is not None:
            give_back(self._engine)
            self._engine = None


class UpsCommander:
    """Carries out the commands of one card by SNMPv1 or v2c, as the site file says."""

    names: tuple[str, ...] = tuple(SHAPES)

    def __init__(
        self, tree: MibTree, address: str, port: int, version: int | str, community: str, engine: SharedEngine
    ) -> None:
        self._tree = tree
        self._address = (address, port)
        self._auth = CommunityData(community, mpModel=0 if version == 1 else 1)
        self._engine = engine

    def check(self, command: str, params: dict[str, Any]) -> None:
        """Raise CommandError for a command, a setting or a value that no card takes."""
        wanted = parse_parameters("a UPS", SHAPES, command, params)
        if isinstance(wanted, WriteSettings):
            if not wanted.settings:
                raise CommandError(f"settings is empty; accepted: {', '.join(UPS_SETTINGS)}")
            for name, value in wanted.settings.items():
                if name not in UPS_SETTINGS:
                    raise CommandError(f"there is no setting {name!r}; accepted: {', '.join(UPS_SETTINGS)}")
                if not 0 <= value * UPS_SETTINGS[name].scale <= 0x7FFFFFFF:
                    raise CommandError(f"{name} {value} is outside what a card can take")

    def repeatable(self, command: str) -> bool:
        """True for commands that do the same given twice as given once."""
        return command in REPEATABLE

    async def run(self, command: str, params: dict[str, Any]) -> Done:
        """Set the object that stands for the command, and wait for the answer. Raises CommandError."""
        match parse_parameters("a UPS", SHAPES, command, params):
            case Off(order) if order in ON_LINE_ORDERS:
                return await self._conserve_or(*ON_LINE_ORDERS[order])
            case Off(order):
                return await self._write(*ORDERS[order])
            case Reboot(graceful):
                name = REBOOT if command == "output.reboot" else SLEEP
                return await self._write(name, GRACEFUL if graceful else PLAIN)
            case Test(kind):
                return await self._write(*TESTS[kind])
            case WriteSettings(settings, exact):
                return await self._settle(settings, exact=exact)
        if command == "output.off_and_return":
            return await self._conserve_or(*ORDERS["reboot"])
        return await self._write(*(TURN_ON if command == "output.on" else FLASH))

    async def _conserve_or(self, name: str, value: int) -> Done:
        """Conserve the battery; on line, write `value` to `name`. Raises CommandError."""
        if await self._read(OUTPUT_STATUS) == ON_BATTERY:
            try:
                return await self._write(*ORDERS["conserve"])
            except CommandError as error:
                if error.unreachable:
                    raise
                # The input came back between question and order: on line a card refuses to conserve the battery.
        return await self._write(name, value)

    # --- settings ---------------------------------------------------------------------------------------------

    async def _settle(self, settings: Mapping[str, int], *, exact: bool) -> Done:
        """Write, then read until the UPS shows what it made of it."""
        before = {name: await self._read(UPS_SETTINGS[name].object) for name in settings}
        for name, value in settings.items():
            await self._write(UPS_SETTINGS[name].object, value * UPS_SETTINGS[name].scale)
        shown = {name: await self._settled(name, value, before[name]) for name, value in settings.items()}
        corrected = {name: [settings[name], value] for name, value in shown.items() if value != settings[name]}
        details = {"settings": shown, "corrected": corrected}
        words = ", ".join(
            f"{name} = {value:g}" + (f" instead of {settings[name]}" if name in corrected else "")
            for name, value in shown.items()
        )
        if corrected and exact:
            raise CommandError(f"{self._address[0]} corrected what was written: {words}")
        return Done(words, details)

    async def _settled(self, name: str, wanted: int, before: int) -> float:
        """Wait until a written setting no longer changes, `LAG_S` at most. Returns its value in our unit."""
        item, scale = UPS_SETTINGS[name]
        loop = asyncio.get_running_loop()
        end = loop.time() + LAG_S
        last, same = await self._read(item), 1
        while last != wanted * scale and (last == before or same < SETTLED):
            if loop.time() >= end:
                # It may be what the UPS made of the value: the nearest that it permits is the one that it has.
                return last / scale
            await asyncio.sleep(READ_AGAIN_S)
            now = await self._read(item)
            same = same + 1 if now == last else 1
            last = now
        return last / scale

    # --- SNMP -------------------------------------------------------------------------------------------------

    async def _target(self) -> tuple[SnmpEngine, UdpTransportTarget | Udp6TransportTarget]:
        kind = Udp6TransportTarget if ":" in self._address[0] else UdpTransportTarget
        return self._engine.get(), await kind.create(self._address, timeout=TIMEOUT_S, retries=RETRIES)

    def _identity(self, name: str) -> ObjectIdentity:
        return ObjectIdentity(str(self._tree.named(name).oid.child(0)))

    async def _read(self, name: str) -> int:
        value = await self._ask(get_cmd, name, ObjectType(self._identity(name)))
        try:
            return int(value)
        except (TypeError, ValueError, PyAsn1Error):
            raise CommandError(f"{self._address[0]} has no {name}") from None

    async def _write(self, name: str, value: int) -> Done:
        syntax = TYPES.get(self._tree.named(name).syntax, Integer32)
        await self._ask(set_cmd, name, ObjectType(self._identity(name), syntax(value)))
        return Done(f"{name}.0 = {value} accepted by {self._address[0]}")

    async def _ask(self, command: Any, name: str, binding: ObjectType) -> Any:
        """Return the value in the answer. Bounded by the loop's clock, as pysnmp's timeout is by another one."""
        engine, target = await self._target()
        try:
            async with asyncio.timeout(BOUND_S):
                answer = await command(engine, self._auth, target, ContextData(), binding, lookupMib=False)
        except TimeoutError:
            raise CommandError(f"{self._address[0]}: no answer", unreachable=True) from None
        self._raise(name, answer[0], answer[1])
        return answer[3][0][1]

    def _raise(self, name: str, indication: Any, status: Any) -> None:
        if indication:
            raise CommandError(f"{self._address[0]}: {indication}", unreachable=True)
        if int(status):
            raise CommandError(f"{self._address[0]} refused {name}: {status.prettyPrint()}")
