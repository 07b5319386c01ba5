"""Bounds on JSON that hold before anything is validated: what a request may cost follows from its size alone."""

import gc
import json
from typing import Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

MAX_DEPTH = 32
"""Containers inside of containers. The deepest documented body, a product with tiers, has five."""
BYTES_PER_VALUE = 100
"""A body may hold n / 100 values at most where n is the limit of its path: 10,485 values in 1 MiB."""
USUAL_LIMIT = 1024 * 1024
"""Bytes of JSON at a path that is not known to take more."""
COLLECT_AFTER = 16 * 1024 * 1024
"""Bytes of bodies between two looks for reference cycles: a refused body hangs in a cycle with its exception."""


def problem_of(body: bytes, limit: int) -> str | None:
    """Says what is too large inside a JSON body at a path that takes `limit` bytes; None where nothing is.

    Commas and brackets bound the number of values without parsing. A body that has too many for certain is refused by
    them, and only one that may have too many is parsed here: what that costs is bounded by twice what it may hold.
    A body that is not JSON, and has few of them, has no problem of this kind: the route's own parser refuses it.
    """
    opened = body.count(b"[") + body.count(b"{")
    most = max(10_000, limit // BYTES_PER_VALUE)
    if opened <= MAX_DEPTH and opened + body.count(b",") < most:
        return None
    if _fewest(body, most) > most:
        return f"may hold at most {most} values"
    try:
        top = json.loads(body)
    except (ValueError, RecursionError):
        return None
    level, count, depth = [top], 0, 0
    while level:
        count += len(level)
        if count > most:
            return f"may hold at most {most} values"
        containers = [value for value in level if isinstance(value, dict | list)]
        depth += bool(containers)
        if depth > MAX_DEPTH:
            return f"may be nested at most {MAX_DEPTH} deep"
        level = [inner for value in containers for inner in (value.values() if isinstance(value, dict) else value)]
    return None


def _fewest(body: bytes, most: int) -> int:
    """How many values a JSON body has at least, looking no further where they are more than `most`.

    Each value has a comma outside of texts before it, or the bracket that opens around it, and none has two texts
    more than its name and itself.
    """
    texts = (body.count(b'"') - body.count(b'\\"')) // 2
    if texts > 2 * most:
        return texts // 2
    if b"\\" in body:
        # A run of backslashes begins inside of a text: its pairs are backslashes, and what is left hides a quote.
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside = body.split(b'"')[::2]
    commas = sum(part.count(b",") for part in outside)
    opened = sum(part.count(b"[") + part.count(b"{") for part in outside)
    return max(commas + 1, opened)


def ensure_at_most(value: Any, length: int) -> Any:
    """The value. Raises `PydanticCustomError` for an object with more than `length` keys."""
    if isinstance(value, dict) and len(value) > length:
        raise PydanticCustomError("too_long", "may have at most {length} keys", {"length": length})
    return value


def at_most(length: int) -> BeforeValidator:
    """Refuses an object with more keys before its entries are validated: pydantic checks the entries first."""
    return BeforeValidator(lambda value: ensure_at_most(value, length))


class Collector:
    """Frees the memory of refused bodies: one look for cycles after every `COLLECT_AFTER` bytes of bodies.

    The objects of the start are frozen (`memory.collect_seldom`), so that a look takes milliseconds.
    """

    def __init__(self) -> None:
        self._taken = 0

    def add(self, size: int) -> None:
        """Counts a body of `size` bytes."""
        self._taken += size
        if self._taken > COLLECT_AFTER:
            self._taken = 0
            gc.collect()
