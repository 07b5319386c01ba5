"""Examples for the OpenAPI document, made from its schemas: what a reader may send, and what comes back.

A field's own `examples` are taken where its model declares some.
"""

import re
from collections.abc import Mapping
from typing import Any

_DEEP = 4
"""How deep an example shows what is optional; below it only what must be there."""
_FORMATS = {
    "uuid": "0197f3a2-7c1e-7d4b-9f0a-3c5e8d2b6a41",
    "date-time": "2026-01-15T10:30:00Z",
    "date": "2026-01-15",
    "email": "ada@example.com",
    "uri": "https://example.com/success",
    "uri-reference": "https://example.com/success",
}
_WORDS: dict[str, Any] = {
    "email": "ada@example.com", "name": "Pro Plan", "customer_name": "Ada Lovelace", "description": "As agreed",
    "label": "laptop", "locale": "en", "country": "US", "line1": "456 Oak Ave", "city": "New York", "state": "US-NY",
    "postal_code": "10001", "currency": "usd", "amount": 2900, "url": "https://example.com/hooks", "timezone": "UTC",
    "external_id": "user_12345", "total_count": 1, "max_page": 1, "page": 1, "page_size": 10, "limit": 10,
}  # fmt: skip
"""What fields are likely to hold, by their name or by its last words (`customer_email`)."""
_METADATA = {"campaign": "winter_sale"}


def example_of(schema: Mapping[str, Any], components: Mapping[str, Any], *, whole: bool) -> Any:
    """An example of a schema: the `whole` of it as an answer has it, or what a request needs and little else."""
    return _Examples(components, whole).of(schema, "", 0)


class _Examples:
    def __init__(self, components: Mapping[str, Any], whole: bool) -> None:
        self._components = components
        self._whole = whole

    def of(self, schema: Mapping[str, Any], name: str, depth: int) -> Any:
        if "$ref" in schema:
            schema = self._components[schema["$ref"].rsplit("/", 1)[1]]
        if schema.get("examples"):
            return schema["examples"][0]
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema.get("default", schema["enum"][0])
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return self._chosen(schema[word], name, depth)
        if "allOf" in schema:
            return self.of(schema["allOf"][0], name, depth)
        kind = schema.get("type")
        if kind == "object" or "properties" in schema:
            return self._object(schema, name, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        return self._scalar(schema, name)

    def _chosen(self, choices: list[Any], name: str, depth: int) -> Any:
        nullable = {"type": "null"} in choices
        if nullable and (name.endswith("_at") or (depth > _DEEP and self._whole)):
            return None
        return self.of(next(choice for choice in choices if choice != {"type": "null"}), name, depth)

    def _object(self, schema: Mapping[str, Any], name: str, depth: int) -> Any:
        properties = schema.get("properties")
        if properties is None:
            return dict(_METADATA) if "metadata" in name else {}
        required = set(schema.get("required", ()))
        shown = {}
        for field, inner in properties.items():
            told = field in required or (self._whole and "default" not in inner)
            if told:
                shown[field] = self.of(inner, field, depth + 1)
        if not shown and not self._whole:
            # A change: one field that says what the request is for.
            likely = next((field for field in ("name", "metadata", *properties) if field in properties), None)
            return {likely: self.of(properties[likely], likely, depth + 1)} if likely else {}
        return shown

    def _array(self, schema: Mapping[str, Any], name: str, depth: int) -> list[Any]:
        if "prefixItems" in schema:
            return [self.of(one, name, depth + 1) for one in schema["prefixItems"]]
        least = schema.get("minItems", 0)
        if not least and depth > _DEEP:
            return []
        return [self.of(schema.get("items", {}), name.rstrip("s"), depth + 1)] * max(1, least)

    def _scalar(self, schema: Mapping[str, Any], name: str) -> Any:
        kind = schema.get("type", "string")
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        ending = next((word for word in _WORDS if name == word or name.endswith(f"_{word}")), "")
        word = _WORDS.get(ending, schema.get("default"))
        match kind:
            case "boolean":
                return word if isinstance(word, bool) else False
            case "integer" | "number":
                number = word if isinstance(word, int) and not isinstance(word, bool) else 1
                least, most = schema.get("minimum", number), schema.get("maximum", number)
                return int(min(max(number, least, schema.get("exclusiveMinimum", number - 1) + 1), most))
            case "null":
                return None
        return _text(schema, word if isinstance(word, str) else name.replace("_", " ").strip() or "text")


def _text(schema: Mapping[str, Any], word: str) -> str:
    pattern = schema.get("pattern")
    candidates = [word, "Pro Plan", "acme", "usd", "US", "1", "0.125", "0197f3a2", "ACME"]
    for candidate in candidates:
        padded = candidate.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength", 10_000)]
        if pattern is None or re.search(pattern, padded):
            return padded
    return word
