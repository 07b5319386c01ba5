"""Reading the merged OpenAPI document: every operation, a body that it takes, and bodies that it must not."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

PLAIN: dict[str, Any] = {"integer": 1, "number": 1, "boolean": True, "null": None, "object": {}}


@dataclass(frozen=True)
class Operation:
    """One operation of the API."""

    id: str
    method: str
    path: str
    needs_token: bool
    body: Any
    """The body's schema with every reference resolved, or None."""
    parameters: tuple[Any, ...]

    def url(self, **ids: str) -> str:
        """The path with its parameters filled in; those without a value get a random id, or an example."""
        path = self.path
        for parameter in self.parameters:
            if parameter["in"] == "path":
                name = parameter["name"]
                path = path.replace("{" + name + "}", ids.get(name) or str(uuid4()))
        needed = {
            parameter["name"]: example(parameter["schema"])
            for parameter in self.parameters
            if parameter["in"] == "query" and parameter.get("required")
        }
        return f"{path}?{urlencode(needed)}" if needed else path


def operations(document: Any) -> Iterator[Operation]:
    """Every operation of a document."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method not in {"get", "post", "put", "patch", "delete"}:
                continue
            content = operation.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema")
            yield Operation(
                id=operation["operationId"],
                method=method.upper(),
                path=path,
                needs_token=bool(operation.get("security")),
                body=resolved(schema, document) if schema else None,
                parameters=tuple(operation.get("parameters", [])),
            )


def resolved(schema: Any, document: Any) -> Any:
    """A schema without references; one that goes in circles ends in anything."""
    return _resolved(schema, document, ())


def _resolved(schema: Any, document: Any, seen: tuple[str, ...]) -> Any:
    if isinstance(schema, list):
        return [_resolved(part, document, seen) for part in schema]
    if not isinstance(schema, dict):
        return schema
    reference = schema.get("$ref")
    if reference is None:
        return {name: _resolved(part, document, seen) for name, part in schema.items()}
    if reference in seen:
        return {}
    found = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return _resolved(found, document, (*seen, reference))


def example(schema: Any) -> Any:
    """The smallest value that a schema takes: required fields alone."""
    for name in ("anyOf", "oneOf", "allOf"):
        if name in schema:
            return example(schema[name][0])
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: example(properties[name]) for name in schema.get("required", [])}
    if kind == "array":
        return [example(schema["items"])] if schema.get("minItems") else []
    if kind == "string":
        return text(schema)
    if kind in {"integer", "number"}:
        return int(schema.get("minimum", 1))
    return PLAIN.get(str(kind))


def text(schema: Any) -> str:
    """A string that a schema takes."""
    form, pattern = schema.get("format", ""), schema.get("pattern", "")
    if form == "uuid":
        return str(uuid4())
    if form == "date-time":
        return "2030-01-01T00:00:00Z"
    if "@" in pattern:
        return f"{uuid4().hex}@example.com"
    if "https?" in pattern:
        return "https://example.com/hook"
    return "usd" if "{3}" in pattern else "example"


UNKNOWN = "unheard_of"


def strange(schema: Any, value: Any) -> Iterator[Any]:
    """The value with a field that nobody knows: in itself, and in each object that it may have, one at a time."""
    if schema.get("type") == "object" and isinstance(value, dict):
        fields = schema.get("properties", {})
        value = {name: inner["const"] for name, inner in fields.items() if "const" in inner} | value
        if schema.get("additionalProperties") is False:
            yield {**value, UNKNOWN: 1}
        for name, inner in fields.items():
            for choice in choices(inner):
                yield from ({**value, name: within} for within in strange(choice, example(choice)))
    elif schema.get("type") == "array" and isinstance(value, list):
        for choice in choices(schema["items"]):
            yield from ([within] for within in strange(choice, example(choice)))


def choices(schema: Any) -> Iterator[Any]:
    """What a value may be: itself, or each member of a union."""
    members = [member for name in ("anyOf", "oneOf", "allOf") for member in schema.get(name, ())]
    if not members:
        yield schema
    for member in members:
        yield from choices(member)


WRONG: tuple[Any, ...] = (None, 10**30, -1, 1.5e308, "", "\x00", "x" * 70_000, [], [[]], {}, {"a": {"b": []}}, True)


def spoiled(body: Any) -> Iterator[Any]:
    """The body with each field in turn made wrong, and bodies that are no object."""
    yield from (None, [], "text", 7, True)
    if isinstance(body, dict):
        for name in body:
            for wrong in WRONG:
                yield {**body, name: wrong}


def wild(schema: Any) -> Iterator[tuple[str, Any]]:
    """Every optional field with a wrong value."""
    for name in schema.get("properties", {}):
        for wrong in WRONG:
            yield name, wrong
