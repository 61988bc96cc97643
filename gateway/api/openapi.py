"""The routes, and the OpenAPI document made from them."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, NamedTuple

import msgspec

from ridethrough.gateway.api.tokens import Role
from ridethrough.gateway.records import Command, Event


class Route(NamedTuple):
    """One operation. `answers` maps status to (description, schema)."""

    method: str
    path: str
    handler: str
    role: Role
    summary: str
    answers: dict[int, tuple[str, dict[str, Any]]]
    parameters: tuple[dict[str, Any], ...] = ()
    body: dict[str, Any] | None = None


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(key: str, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": [key], "properties": {key: {"type": "array", "items": item}}}


OBJECT: dict[str, Any] = {"type": "object"}
STATUS = {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}}
ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
AFTER = {
    "name": "after",
    "in": "query",
    "description": "Identifier of the last event already known.",
    "schema": {"type": "string"},
}
AFTER_COMMAND = AFTER | {"description": "Identifier of the last command already known."}
AFTER_NUMBER = AFTER | {
    "description": "Number of the last entry already known.",
    "schema": {"type": "integer", "minimum": 0, "maximum": 10**18 - 1},
}
LIMIT = {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}}
LAST = {
    "name": "last",
    "in": "query",
    "description": "The newest so many events; instead of after and limit.",
    "schema": {"type": "integer", "minimum": 1, "maximum": 1000},
}
LAST_EVENT_ID = {"name": "Last-Event-ID", "in": "header", "schema": {"type": "string"}}
POSITION = {
    "name": "position",
    "in": "path",
    "required": True,
    "description": "As the evidence of an event names it.",
    "schema": {"type": "integer", "minimum": 0, "maximum": 10**18 - 1},
}
PARTITION = {
    "name": "partition",
    "in": "query",
    "description": "Of a journal on JetStream.",
    "schema": {"type": "integer", "minimum": 0, "maximum": 10**18 - 1, "default": 0},
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key again returns the command it made the first time.",
    "schema": {"type": "string", "maxLength": 200},
}
COMMAND_BODY = {
    "type": "object",
    "required": ["command"],
    "additionalProperties": False,
    "properties": {
        "command": {"type": "string"},
        "params": {"type": "object"},
        "deadline_s": {"type": "number", "exclusiveMinimum": 0, "maximum": 86400, "default": 60},
    },
}

ROW = ("How it stands", OBJECT)
REDELIVERY = {
    "type": "object",
    "additionalProperties": False,
    "description": "Exactly one of them: `after` and `aside` for sinks, `after_position` for forwards.",
    "properties": {
        "after": {"type": ["string", "null"], "description": "Identifier of an event; empty for all that are kept."},
        "after_position": {"type": ["integer", "null"], "minimum": 0},
        "aside": {"type": "boolean"},
    },
}
PAGE_OF_DEAD_LETTERS = _list(
    "aside",
    {
        "type": "object",
        "required": ["reason", "event"],
        "properties": {"reason": {"type": "string"}, "event": _ref("Event")},
    },
)
RULES_READ = {
    "type": "object",
    "required": ["rules", "need_restart"],
    "properties": {
        "rules": {"type": "integer", "minimum": 0},
        "need_restart": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Keys of the file whose change waits for a restart.",
        },
    },
}

ROUTES: tuple[Route, ...] = (
    Route("GET", "/healthz", "healthz", Role.NOBODY, "Whether the process lives", {200: ("It lives", STATUS)}),
    Route(
        "GET",
        "/readyz",
        "readyz",
        Role.NOBODY,
        "Whether traps are taken and worked off",
        {200: ("Ready", STATUS), 503: ("Not yet", STATUS)},
    ),
    Route("GET", "/metrics", "metrics", Role.READ, "Prometheus metrics", {200: ("Text format", {"type": "string"})}),
    Route("GET", "/v1/openapi.json", "openapi", Role.NOBODY, "This document", {200: ("OpenAPI 3.1", OBJECT)}),
    Route("GET", "/v1/asyncapi.json", "asyncapi", Role.NOBODY, "The events", {200: ("AsyncAPI 3.0", OBJECT)}),
    Route(
        "GET",
        "/v1/audit",
        "audit",
        Role.OPERATE,
        "Requests that changed something or were refused, oldest first",
        {200: ("A page of entries", _list("audit", OBJECT))},
        (AFTER_NUMBER, LIMIT),
    ),
    Route("GET", "/v1/devices", "devices", Role.READ, "All devices", {200: ("Devices", _list("devices", OBJECT))}),
    Route("GET", "/v1/devices/{id}", "device", Role.READ, "One device", {200: ("The device", OBJECT)}, (ID,)),
    Route(
        "POST",
        "/v1/devices/{id}/commands",
        "submit",
        Role.OPERATE,
        "Give a command",
        {202: ("Accepted", _ref("Command")), 200: ("Known by its idempotency key", _ref("Command"))},
        (ID, IDEMPOTENCY_KEY),
        COMMAND_BODY,
    ),
    Route(
        "GET",
        "/v1/devices/{id}/commands",
        "commands_of",
        Role.READ,
        "Commands given to a device, oldest first",
        {200: ("A page of commands", _list("commands", _ref("Command")))},
        (ID, AFTER_COMMAND, LIMIT),
    ),
    Route(
        "GET", "/v1/commands/{id}", "command", Role.READ, "One command", {200: ("Its state", _ref("Command"))}, (ID,)
    ),
    Route(
        "GET",
        "/v1/events",
        "events",
        Role.READ,
        "Events in order",
        {200: ("A page of events", _list("events", _ref("Event")))},
        (AFTER, LIMIT, LAST),
    ),
    Route(
        "GET",
        "/v1/events/stream",
        "stream",
        Role.READ,
        "Events as they come, as server-sent events",
        {200: ("A stream", {"type": "string"})},
        (AFTER, LAST_EVENT_ID),
    ),
    Route(
        "GET",
        "/v1/conditions",
        "conditions",
        Role.READ,
        "Conditions that are open",
        {200: ("Conditions", _list("conditions", OBJECT))},
    ),
    Route(
        "GET",
        "/v1/destinations",
        "destinations",
        Role.READ,
        "Sinks and forwards, and how far they have come",
        {200: ("Sinks", _list("destinations", OBJECT))},
    ),
    Route("GET", "/v1/destinations/{id}", "destination", Role.READ, "One destination", {200: ROW}, (ID,)),
    Route("POST", "/v1/destinations/{id}/pause", "pause", Role.OPERATE, "Send nothing for now", {200: ROW}, (ID,)),
    Route("POST", "/v1/destinations/{id}/resume", "resume", Role.OPERATE, "Go on, at once", {200: ROW}, (ID,)),
    Route(
        "POST",
        "/v1/destinations/{id}/redeliver",
        "redeliver",
        Role.OPERATE,
        "Send again what is behind an event or a position, or what was set aside",
        {200: ROW},
        (ID,),
        REDELIVERY,
    ),
    Route(
        "GET",
        "/v1/destinations/{id}/aside",
        "aside",
        Role.READ,
        "Events that a sink will never take",
        {200: ("A page of them, and where the next one begins", PAGE_OF_DEAD_LETTERS)},
        (ID, AFTER, LIMIT),
    ),
    Route(
        "POST",
        "/v1/rules/reload",
        "reload",
        Role.OPERATE,
        "Read the site file again: rules, monitors, access, sinks and forwards",
        {200: ("How many there are", RULES_READ)},
    ),
    Route("GET", "/v1/journal", "journal", Role.READ, "Extent of the journal", {200: ("Extent", OBJECT)}),
    Route(
        "GET",
        "/v1/journal/{position}",
        "record",
        Role.OPERATE,  # datagrams carry communities
        "What was heard at a position of the journal, field by field",
        {200: ("The record", OBJECT)},
        (POSITION, PARTITION),
    ),
)
MEDIA = {"stream": "text/event-stream", "metrics": "text/plain"}


def document() -> dict[str, Any]:
    """OpenAPI 3.1."""
    schemas = msgspec.json.schema_components([Event, Command], ref_template="#/components/schemas/{name}")[1]
    schemas["Problem"] = {
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
        },
    }
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ridethrough gateway", "version": version("ridethrough")},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _operation(route: Route) -> dict[str, Any]:
    media = MEDIA.get(route.handler, "application/json")
    responses = {
        str(status): {"description": text, "content": {media: {"schema": schema}}}
        for status, (text, schema) in route.answers.items()
    }
    responses["default"] = {
        "description": "A problem (RFC 9457)",
        "content": {"application/problem+json": {"schema": _ref("Problem")}},
    }
    operation: dict[str, Any] = {"operationId": route.handler, "summary": route.summary, "responses": responses}
    if route.parameters:
        operation["parameters"] = list(route.parameters)
    if route.body:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": route.body}}}
    return operation
