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

    Commas and brackets bound the number of values without parsing; only a body that may be too large is parsed here.
    A body that is not JSON has no problem of this kind: the route's own parser refuses it.
    """
    opened = body.count(b"[") + body.count(b"{")
    most = max(10_000, limit // BYTES_PER_VALUE)
    if opened <= MAX_DEPTH and opened + body.count(b",") < most:
        return None
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


def at_most(length: int) -> BeforeValidator:
    """Refuses an object with more keys before its entries are validated: pydantic checks the entries first."""

    def check(value: Any) -> Any:
        if isinstance(value, dict) and len(value) > length:
            raise PydanticCustomError("too_long", "may have at most {length} keys", {"length": length})
        return value

    return BeforeValidator(check)


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
