"""What the documents take, and what the published SDKs can send (`sdk_inputs.json`)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benefits.strategies.properties import PROPERTIES

SDK = Path(__file__).with_name("sdk_inputs.json")


def of_sdks() -> dict[str, dict[str, list[str]]]:
    """For each operation every name that a published SDK can send, with the versions that have it."""
    table = json.loads(SDK.read_text())
    versions = table["versions"]
    return {
        operation: {
            name: versions if group == "all" else [versions[int(number)] for number in group.split()]
            for group, names in groups.items()
            for name in names
        }
        for operation, groups in table["inputs"].items()
    }


def found(document: Any, operation: str) -> Any:
    """An operation of the document, with or without the slash at the end of its path; None where it is not built."""
    method, path = operation.split(" ")
    for form in (path, path.rstrip("/"), f"{path}/"):
        described = document["paths"].get(form, {}).get(method.lower())
        if described is not None:
            return described
    return None


def is_taken(document: Any, operation: Any, name: str) -> bool:
    """Whether an operation has an input: `query.page`, `body.prices.price_amount`."""
    part, *path = name.split(".")
    if part == "query":
        return path[0] in _parameters(operation)
    return any(_has(schema, path, document) for schema in _bodies(operation, document))


def is_deprecated(document: Any, operation: Any, name: str) -> bool:
    """Whether an input is in the document as one that clients should not send any more."""
    part, field = name.split(".")
    if part == "query":
        return bool(_parameters(operation)[field].get("deprecated"))
    return any(schema["properties"][field].get("deprecated") for schema in _bodies(operation, document))


def _parameters(operation: Any) -> dict[str, Any]:
    return {given["name"]: given for given in operation.get("parameters", []) if given["in"] == "query"}


def _bodies(operation: Any, document: Any) -> Iterator[Any]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is not None:
        yield from _objects(content["schema"], document)


def _objects(schema: Any, document: Any) -> Iterator[Any]:
    """The objects that a schema may be: of a union each, of a list its items."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from _objects(choice, document)
    if "items" in schema:
        yield from _objects(schema["items"], document)
    if schema.get("title") == "Properties" and schema.get("additionalProperties") is True:  # of benefits, by their type
        for model in PROPERTIES.values():
            known = model.model_json_schema(ref_template="#/components/schemas/{model}")
            document["components"]["schemas"] |= known.get("$defs", {})
            yield known
    elif schema.get("type") == "object":
        yield schema


def _has(schema: Any, path: list[str], document: Any) -> bool:
    first, *rest = path
    if first == "*":
        return True
    fields = schema.get("properties", {})
    if first not in fields:
        return bool(schema.get("additionalProperties"))
    return not rest or any(_has(inner, rest, document) for inner in _objects(fields[first], document))
