"""Failures of this process while a scenario runs: one that is only logged would else prove every silence."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog


@contextmanager
def breakages() -> Iterator[list[str]]:
    """Collect the log lines that have a traceback, as lines for people; they are logged all the same."""
    found: list[str] = []

    def note(_logger: Any, _method: str, line: Any) -> Any:
        if (cause := line.get("exc_info")) is not None and cause is not False:
            error = cause if isinstance(cause, BaseException) else sys.exc_info()[1]
            found.append(f"{line.get('event')}: {type(error).__name__}: {error}")
        return line

    before = structlog.get_config()["processors"]
    structlog.configure(processors=[note, *before])
    try:
        yield found
    finally:
        structlog.configure(processors=before)
