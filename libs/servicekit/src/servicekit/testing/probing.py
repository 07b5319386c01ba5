"""Waiting by asking: a probe that says what it saw when it gives up."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Seen = TypeVar("Seen")


async def eventually(
    probe: Callable[[], Awaitable[Seen]],
    *,
    until: Callable[[Seen], object] = bool,
    seconds: float = 60.0,
    what: str = "",
) -> Seen:
    """Asks `probe` until `until` holds for its answer, and returns that answer.

    Raises `AssertionError` with the last answer, or the last error, when `seconds` have passed.
    """
    deadline = time.monotonic() + seconds
    pause = 0.01
    seen: object = None
    while True:
        try:
            answer = await probe()
            if until(answer):
                return answer
            seen = answer
        except AssertionError:
            raise
        except Exception as error:
            seen = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or 'the condition'}; last seen: {seen!r}")
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.2)
