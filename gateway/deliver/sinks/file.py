"""A file of JSON lines."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Literal

from ridethrough.gateway.deliver.sinks.base import Delivered, Outcome, Retry, Sink, SinkConfig, SinkContext
from ridethrough.gateway.deliver.templates import Template, one_line, shown
from ridethrough.gateway.records import Event, encode_json


class FileConfig(SinkConfig):
    """Append each event to a file, one JSON document a line."""

    type: Literal["file"]
    path: Path
    line: Template | None = None
    """A line of text instead."""

    def build(self, context: SinkContext) -> Sink:
        """The sink; the file is opened for each event and closed again."""
        return FileSink(self.path, self.line)


class FileSink:
    """Appends and syncs; a line is whole or absent."""

    lanes = 1

    def __init__(self, path: Path, line: str | None = None) -> None:
        self._line = line
        self._path = path

    async def deliver(self, event: Event) -> Outcome:
        """Append a line, which is on disk when this returns."""
        text = encode_json(event) if self._line is None else one_line(shown(self._line, event)).encode()
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._append, text + b"\n")
        except OSError as error:
            return Retry(f"{self._path}: {error.strerror}")
        return Delivered()

    def _append(self, line: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            os.write(handle, line)
            os.fsync(handle)
        finally:
            os.close(handle)

    async def close(self) -> None:
        """Nothing is held open."""


SINK = FileConfig
