"""One attempt: what is sent, and what is written down of it."""

import base64
import hashlib
import hmac
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from servicekit import clock, ids
from servicekit.database import wake
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from webhooks.deliveries.models import Delivery
from webhooks.deliveries.schemas import DeliveredEvent, DeliveryRead
from webhooks.endpoints.models import PREFIX, Endpoint
from webhooks.endpoints.schemas import spoken
from webhooks.events.models import WebhookEvent
from webhooks.events.operations import succeeded

LONGEST_RETRY_AFTER = timedelta(days=1)
GONE = 410


@dataclass(frozen=True)
class Attempt:
    """What is sent where. Taken out of the database, so that nothing is held while it is under way."""

    event_id: UUID
    endpoint_id: UUID
    url: str
    secret: str
    body: bytes

    def headers(self, at: datetime) -> dict[str, str]:
        """The signed headers: those of Standard Webhooks, and the documented API's own (polar-api.md 3, row 31)."""
        timestamp = int(at.timestamp())
        key = base64.b64decode(self.secret.removeprefix(PREFIX))
        signed = b"%s.%d.%s" % (str(self.event_id).encode(), timestamp, self.body)
        signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return {
            "Content-Type": "application/json",
            "User-Agent": "polar-webhooks/1",
            "webhook-id": str(self.event_id),
            "webhook-timestamp": str(timestamp),
            "webhook-signature": f"v1,{signature}",
            "X-Polar-Signature": hmac.new(self.secret.encode(), self.body, hashlib.sha256).hexdigest(),
        }


@dataclass(frozen=True)
class Answer:
    """What came of an attempt; without an HTTP code there was no answer."""

    code: int | None
    text: str
    duration_ms: int
    retry_after: timedelta | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the endpoint has taken it: any 2xx."""
        return self.code is not None and 200 <= self.code < 300


async def write_down(session: AsyncSession, attempt: Attempt, answer: Answer, delays: Sequence[int]) -> None:
    """Records an attempt: done, the next one, or given up. `delays` are the seconds before each repetition."""
    now = clock.now()
    event = (
        await session.execute(select(WebhookEvent).where(WebhookEvent.id == attempt.event_id).with_for_update())
    ).scalar_one()
    session.add(
        Delivery(
            id=ids.uuid7(),
            organization_id=event.organization_id,
            created_at=now,
            endpoint_id=event.endpoint_id,
            webhook_event_id=event.id,
            succeeded=answer.is_taken,
            http_code=answer.code,
            response=answer.text,
            duration_ms=answer.duration_ms,
        )
    )
    event.attempts += 1
    event.first_attempt_at = event.first_attempt_at or now
    event.modified_at = now
    event.last_http_code, event.last_response = answer.code, answer.text
    if answer.is_taken:
        event.succeeded_at, event.due_at = now, None
    else:
        event.due_at = _next_attempt(event.attempts, answer, delays, now)
        if answer.code == GONE:
            await _disable(session, event.endpoint_id, now)
    wake(session)


def shown(delivery: Delivery, event: WebhookEvent) -> DeliveryRead:
    """An attempt, with its event, as the API shows it."""
    return DeliveryRead(
        id=delivery.id,
        created_at=delivery.created_at,
        succeeded=delivery.succeeded,
        http_code=delivery.http_code,
        response=delivery.response,
        webhook_event=DeliveredEvent(
            id=event.id,
            created_at=event.created_at,
            modified_at=event.modified_at,
            api_version=event.api_version,
            payload=event.payload.decode(),
            type=spoken([event.type])[0],
            last_http_code=event.last_http_code,
            succeeded=succeeded(event),
        ),
    )


def _next_attempt(attempts: int, answer: Answer, delays: Sequence[int], now: datetime) -> datetime | None:
    """When the next attempt is due: on the schedule with up to 20 % of jitter, or when the endpoint asked for it."""
    if attempts > len(delays):
        return None
    pause = timedelta(seconds=delays[attempts - 1] * random.uniform(1, 1.2))
    if answer.retry_after is not None:
        pause = max(pause, min(answer.retry_after, LONGEST_RETRY_AFTER))
    return now + pause


async def _disable(session: AsyncSession, endpoint_id: UUID, now: datetime) -> None:
    """The endpoint says that it is gone for good (410): it is called no more until it is enabled again."""
    endpoint = await session.get_one(Endpoint, endpoint_id, with_for_update=True)
    endpoint.enabled, endpoint.modified_at = False, now
