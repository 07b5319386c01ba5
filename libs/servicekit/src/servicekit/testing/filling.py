"""The attack of one tenant that fills what all share: creating one resource as fast as it can."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

RACERS = 24
MOST = 5


async def check_quota(
    settings: Any, monkeypatch: pytest.MonkeyPatch, name: str, create: Callable[[int], Awaitable[httpx.Response]]
) -> list[Any]:
    """Creates 24 at once, of which 5 are allowed, and one more. Returns the bodies of those that were created."""
    monkeypatch.setattr(settings, "quotas", {name: MOST})
    answers = await asyncio.gather(*(create(number) for number in range(RACERS)))
    assert Counter(answer.status_code for answer in answers) == {201: MOST, 403: RACERS - MOST}
    refused = (await create(RACERS)).json()
    assert (refused["error"], refused["resource"], refused["limit"]) == ("QuotaExceeded", name, MOST)
    assert str(MOST) in refused["detail"]
    return [answer.json() for answer in answers if answer.status_code == 201]
