"""Texts and documents with fields of an event in them."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator

from ridethrough.gateway.records import Event

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
FIELDS = ("id", "type", "subject", "time", "source")
ABSENT = "-"


def _checked(text: str) -> str:
    for name in PLACEHOLDER.findall(text):
        if name not in FIELDS and not re.fullmatch(r"data\.[a-z_]+", name):
            raise ValueError(f"{{{name}}} is no field of an event; accepted: {', '.join(FIELDS)}, data.NAME")
    return text


def _checked_tree(value: Any) -> Any:
    """Every text within a document is a template."""
    if isinstance(value, str):
        return _checked(value)
    if isinstance(value, dict):
        return {str(key): _checked_tree(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_checked_tree(item) for item in value]
    return value


Template = Annotated[str, AfterValidator(_checked)]
"""A text that names fields of an event, as `{subject}` or `{data.server}`."""
TemplateTree = Annotated[Any, AfterValidator(_checked_tree)]
"""A JSON document, all of whose texts are templates."""


def filled(text: str, event: Event) -> str:
    """`text` with the event's fields. Raises KeyError with the field that the event lacks."""

    def value(match: re.Match[str]) -> str:
        found = field(match[1], event)
        if found is None:
            raise KeyError(match[1])
        return ",".join(map(str, found)) if isinstance(found, list) else str(found)

    return PLACEHOLDER.sub(value, text)


def shown(text: str, event: Event) -> str:
    """Like `filled`, but a field that the event lacks is a dash."""

    def value(match: re.Match[str]) -> str:
        found = field(match[1], event)
        return ABSENT if found is None else ",".join(map(str, found)) if isinstance(found, list) else str(found)

    return PLACEHOLDER.sub(value, text)


def document(tree: Any, event: Event) -> Any:
    """A document whose texts are filled in. A text that is nothing but one field becomes that field, of any type."""
    if isinstance(tree, str):
        whole = PLACEHOLDER.fullmatch(tree)
        return field(whole[1], event) if whole else shown(tree, event)
    if isinstance(tree, dict):
        return {key: document(item, event) for key, item in tree.items()}
    if isinstance(tree, list):
        return [document(item, event) for item in tree]
    return tree


def field(name: str, event: Event) -> Any:
    """A field by its name; None when the event has none of that name."""
    if name.startswith("data."):
        return event.data.get(name.removeprefix("data."))
    return getattr(event, name)


def one_line(text: str) -> str:
    """`text` without control characters, which would break the lines of a file."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
