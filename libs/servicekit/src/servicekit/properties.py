"""The AMQP properties of an event's message, encoded in one pass.

pamqp looks up each field's type and encodes it by itself, which is a fifth of what publishing an event costs.
"""

from collections.abc import Mapping

from pamqp.commands import Basic

CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"
_PERSISTENT = b"\x02"
_FLAGS = sum(
    Basic.Properties.flags[name]
    for name in ("content_type", "headers", "delivery_mode", "message_id", "message_type", "app_id")
).to_bytes(2, "big")


class EventProperties(Basic.Properties):
    """Persistent, with the CloudEvents attributes mirrored as `cloudEvents_*` headers (CloudEvents' AMQP binding).

    Every value is text: a number is written as the event's own JSON writes it. Raises `ValueError` for an id, type or
    source of more than 255 bytes.
    """

    def __init__(self, message_id: str, message_type: str, app_id: str, attributes: Mapping[str, str]) -> None:
        headers = {"id": message_id, "source": app_id, **attributes}
        super().__init__(
            content_type=CONTENT_TYPE,
            headers={f"cloudEvents_{name}": value for name, value in headers.items()},
            delivery_mode=2,
            message_id=message_id,
            message_type=message_type,
            app_id=app_id,
        )

    def marshal(self) -> bytes:
        """The property flags and the properties that are set, in the order of AMQP 0-9-1."""
        table = b"".join(
            _short(name) + b"S" + len(value := str(text).encode()).to_bytes(4, "big") + value
            for name, text in (self.headers or {}).items()
        )
        return b"".join(
            (
                _FLAGS,
                _short(self.content_type),
                len(table).to_bytes(4, "big"),
                table,
                _PERSISTENT,
                _short(self.message_id),
                _short(self.message_type),
                _short(self.app_id),
            )
        )


def _short(text: str | None) -> bytes:
    value = (text or "").encode()
    if len(value) > 255:
        raise ValueError(f"{text!r:.40} is too long for AMQP")
    return bytes((len(value),)) + value
