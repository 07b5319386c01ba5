"""What the clients of outside systems share: one pool, a timeout, no redirects, and limits that are kept to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import aiohttp
from pydantic import BaseModel, ValidationError
from servicekit import clock

from benefits.strategies.protocol import Postponed

ANSWER_BYTES = 1024 * 1024
Shape = TypeVar("Shape", bound=BaseModel)


@dataclass(frozen=True)
class Answer:
    """What came back: the status, the headers, and the body's bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def read(self, shape: type[Shape]) -> Shape:
        """The body as it was promised. Raises `Postponed` when it is not so: a proxy's page, for example."""
        try:
            return shape.model_validate_json(self.body)
        except ValidationError:
            raise Postponed(f"an answer ({self.status}) could not be read") from None

    @property
    def text(self) -> str:
        """The body's beginning, in lower case."""
        return self.body[:2000].decode("utf-8", "replace").lower()

    @property
    def retry_after(self) -> timedelta | None:
        """How long the outside wants to be left alone: `Retry-After` in seconds (also in parts of one) or as a date."""
        value = self.headers.get("Retry-After")
        if value is None:
            return None
        try:
            return timedelta(seconds=min(max(float(value), 0), 86_400))
        except ValueError:
            pass
        try:
            date = parsedate_to_datetime(value)
        except ValueError:
            return None
        until = date if date.tzinfo else date.replace(tzinfo=UTC)
        return min(max(until - clock.wall(), timedelta(0)), timedelta(days=1))


def new_session(timeout_seconds: float) -> aiohttp.ClientSession:
    """The pool of connections to the outside: no cookies, an absolute timeout for each call."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=timeout_seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "polar-suite"},
    )


class Limits:
    """Who asked to be left alone, and until when: nobody else of the process calls before that."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}

    def check(self, name: str, who: str) -> None:
        """Raises `Postponed` while `name` wants to be left alone."""
        until = self._until.get(name)
        if until is not None and until > clock.wall():
            raise Postponed(f"{who} asked to be called less often", until - clock.wall())

    def hold(self, name: str, after: timedelta) -> None:
        """`name` wants to be left alone for so long."""
        now = clock.wall()
        self._until = {other: until for other, until in self._until.items() if until > now}
        self._until[name] = max(now + after, self._until.get(name, now))


async def call(session: aiohttp.ClientSession, who: str, method: str, url: str, **options: Any) -> Answer:
    """One call. Raises `Postponed` when there was no answer, or one that says the outside is out of order (5xx)."""
    try:
        async with session.request(method, url, allow_redirects=False, **options) as response:
            answer = Answer(response.status, response.headers, await response.content.read(ANSWER_BYTES))
    except TimeoutError:
        raise Postponed(f"{who} did not answer in time") from None
    except (aiohttp.ClientError, OSError) as error:
        raise Postponed(f"{who} could not be reached ({type(error).__name__})") from None
    if answer.status >= 500:
        raise Postponed(f"{who} is out of order ({answer.status})", answer.retry_after)
    return answer
