"""The OpenAPI document of a service: what every operation may answer, which scopes it needs, and its key.

FastAPI writes what a route declares. What the edge and the gateway do for all of them is added here, once.
"""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from servicekit import refine
from servicekit.examples import example_of
from servicekit.inputs import parts_of

_WRITES = {"post", "put", "patch", "delete"}
_ERROR = {
    "type": "object",
    "title": "Error",
    "required": ["error", "detail"],
    "properties": {"error": {"type": "string", "title": "Error"}, "detail": {"title": "Detail"}},
}
_COMMON = {
    "400": ("BadRequest", "The request is not valid HTTP."),
    "408": ("RequestTimeout", "The request took too long to arrive."),
    "413": ("PayloadTooLarge", "The body, or a header, is larger than is taken."),
    "414": ("URITooLong", "The address is longer than is taken."),
    "422": ("RequestValidationError", "The payload is not acceptable: a list of `loc`, `msg` and `type`."),
    "429": ("RateLimitExceeded", "Too many requests; `Retry-After` says when to come back, in seconds."),
    "431": ("HeadersTooLarge", "The headers are larger than are taken."),
    "503": ("ServiceUnavailable", "A part is away for a moment; `Retry-After` says when to come back, in seconds."),
}
_SECURED = {
    "401": ("Unauthorized", "No access token, or one that is not valid."),
    "403": ("NotPermitted", "The token lacks the scope, or may not do this."),
}
_WRITING = {"409": ("Conflict", "Another request is changing the resource, or holds the same `Idempotency-Key`.")}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A key of your own: the same request with it is done once, and answered alike for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}


def document(app: FastAPI) -> dict[str, Any]:
    """The document of an application, made once."""
    if app.openapi_schema is None:
        written = get_openapi(
            title=app.title,
            version=app.version,
            routes=app.routes,
            separate_input_output_schemas=app.separate_input_output_schemas,
        )
        written.setdefault("components", {}).setdefault("schemas", {})["Error"] = _ERROR
        for method, route in _operations(app):
            operation = written["paths"][route.path_format][method]
            _exemplify(operation, written["components"]["schemas"])
            _complete(operation, method, route)
        for unused in ("HTTPValidationError", "ValidationError"):
            written["components"]["schemas"].pop(unused, None)
        refine.refine(written)
        app.openapi_schema = written
    return app.openapi_schema


def _operations(app: FastAPI) -> Iterator[tuple[str, APIRoute]]:
    for route in app.state.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            yield from ((method.lower(), route) for method in route.methods or ())


def _exemplify(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Gives what is sent and what comes back an example, where it is JSON."""
    sent = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if sent is not None:
        sent.setdefault("example", example_of(sent["schema"], schemas, whole=False))
    for status, answer in operation["responses"].items():
        content = answer.get("content", {}).get("application/json")
        if status.startswith("2") and content and content.get("schema"):
            content.setdefault("example", example_of(content["schema"], schemas, whole=True))


def _complete(operation: dict[str, Any], method: str, route: APIRoute) -> None:
    scopes = _scopes(route.dependant)
    answers = operation["responses"]
    expected = {**_COMMON, **(_SECURED if scopes else {}), **(_WRITING if method in _WRITES else {})}
    for status, (error, description) in expected.items():
        if status == "422" or status not in answers:
            answers[status] = {"description": description, "content": _example(error)}
    operation["responses"] = dict(sorted(answers.items()))
    if scopes:
        operation["security"] = [{"access_token": sorted(scopes)}]
        named = " or ".join(f"`{scope}`" for scope in sorted(scopes))
        operation["description"] = f"{operation.get('description', '')}\n\n**Scopes**: {named}".strip()
    else:
        operation["security"] = []
    for parameter in operation.get("parameters", []):
        parameter["schema"] = _scalar_too(parameter["in"], _without_null(parameter["schema"]))
    for part in parts_of(route.dependant):
        described = getattr(part.call, "parameter", None)
        if described is not None:
            operation.setdefault("parameters", []).append(described)
    if method in _WRITES:
        operation.setdefault("parameters", []).append(_KEY)


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is absent, or has a value: null cannot be sent in an address."""
    choices = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) != 1:
        return schema
    return {**{name: value for name, value in schema.items() if name != "anyOf"}, **choices[0]}


def _scalar_too(place: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A filter that takes a list takes one value as well, as the reference of the API sends it."""
    if place != "query" or schema.get("type") != "array" or "items" not in schema:
        return schema
    about: dict[str, Any] = {name: schema[name] for name in ("title", "description", "default") if name in schema}
    listed = {name: value for name, value in schema.items() if name not in about}
    return {**about, "anyOf": [listed["items"], listed]}


def _scopes(dependant: Dependant) -> set[str]:
    """Any one of them opens the route; empty where it needs no token."""
    return {scope for part in parts_of(dependant) for scope in getattr(part.call, "scopes", ())}


def _example(error: str) -> dict[str, Any]:
    detail: Any = "…"
    if error == "RequestValidationError":
        detail = [{"loc": ["body", "name"], "msg": "Field required", "type": "missing"}]
    schema = {"$ref": "#/components/schemas/Error"}
    return {"application/json": {"schema": schema, "example": {"error": error, "detail": detail}}}
