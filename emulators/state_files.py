"""What devices remember over a restart of the process: one JSON file each."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Protocol

FOLDER = "devices"


class MemoryFileError(ValueError):
    """A device's file cannot be used. One line that names it and says what to do."""


class Remembering(Protocol):
    """A device that keeps settings."""

    name: str

    def memory(self) -> dict[str, Any]: ...

    def recall(self, memory: dict[str, Any]) -> None: ...


class Memory:
    """Files of devices below a data folder."""

    def __init__(self, data: Path) -> None:
        self._folder = data / FOLDER
        self._kept: dict[str, dict[str, Any]] = {}

    def recall(self, device: Remembering) -> None:
        """Give a device what it kept, if it kept anything. Raises MemoryFileError."""
        path = self._path(device)
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            device.recall(document)
        except FileNotFoundError:
            return  # its first life
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise MemoryFileError(f"{path}: cannot be used ({error!r}); remove it for factory settings") from error

    def keep(self, device: Remembering) -> None:
        """Write what a device keeps, if it has changed. Raises OSError."""
        memory = device.memory()
        if self._kept.get(device.name) == memory:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(device)
        fresh = path.with_suffix(".new")
        # Passwords of a controller's users are among what it keeps.
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:  # noqa: PTH123  # of a descriptor
            json.dump(memory, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)  # the old file or the new one, never half of one
        self._kept[device.name] = memory

    def _path(self, device: Remembering) -> Path:
        return self._folder / f"{device.name}.json"
