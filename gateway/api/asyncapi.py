"""The AsyncAPI document: events as they come, by server-sent events, webhook and NATS."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import msgspec

from ridethrough.gateway.records import Event


def document(types: Iterable[str]) -> dict[str, Any]:
    """Make the AsyncAPI 3.0 document. `types` are those of the gateway itself; a site's rules may add others."""
    schema = msgspec.json.schema_components([Event], ref_template="#/components/schemas/{name}")[1]["Event"]
    schema["properties"]["type"] |= {"examples": sorted(types)}
    message = {
        "name": "event",
        "title": "A controller event",
        "summary": "CloudEvents 1.0, JSON format. The same event may come twice, with the same id.",
        "contentType": "application/cloudevents+json",
        "payload": {"$ref": "#/components/schemas/Event"},
    }
    channels = {
        "stream": ("/v1/events/stream", "Server-sent events; Last-Event-ID goes on behind the last one known."),
        "webhook": ("", "POST to the URL of a webhook sink, signed by Standard Webhooks."),
        "nats": ("ridethrough.events.{type}", "A NATS JetStream; Nats-Msg-Id is source and id."),
    }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Ridethrough events", "version": version("ridethrough")},
        "channels": {
            name: {
                "address": address or None,
                "description": text,
                "messages": {"event": {"$ref": "#/components/messages/event"}},
                **({"parameters": {"type": {"description": "Type of the event."}}} if "{type}" in address else {}),
            }
            for name, (address, text) in channels.items()
        },
        "operations": {
            f"send-{name}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{name}"},
                "messages": [{"$ref": f"#/channels/{name}/messages/event"}],
            }
            for name in channels
        },
        "components": {"messages": {"event": message}, "schemas": {"Event": schema}},
    }
