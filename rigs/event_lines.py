"""An event as a line for people."""

from __future__ import annotations

from typing import Any


def one_line(event: dict[str, Any]) -> str:
    """Time of day, type, subject, group and text of an event."""
    data = event["data"]
    group = f" [{data['group']}]" if data.get("group") else ""
    return f"{event['time'][11:23]}  {event['type']:<26} {event['subject']:<14}{group} {data['text']}"
