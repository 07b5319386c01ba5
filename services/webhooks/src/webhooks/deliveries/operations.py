"""One attempt: what is sent, and what came of it."""

import base64
import hashlib
import hmac
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

from webhooks.deliveries.models import Delivery
from webhooks.deliveries.schemas import DeliveredEvent, DeliveryRead
from webhooks.endpoints.models import PREFIX
from webhooks.endpoints.schemas import spoken
from webhooks.events.models import WebhookEvent
from webhooks.events.operations import succeeded

LONGEST_RETRY_AFTER = timedelta(days=1)
GONE = 410


@lru_cache(maxsize=10_000)
def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX))


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is sent where. Taken out of the database, so that nothing is held while it is under way.

    `secrets` has the signing secret, and behind it one that was replaced lately. `due_at` is the instant for which it
    was claimed: a replay that is asked for meanwhile sets another, and is then not lost.
    """

    event_id: UUID
    endpoint_id: UUID
    organization_id: UUID
    url: str
    secrets: tuple[str, ...]
    body: bytes
    attempts: int
    due_at: datetime
    failures: int
    traceparent: str | None = None
    """The trace of what it tells of."""

    def headers(self, at: datetime) -> dict[str, str]:
        """The signed headers: those of Standard Webhooks, and the documented API's own (Polar's rule).

        While a replaced secret is still good there is a signature of each in `webhook-signature`; `X-Polar-Signature`
        can hold only one and is that of the new secret.
        """
        timestamp = int(at.timestamp())
        signed = b"%s.%d.%s" % (str(self.event_id).encode(), timestamp, self.body)
        signatures = (
            "v1," + base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode()
            for secret in self.secrets
        )
        return {
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "polar-webhooks/1",
            "webhook-id": str(self.event_id),
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(signatures),
            "X-Polar-Signature": hmac.digest(self.secrets[0].encode(), self.body, hashlib.sha256).hex(),
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt; without an HTTP code there was no answer."""

    code: int | None
    text: str
    duration_ms: int
    retry_after: timedelta | None = None
    timed_out: bool = False

    @property
    def is_taken(self) -> bool:
        """Whether the endpoint has taken it: any 2xx."""
        return self.code is not None and 200 <= self.code < 300


def next_attempt(attempts: int, answer: Answer, delays: Sequence[int], now: datetime) -> datetime | None:
    """When the next attempt is due: on the schedule with up to 20 % of jitter, or when the endpoint asked for it.

    `attempts` counts those made, this one included; `delays` are the seconds before each repetition. None: given up.
    """
    if attempts > len(delays):
        return None
    pause = timedelta(seconds=delays[attempts - 1] * random.uniform(1, 1.2))
    if answer.retry_after is not None:
        pause = max(pause, min(answer.retry_after, LONGEST_RETRY_AFTER))
    return now + pause


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
            skipped=event.skipped_reason is not None,
            api_version=event.api_version,
            payload=None if event.payload is None else event.payload.decode(),
            type=spoken([event.type])[0],
            is_archived=event.archived_at is not None,
            last_http_code=event.last_http_code,
            succeeded=succeeded(event),
        ),
    )
