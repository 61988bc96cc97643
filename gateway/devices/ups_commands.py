"""Commands to a UPS card: what each writes or reads."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

import msgspec

from ridethrough.gateway.devices import ups_settings
from ridethrough.gateway.devices.commands import CommandError, Done, parse_parameters
from ridethrough.gateway.devices.ups_snmp import CardClient, Value
from ridethrough.mibs.powernet import ON_BATTERY, OUTPUT_STATUS

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


class Plain(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The parameter of every command: the address of this machine that the card is asked from (003 1.7.4.1)."""

    source: str | None = None


class Off(Plain, kw_only=True):
    """The order for the outlets. During an outage `auto` and `return` conserve the battery, so that the outlets come
    back with the input; on line `auto` keeps them off, and `return` brings them back: it ends well whatever the mains
    do meanwhile.
    """

    order: Literal["auto", "return", "conserve", "reboot", "stay_off", "off_now"] = "auto"


class Reboot(Plain, kw_only=True):
    """A reboot or sleep of the outlets. A graceful one waits for the shutdown agents that the card knows, too."""

    graceful: bool = False


class Test(Plain, kw_only=True):
    """The test to start."""

    kind: Literal["self_test", "calibration", "cancel_calibration", "power_failure"] = "self_test"


class WriteSettings(Plain, kw_only=True):
    """Settings to write, by the names of `ups_settings.NAMES`. With `exact`, a correction by the UPS is a failure."""

    settings: dict[str, Value]
    exact: bool = False


SHAPES: dict[str, type[Plain]] = {
    "output.off": Off,
    "output.on": Plain,
    "output.off_and_return": Plain,
    "output.reboot": Reboot,
    "output.sleep": Reboot,
    "test.start": Test,
    "settings.read": Plain,
    "settings.write": WriteSettings,
    "identify": Plain,
}
# Given twice, these do the same as given once.
REPEATABLE = frozenset({"output.on", "settings.read", "settings.write", "identify"})


class UpsCommander:
    """Carries out the commands of one card by SNMP, as the site file says."""

    names: tuple[str, ...] = tuple(SHAPES)

    def __init__(self, card: CardClient, sources: Collection[str] = ()) -> None:
        """`sources` are the addresses of this machine that a command may name."""
        self._card = card
        self._sources = sources

    def check(self, command: str, params: dict[str, Any]) -> None:
        """Raise CommandError for a command, a source, a setting or a value that no card takes."""
        wanted = parse_parameters("a UPS", SHAPES, command, params)
        if wanted.source is not None and wanted.source not in self._sources:
            accepted = ", ".join(self._sources) or "none"
            raise CommandError(f"this card is not asked from {wanted.source!r}; accepted: {accepted}")
        if isinstance(wanted, WriteSettings):
            ups_settings.objects_of(wanted.settings)

    def repeatable(self, command: str) -> bool:
        """True for commands that do the same given twice as given once."""
        return command in REPEATABLE

    async def run(self, command: str, params: dict[str, Any]) -> Done:
        """Write or read what stands for the command, and wait for the answer. Raises CommandError."""
        wanted = parse_parameters("a UPS", SHAPES, command, params)
        card = self._card if wanted.source is None else self._card.asking_from(wanted.source)
        match wanted:
            case Off() if wanted.order in ON_LINE_ORDERS:
                return await _conserve_or(card, *ON_LINE_ORDERS[wanted.order])
            case Off():
                return await _control(card, *ORDERS[wanted.order])
            case Reboot():
                name = REBOOT if command == "output.reboot" else SLEEP
                return await _control(card, name, GRACEFUL if wanted.graceful else PLAIN)
            case Test():
                return await _control(card, *TESTS[wanted.kind])
            case WriteSettings():
                return await ups_settings.write(card, wanted.settings, exact=wanted.exact)
        if command == "settings.read":
            return await ups_settings.collect(card)
        if command == "output.off_and_return":
            return await _conserve_or(card, *ORDERS["reboot"])
        return await _control(card, *(TURN_ON if command == "output.on" else FLASH))


async def _conserve_or(card: CardClient, name: str, value: int) -> Done:
    """Conserve the battery; on line, write `value` to `name`. Raises CommandError."""
    if await card.number(OUTPUT_STATUS) == ON_BATTERY:
        try:
            return await _control(card, *ORDERS["conserve"])
        except CommandError as error:
            if error.unreachable:
                raise
            # The input came back between question and order: on line a card refuses to conserve the battery.
    return await _control(card, name, value)


async def _control(card: CardClient, name: str, value: int) -> Done:
    await card.write(name, value)
    return Done(f"{name}.0 = {value} accepted by {card.address}")
