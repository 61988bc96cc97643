"""The words of `ridethrough inject`: named inputs of a device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ridethrough.emulators.kernel.instant import Instant


class InputError(ValueError):
    """An input that this device does not take, or with arguments it cannot use. One line for a person."""


class NoEffectError(InputError):
    """An input that the device takes, but not as it is now: nothing would come of it. One line that says why."""


class Input(NamedTuple):
    """One input: a line of help, what it does with its arguments, and whether it has any."""

    help: str
    run: Callable[[list[str], Instant], None]
    plain: bool = False


def plain(help_text: str, run: Callable[[Instant], None]) -> Input:
    """An input without arguments."""

    def checked(args: list[str], now: Instant) -> None:
        if args:
            raise InputError("this input takes no arguments")
        run(now)

    return Input(help_text, checked, plain=True)


def numeric(help_text: str, name: str, low: float, high: float, run: Callable[[float, Instant], None]) -> Input:
    """An input with one number called `name` between `low` and `high`."""

    def checked(args: list[str], now: Instant) -> None:
        try:
            (text,) = args
            value = float(text)
        except ValueError:
            raise InputError(f"expected one number, {name}") from None
        if not low <= value <= high:
            raise InputError(f"{name} must lie between {low:g} and {high:g}, not {value:g}")
        run(value, now)

    return Input(help_text, checked)


def choice(help_text: str, name: str, words: list[str], run: Callable[[str, Instant], None]) -> Input:
    """An input with one of `words`, called `name`."""

    def checked(args: list[str], now: Instant) -> None:
        if len(args) != 1 or args[0] not in words:
            raise InputError(f"expected {name}; accepted: {', '.join(words)}")
        run(args[0], now)

    return Input(help_text, checked)


def while_able(refusal: Callable[[], str], row: Input) -> Input:
    """The same input, refused with NoEffectError as long as `refusal` says what stands against it."""

    def run(args: list[str], now: Instant) -> None:
        if words := refusal():
            raise NoEffectError(words)
        row.run(args, now)

    return row._replace(run=run)


class Inputs:
    """The inputs of a device, by name."""

    def __init__(self, rows: Mapping[str, Input]) -> None:
        self._rows = rows

    @property
    def help(self) -> dict[str, str]:
        """Name to one line of help."""
        return {name: row.help for name, row in self._rows.items()}

    @property
    def plain(self) -> list[str]:
        """Names of those without arguments."""
        return [name for name, row in self._rows.items() if row.plain]

    def apply(self, name: str, args: list[str], now: Instant) -> None:
        """Run an input. Raises InputError with the accepted words."""
        row = self._rows.get(name)
        if row is None:
            raise InputError(f"{name!r} is no input here; accepted: {', '.join(self._rows) or 'none'}")
        row.run(args, now)
