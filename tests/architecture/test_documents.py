"""The merged OpenAPI document: every operation says what it needs, and shows what is sent and what comes back."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

DOCUMENT: Any = json.loads((Path(__file__).parents[2] / "deploy" / "gateway" / "openapi.json").read_text())
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}


def bodies(operation: Any) -> list[Any]:
    answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    contents = [part.get("content", {}) for part in (operation.get("requestBody", {}), *answers)]
    return [content["application/json"] for content in contents if "application/json" in content]


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_examples_of_an_operation_are_as_its_schemas_say(name: str) -> None:
    for body in bodies(OPERATIONS[name]):
        if not body.get("schema"):
            continue
        assert "example" in body, "no example"
        schema = {**body["schema"], "components": DOCUMENT["components"]}
        jsonschema_rs.validator_for(schema, validate_formats=True).validate(body["example"])


def parts(part: Any, kind: str) -> Iterator[Any]:
    """Every value with this name in a part of the document, but those of examples."""
    if isinstance(part, dict):
        yield from (value for name, value in part.items() if name == kind)
        for name, value in part.items():
            if name not in ("example", "examples"):
                yield from parts(value, kind)
    elif isinstance(part, list):
        for value in part:
            yield from parts(value, kind)


def test_refusals_are_written_once() -> None:
    for name, operation in OPERATIONS.items():
        inline = [
            status for status, answer in operation["responses"].items() if status[0] in "45" and "$ref" not in answer
        ]
        assert inline == [], name
    shared = DOCUMENT["components"]["responses"]
    texts = [json.dumps(answer, sort_keys=True) for answer in shared.values()]
    assert len(set(texts)) == len(texts)
    used = {
        reference.rpartition("/")[2] for reference in parts(DOCUMENT["paths"], "$ref") if "/responses/" in reference
    }
    assert used == set(shared)


def test_each_operation_says_whether_it_needs_a_token() -> None:
    public = {name for name, operation in OPERATIONS.items() if operation["security"] == []}
    assert "GET /v1/checkouts/client/{client_secret}" in public
    assert "GET /v1/checkouts/" not in public
    assert all(operation["security"] == [] or operation["security"][0] for operation in OPERATIONS.values())
    tags = {tag for operation in OPERATIONS.values() for tag in operation["tags"]}
    assert [tag["name"] for tag in DOCUMENT["tags"]] == sorted(tags)
    assert DOCUMENT["servers"] == [{"url": "/"}]


SYNTAX = set("^$\\.*+?()[]{}|/-dDwWsSbBfnrtvxukpP0123456789")
"""What may follow a backslash in a pattern of ECMA-262 with the flag u, in which other languages read patterns."""


def test_patterns_are_valid_in_every_language() -> None:
    found = {pattern for pattern in parts(DOCUMENT, "pattern") if isinstance(pattern, str)}
    assert len(found) > 10
    for pattern in found:
        assert set(re.findall(r"\\(.)", pattern)) <= SYNTAX, pattern


def test_the_members_of_a_union_have_the_field_that_tells_them_apart() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    found = [known for known in parts(schemas, "discriminator") if isinstance(known, dict)]
    assert found
    for known in found:
        for reference in known["mapping"].values():
            assert known["propertyName"] in schemas[reference.rpartition("/")[2]]["required"], reference


def test_no_name_of_a_schema_is_that_of_a_field_of_another() -> None:
    """Generators for Python name a field's own schema by both names, and drop what clashes."""
    schemas = DOCUMENT["components"]["schemas"]
    inline = {
        f"{name}{field.title().replace('_', '')}"
        for name, schema in schemas.items()
        for field, part in schema.get("properties", {}).items()
        if part.get("type") == "object" or any("additionalProperties" in choice for choice in part.get("anyOf", []))
    }
    assert inline & set(schemas) == set()


def test_vocabularies_are_closed_for_readers() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["CheckoutPublic"]["properties"]["status"]["enum"] == [
        "open", "expired", "confirmed", "succeeded", "failed", "completed",
    ]  # fmt: skip
    assert "past_due" in schemas["SubscriptionRead"]["properties"]["status"]["enum"]
    listed = {
        name: parameter for parameter in OPERATIONS["GET /v1/orders/"]["parameters"] for name in [parameter["name"]]
    }
    assert [choice.get("type") for choice in listed["customer_id"]["schema"]["anyOf"]] == ["string", "array"]


def test_the_typescript_client_has_every_operation_and_schema() -> None:
    text = (Path(__file__).parents[2] / "clients" / "packages" / "client" / "src" / "v1.ts").read_text()
    paths = text.partition("export interface paths {\n")[2].partition("\n}\n")[0]
    found = set()
    for block in re.split(r"^    (?=\")", paths, flags=re.MULTILINE)[1:]:
        path = json.loads(block[: block.index('": {') + 1])
        found |= {
            (f"{method.upper()} {path}", id)
            for method, id in re.findall(r'^        (\w+): operations\["([^"]+)"\];', block, re.MULTILINE)
        }
    assert found == {(name, operation["operationId"]) for name, operation in OPERATIONS.items()}
    assert len({id for _, id in found}) == len(OPERATIONS)
    schemas = text.partition("    schemas: {\n")[2].partition("\n    };\n")[0]
    named = set(re.findall(r'^        "?([\w.-]+)"?: ', schemas, re.MULTILINE))
    assert set(DOCUMENT["components"]["schemas"]) <= named
