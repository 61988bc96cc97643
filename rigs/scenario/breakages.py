"""Failures of this process while a scenario runs: one that is only logged would else prove every silence."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

OTHERS = ("asyncio", "aiohttp.server")


@contextmanager
def breakages() -> Iterator[list[str]]:
    """Collect the log lines that have a traceback, as lines for people; they are logged all the same.

    Errors that the loop and the HTTP server caught for lack of anybody else come by the standard library's loggers.
    """
    found: list[str] = []
    others = _Recorder(found)

    def note(_logger: Any, _method: str, line: Any) -> Any:
        if (cause := line.get("exc_info")) is not None and cause is not False:
            error = cause if isinstance(cause, BaseException) else sys.exc_info()[1]
            found.append(f"{line.get('event')}: {type(error).__name__}: {error}")
        return line

    before = structlog.get_config()["processors"]
    structlog.configure(processors=[note, *before])
    for name in OTHERS:
        logging.getLogger(name).addHandler(others)
    try:
        yield found
    finally:
        for name in OTHERS:
            logging.getLogger(name).removeHandler(others)
        structlog.configure(processors=before)


class _Recorder(logging.Handler):
    """Keeps errors, and prints them as Python does where nobody has a handler."""

    def __init__(self, found: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._found = found

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one, with its traceback on standard error."""
        if logging.lastResort is not None:
            logging.lastResort.handle(record)
        error = record.exc_info[1] if record.exc_info else None
        self._found.append(f"{record.getMessage()}: {type(error).__name__}: {error}")
