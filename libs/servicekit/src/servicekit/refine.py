"""What makes an OpenAPI document smaller, and the types that generators write from it better. No answer changes by it.

Refusals that many operations share are written once. The words of a vocabulary are an `enum` for the reader of an
answer, which may still bring a word that is newer than the reader. The field that tells the members of a union apart is
required in each of them.
"""

import re
from collections.abc import Iterator
from typing import Any

_WORD = re.compile(r"[a-z][a-z0-9_]*$")
_SCHEMA = "#/components/schemas/"


def refine(document: dict[str, Any]) -> None:
    """Refines a document in place."""
    schemas = document["components"]["schemas"]
    for schema in _all(schemas):
        _close(schema)
        _require_discriminator(schema, schemas)
    _share_refusals(document)


def _all(part: Any) -> Iterator[dict[str, Any]]:
    """Every schema in a part of a document."""
    if isinstance(part, dict):
        yield part
        for name, value in part.items():
            if name not in ("example", "examples", "default", "enum", "const"):
                yield from _all(value)
    elif isinstance(part, list):
        for value in part:
            yield from _all(value)


def _close(schema: dict[str, Any]) -> None:
    """The words of a vocabulary, which its contract lists as examples."""
    words = schema.get("examples")
    if schema.get("type") != "string" or not isinstance(words, list) or not words:
        return
    if all(isinstance(word, str) and _WORD.match(word) for word in words):
        del schema["examples"]
        schema["enum"] = words


def _require_discriminator(schema: dict[str, Any], schemas: dict[str, Any]) -> None:
    known = schema.get("discriminator")
    if not isinstance(known, dict) or not isinstance(known.get("mapping"), dict):
        return
    for reference in known["mapping"].values():
        member = schemas[reference.removeprefix(_SCHEMA)]
        required = member.setdefault("required", [])
        if known["propertyName"] not in required:
            required.insert(0, known["propertyName"])


def _share_refusals(document: dict[str, Any]) -> None:
    """Moves the refusals into `components.responses`, named by their errors; one of another content gets a number."""
    shared: dict[str, Any] = document["components"].setdefault("responses", {})
    for item in document["paths"].values():
        for operation in item.values():
            for status, answer in operation["responses"].items():
                if status[0] in "45" and "$ref" not in answer:
                    for content in answer.get("content", {}).values():
                        content.get("schema", {}).pop("title", None)  # FastAPI's, by the operation
                    operation["responses"][status] = {"$ref": f"#/components/responses/{_name(answer, shared)}"}
    document["components"]["responses"] = dict(sorted(shared.items()))


def _name(answer: dict[str, Any], shared: dict[str, Any]) -> str:
    errors = _errors(answer)
    base = "Or".join(errors[:2]) if len(errors) < 3 else f"{errors[0]}OrOther"
    name, number = base, 1
    while shared.setdefault(name, answer) != answer:
        number += 1
        name = f"{base}{number}"
    return name


def _errors(answer: dict[str, Any]) -> list[str]:
    content = answer.get("content", {}).get("application/json", {})
    schema = content.get("schema", {})
    members = schema.get("anyOf", [schema])
    found = [one["$ref"].removeprefix(_SCHEMA) for one in members if "$ref" in one]
    return [content.get("example", {}).get("error", "Error")] if found == ["Error"] else found
