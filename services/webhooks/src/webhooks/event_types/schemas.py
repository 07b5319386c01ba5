"""Event types as the API shows them."""

from typing import Any

from pydantic import BaseModel


class WebhookEventTypeRead(BaseModel):
    """What an endpoint may ask for."""

    name: str
    description: str
    aliases: list[str]
    """Other names by which it may be asked for, and is then told."""
    payload_schema: dict[str, Any]
    """JSON Schema 2020-12 of what a raw endpoint is sent."""
    example: dict[str, Any]
