"""A provider's OpenAPI description: holds requests, and the stand-in's own answers, against it."""

import json
from pathlib import Path

import jsonschema_rs


class Described:
    """One description; `check_*` raise `AssertionError` that says what does not fit."""

    def __init__(self, name):
        self._document = _nullable(json.loads(Path(__file__).with_name(f"{name}.openapi.json").read_text()))

    def templates(self):
        """Method and path of each operation."""
        return [(method, path) for path, operations in self._document["paths"].items() for method in operations]

    def check_request(self, method, path, parameters, query, body):
        """`parameters` are those of the path; `body` is read already, or None."""
        operation = self._document["paths"][path][method]
        known = [self._resolved(one) for one in operation.get("parameters", [])]
        named = {one["name"]: one for one in known if one["in"] == "query"}
        for name, value in query.items():
            assert name in named, f"{method} {path}: there is no query parameter {name}"
            self._check(named[name]["schema"], int(value) if value.isdecimal() else value, f"{path}?{name}")
        for one in known:
            if one["in"] == "path":
                value = parameters[one["name"]]
                schema = self._resolved(one["schema"])
                self._check(
                    one["schema"], int(value) if schema.get("type") == "integer" else value, f"{path} {one['name']}"
                )
        content = operation.get("requestBody", {}).get("content", {})
        if body is None:
            assert not operation.get("requestBody", {}).get("required"), f"{method} {path}: the body is missing"
            return
        assert content, f"{method} {path} takes no body"
        (media,) = content.values()
        self._check(media["schema"], body, f"{method} {path}")

    def check_answer(self, method, path, status, body):
        """An answer of the stand-in; a status or body that the provider would not give is a fault of the stand-in."""
        responses = self._document["paths"][path][method]["responses"]
        if status == 401 and "401" not in responses:
            return  # an unknown token is refused everywhere, whether or not the description repeats it
        response = self._resolved(responses[str(status) if str(status) in responses else f"{str(status)[0]}XX"])
        content = response.get("content", {}).get("application/json")
        if content is None:
            assert body is None, f"{method} {path} {status} has no body"
        elif body is not None:
            self._check(content["schema"], body, f"{method} {path} {status}")

    def sample(self, method, path, status, **fields):
        """The smallest answer that fits, with these fields."""
        response = self._resolved(self._document["paths"][path][method]["responses"][str(status)])
        made = self._made(response["content"]["application/json"]["schema"])
        if isinstance(made, list):
            raise TypeError("ask for an item")
        return {**made, **fields}

    def sample_of(self, schema, **fields):
        """The smallest value of a named schema, with these fields."""
        return {**self._made({"$ref": f"#/components/schemas/{schema}"}), **fields}

    def _check(self, schema, value, what):
        whole = {**schema, "components": self._document["components"]}
        problems = [
            f"{error.instance_path}: {error.message}"
            for error in jsonschema_rs.Draft202012Validator(whole).iter_errors(value)
        ]
        assert not problems, f"{what}: {problems[:3]}"

    def _resolved(self, node):
        while "$ref" in node:
            found = self._document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node

    def _made(self, schema):
        schema = self._resolved(schema)
        for choice in ("oneOf", "anyOf"):
            if choice in schema:
                return self._made(schema[choice][0])
        if "allOf" in schema:
            return {name: value for one in schema["allOf"] for name, value in self._made(one).items()}
        if "enum" in schema:
            return schema["enum"][0]
        kind = schema.get("type", "object")
        if isinstance(kind, list):
            return None
        if kind == "object":
            properties = schema.get("properties", {})
            return {name: self._made(properties.get(name, {})) for name in schema.get("required", [])}
        text = "2026-01-01T00:00:00Z" if schema.get("format") == "date-time" else "https://x.example/"
        return {"array": [], "integer": 1, "number": 1, "boolean": False, "string": text}[kind]


def _nullable(node):
    """OpenAPI 3.0's `nullable` as JSON Schema says it."""
    if isinstance(node, list):
        return [_nullable(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {name: _nullable(value) for name, value in node.items()}
    if made.get("nullable") is True:
        del made["nullable"]
        if isinstance(made.get("type"), str):
            made["type"] = [made["type"], "null"]
            if "enum" in made:
                made["enum"] = [*made["enum"], None]
        else:
            return {"anyOf": [made, {"type": "null"}]}
    return made
