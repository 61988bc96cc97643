"""State that devices keep over a restart of the process: one JSON file each."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

FOLDER = "devices"


class StateFileError(ValueError):
    """A device's file cannot be used. One line that names it and says what to do."""


@runtime_checkable
class StatefulDevice(Protocol):
    """A device that keeps settings."""

    name: str

    def dump_state(self) -> dict[str, Any]:
        """Return what is kept, as JSON."""

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `dump_state` returned. Raises KeyError, TypeError and ValueError."""


class StateFiles:
    """Files of devices below a data folder."""

    def __init__(self, data: Path) -> None:
        self._folder = data / FOLDER
        self._kept: dict[str, dict[str, Any]] = {}

    def load(self, device: StatefulDevice) -> None:
        """Give a device what it kept, if it kept anything. Raises StateFileError."""
        path = self._path(device)
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            device.load_state(document)
        except FileNotFoundError:
            return  # its first life
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StateFileError(f"{path}: cannot be used ({error!r}); remove it for factory settings") from error

    def save(self, device: StatefulDevice) -> None:
        """Write what a device keeps, if it has changed. Raises OSError."""
        state = device.dump_state()
        if self._kept.get(device.name) == state:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(device)
        fresh = path.with_suffix(".new")
        # Passwords of a controller's users are among what it keeps.
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:  # noqa: PTH123  # of a descriptor
            json.dump(state, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)  # the old file or the new one, never half of one
        self._kept[device.name] = state

    def _path(self, device: StatefulDevice) -> Path:
        return self._folder / f"{device.name}.json"
