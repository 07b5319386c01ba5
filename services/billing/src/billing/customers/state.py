"""A customer's state: the customer, its subscriptions that are alive, and the benefits it holds, in one answer."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from contracts import billing as contracts
from servicekit import outbox
from servicekit.auth import Principal
from servicekit.errors import ResourceNotFound
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.benefit_grants.models import BenefitGrant
from billing.customers import events, queries
from billing.customers.models import Customer
from billing.subscriptions import events as subscriptions
from billing.subscriptions.models import ACTIVE, Subscription

_TOLERANT: Any = {"extra": "ignore", "context": {"tolerant": True}}


async def state(
    session: AsyncSession, principal: Principal, *, id: UUID | None = None, external_id: str | None = None
) -> contracts.CustomerState:
    """The state of one of the caller's customers. Raises `ResourceNotFound`."""
    customer = await queries.find(session, principal, id=id, external_id=external_id)
    if customer is None:
        raise ResourceNotFound()
    return (await _states(session, [customer]))[0]


@outbox.follow(
    contracts.CustomerCreatedV1,
    contracts.CustomerUpdatedV1,
    contracts.CustomerDeletedV1,
    about=lambda event: event.subject,
)
@outbox.follow(
    contracts.SubscriptionCreatedV1, contracts.SubscriptionUpdatedV1, about=lambda event: event.data.customer_id
)
async def told(session: AsyncSession, at: Mapping[UUID, datetime]) -> dict[UUID, contracts.CustomerStateChangedV1]:
    """`customer.state_changed` of some customers, with their state at the end of the transaction."""
    found = await session.execute(select(Customer).where(Customer.id.in_(at)).order_by(Customer.id))
    return {
        state.id: contracts.CustomerStateChangedV1(
            subject=uuid5(NAMESPACE_URL, f"/billing/customers/{state.id}/state"),
            organization_id=state.organization_id,
            time=at[state.id],
            data=state,
        )
        for state in await _states(session, found.scalars().all())
    }


async def _states(session: AsyncSession, customers: Sequence[Customer]) -> list[contracts.CustomerState]:
    """Two statements, however many customers."""
    owners = [customer.id for customer in customers]
    alive = select(Subscription).where(Subscription.customer_id.in_(owners), Subscription.status.in_(ACTIVE))
    active = defaultdict(list)
    for subscription in (await session.execute(alive.order_by(Subscription.id))).scalars():
        active[subscription.customer_id].append(_subscription(subscription))
    held = select(BenefitGrant.customer_id, BenefitGrant.data).where(
        BenefitGrant.customer_id.in_(owners), BenefitGrant.is_granted
    )
    granted = defaultdict(list)
    for row in await session.execute(held.order_by(BenefitGrant.id)):
        granted[row.customer_id].append(contracts.CustomerStateBenefitGrant.model_validate(row.data, **_TOLERANT))
    return [
        contracts.CustomerState(
            **events.shape(customer).model_dump(),
            active_subscriptions=active[customer.id],
            granted_benefits=granted[customer.id],
            active_meters=[],
        )
        for customer in customers
    ]


def _subscription(subscription: Subscription) -> contracts.CustomerStateSubscription:
    fields = subscriptions.summary(subscription).model_dump()
    return contracts.CustomerStateSubscription.model_validate(
        {**fields, "custom_field_data": subscription.custom_field_data, "meters": []}, **_TOLERANT
    )
