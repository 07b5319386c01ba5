"""The merged OpenAPI document: every operation says what it needs, and shows what is sent and what comes back."""

import json
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
