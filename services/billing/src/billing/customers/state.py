"""A customer's state: the customer, its subscriptions that are alive, and the benefits it holds, in one answer."""

from typing import Any
from uuid import UUID

from contracts import billing as contracts
from servicekit.auth import Principal, owned_by
from servicekit.errors import ResourceNotFound
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.benefit_grants.models import BenefitGrant
from billing.customers import events, queries
from billing.subscriptions import events as subscriptions
from billing.subscriptions.models import ACTIVE, Subscription

_SUBSCRIPTION = (
    "id", "created_at", "modified_at", "metadata", "status", "amount", "currency", "recurring_interval",
    "current_period_start", "current_period_end", "trial_start", "trial_end", "cancel_at_period_end", "canceled_at",
    "started_at", "ends_at", "product_id", "discount_id", "seats", "units",
)  # fmt: skip


async def state(
    session: AsyncSession, principal: Principal, *, id: UUID | None = None, external_id: str | None = None
) -> tuple[contracts.Customer, list[dict[str, Any]], list[dict[str, Any]]]:
    """The customer, the active subscriptions and the grants that are held, oldest first. Raises `ResourceNotFound`."""
    customer = await queries.find(session, principal, id=id, external_id=external_id)
    if customer is None:
        raise ResourceNotFound()
    alive = select(Subscription).where(
        owned_by(principal, Subscription), Subscription.customer_id == customer.id, Subscription.status.in_(ACTIVE)
    )
    held = select(BenefitGrant.data).where(
        owned_by(principal, BenefitGrant), BenefitGrant.customer_id == customer.id, BenefitGrant.is_granted
    )
    active = (await session.execute(alive.order_by(Subscription.id))).scalars()
    grants = (await session.execute(held.order_by(BenefitGrant.id))).scalars()
    return events.shape(customer), [_shown(subscription) for subscription in active], list(grants)


def _shown(subscription: Subscription) -> dict[str, Any]:
    summary = subscriptions.summary(subscription).model_dump()
    fields = {name: summary[name] for name in _SUBSCRIPTION}
    return fields | {"custom_field_data": subscription.custom_field_data, "meters": []}
