"""What sellers are told of cards that are declined."""

from datetime import datetime
from uuid import UUID

from contracts import checkout as contracts
from servicekit import ids
from servicekit.attempts import KEPT, Rate


def decline_rate_exceeded(organization_id: UUID, rate: Rate, at: datetime) -> contracts.CheckoutDeclineRateExceededV1:
    """More cards are declined than a shop has by itself."""
    data = contracts.DeclineRate(
        id=ids.uuid7(),
        created_at=at,
        organization_id=organization_id,
        window_started_at=at - KEPT,
        declined_count=rate.failed,
        attempt_count=rate.failed + rate.succeeded,
    )
    return contracts.CheckoutDeclineRateExceededV1(subject=data.id, organization_id=organization_id, time=at, data=data)
