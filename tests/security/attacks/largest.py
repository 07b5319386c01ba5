"""The largest bad requests of an operation, built from its entry in the merged document.

Every shape is as large as the gateway lets through (1 MiB, or 10 MiB of usage events; 16 KiB of address and headers),
or just below a bound of the kit (`servicekit.bodies`): what lies above a bound is refused before it costs anything.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from servicekit.bodies import BYTES_PER_VALUE, MAX_DEPTH

from tests.end_to_end.openapi import Operation, choices, example

BODY = 1024 * 1024 - 16
"""Bytes of the largest body that the gateway lets through."""
INGEST = "/v1/events/ingest"
"""Where it lets ten times as much through."""
ADDRESS = 7_500
"""Bytes of a long query: with the path within one buffer of the gateway."""


@dataclass(frozen=True)
class Request:
    """One bad request. `name` says what is large about it."""

    name: str
    query: str = ""
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


def requests_of(operation: Operation) -> Iterator[Request]:
    """Every large bad request of an operation, the dearest kinds first."""
    if operation.body is not None:
        yield from _bodies(operation)
    yield from _queries(operation)
    yield from _headers()


def _bodies(operation: Operation) -> Iterator[Request]:
    most = 10 * BODY if operation.path == INGEST else BODY
    values = most // BYTES_PER_VALUE - 100  # as many as it may hold, less those of its frame

    def json_of(name: str, body: Any) -> Request:
        return Request(name, body=json.dumps(body, separators=(",", ":")).encode()[:most])

    frame = {"client_secret": "polar_c_none"} if operation.path.endswith("/confirm") else {}
    plain = example(operation.body)
    whole = {**plain, **frame} if isinstance(plain, dict) else {}
    if operation.path == INGEST:
        metadata = {str(number): [] for number in range(50)}
        yield json_of("events", {"events": [{"name": "u", "external_customer_id": "x", "metadata": metadata}] * 1000})
        yield Request("zeros", body=b"[" + b"0," * (most // 2 - 4) + b"0]")
    texts = _names(operation.body)
    yield json_of("errors", {**whole, **dict.fromkeys(texts, [{}] * (values // _count(operation.body)))})
    yield json_of("wide", {**whole, **{str(number): [] for number in range(75_000)}})
    yield json_of("keys", {**whole, **{str(number): 1 for number in range(values)}})
    dicts = {str(number): [] for number in range(values // _count(operation.body))}
    yield json_of("objects", {**whole, **dict.fromkeys(texts, dicts)})
    yield json_of("long", {**whole, **dict.fromkeys(texts, "é" * (most // 8 // max(len(texts), 1)))})
    yield json_of("numbers", {**whole, **dict.fromkeys(texts, [int("9" * 4_000)] * (200 // max(len(texts), 1) + 1))})
    yield Request("digits", body=b'{"amount":' + b"9" * (most - 20) + b"}")
    yield Request("deep", body=b'{"a":' * (most // 8) + b"1" + b"}" * (most // 8))
    nested: Any = [{}] * (values // 2)
    for _ in range(MAX_DEPTH - 3):
        nested = [nested]
    yield json_of("nested", {**whole, **({texts[0]: nested} if texts else {"a": nested})})
    yield Request("escapes", body=b'{"name":"' + b"\\ud800" * (most // 6 - 4) + b'"}')
    yield Request("list", body=b"[" + b"{}," * values + b"{}]")
    yield Request("commas", body=b"[" + b"," * (most - 4) + b"]")
    yield Request("spaces", body=b" " * most)


def _queries(operation: Operation) -> Iterator[Request]:
    names = [given["name"] for given in operation.parameters if given["in"] == "query"]
    yield Request("filters", _cut([(f"metadata[{number}]", "v") for number in range(600)]))
    yield Request("unknown", _cut([(f"u{number}", "") for number in range(1_500)]))
    yield Request("repeated", _cut([(name, "x") for _ in range(1_500) for name in names or ["page"]]))
    yield Request("text", urlencode([(name, "%" * (ADDRESS // 3 // len(names or [1]))) for name in names or ["query"]]))
    yield Request("page", urlencode({"page": "9" * 4_000, "limit": "9" * 3_000}))
    if operation.method == "GET":
        fields: dict[str, Any] = {name: ["x"] * (1_500 // len(names)) for name in names}
        body = {**fields, "metadata": {str(number): "v" for number in range(60)}}
        yield Request("fields", body=json.dumps(body, separators=(",", ":")).encode())


def _headers() -> Iterator[Request]:
    yield Request("headers", headers={f"X-{number}": "x" for number in range(300)})
    large = dict.fromkeys(("Idempotency-Key", "Polar-Version", "User-Agent", "Cookie", "X-Request-Id"), "x" * 7000)
    yield Request("header", headers=large)


def _names(schema: Any) -> list[str]:
    """Every field of a body, whatever it may be."""
    return sorted({name for choice in choices(schema) for name in choice.get("properties", {})})


def _count(schema: Any) -> int:
    return len(_names(schema)) + 1


def _cut(pairs: list[tuple[str, str]]) -> str:
    """As many of the parameters as an address holds."""
    query = urlencode(pairs)
    return query[:ADDRESS].rpartition("&")[0] if len(query) > ADDRESS else query
