"""What endpoints may ask for: every public event with its schema and an example."""

import json
from functools import cache
from typing import Any

from contracts.event import EventClass
from contracts.registry import PUBLIC

from webhooks.endpoints.schemas import ALIASES
from webhooks.event_types.examples import example
from webhooks.event_types.schemas import WebhookEventTypeRead
from webhooks.events import rendering

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


@cache
def event_types() -> tuple[WebhookEventTypeRead, ...]:
    """Every event type by its name; made once."""
    return tuple(_described(event) for event in sorted(PUBLIC, key=lambda event: event.name))


def _described(event: EventClass) -> WebhookEventTypeRead:
    body = rendering.body(example(event.name), "2026-10", event.name, "raw")
    shown = json.loads(body)
    shown["timestamp"] = "2026-01-31T12:00:00Z"
    return WebhookEventTypeRead(
        name=event.name,
        description=" ".join((event.__doc__ or "").split()),
        aliases=[alias for alias, name in ALIASES.items() if name == event.name],
        payload_schema=_schema(event),
        example=shown,
    )


def _schema(event: EventClass) -> dict[str, Any]:
    """The JSON Schema of the payload; more keys may come with any release."""
    shape: Any = event.model_fields["data"].annotation
    data = shape.model_json_schema(mode="serialization", ref_template="#/$defs/{model}")
    data.pop("additionalProperties", None)
    definitions = data.pop("$defs", {})
    for definition in definitions.values():
        definition.pop("additionalProperties", None)
    return {
        "$schema": _DIALECT,
        "title": event.name,
        "type": "object",
        "required": ["type", "timestamp", "api_version", "data"],
        "properties": {
            "type": {"const": event.name},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it became true."},
            "api_version": {"type": "string"},
            "data": data,
        },
        "$defs": definitions,
    }
