"""Cards that an earlier release gave to subscriptions of checkouts, and that nobody is known to have chosen.

Up to 6270c0c a subscription without a card was charged to its customer's default, and one whose card was removed went
on with another card: also one that somebody else had begun at a checkout for the customer's e-mail.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from servicekit.database import Sessions
from sqlalchemy import exists, select

from billing.customers import queries as customers
from billing.payment_methods.agreements import AgreedBy, SubscriptionCard, pay_with
from billing.subscriptions.models import Subscription

PAGE = 100


@dataclass(frozen=True)
class MovedCard:
    """A subscription that goes on with a card that is not its checkout's, and that nobody is known to have chosen."""

    subscription_id: UUID
    customer_id: UUID
    organization_id: UUID
    payment_method_id: UUID


async def moved_cards(sessions: Sessions) -> AsyncIterator[MovedCard]:
    """Every such subscription, in pages. A card that somebody chose since is not among them."""
    mine = SubscriptionCard.subscription_id == Subscription.id
    this_one = exists().where(mine, SubscriptionCard.payment_method_id == Subscription.payment_method_id)
    after = UUID(int=0)
    while True:
        statement = (
            select(Subscription)
            .where(
                Subscription.id > after, Subscription.ended_at.is_(None), Subscription.checkout_id.is_not(None),
                this_one.where(SubscriptionCard.agreed_by == AgreedBy.EARLIER_RELEASE),
                ~this_one.where(SubscriptionCard.agreed_by != AgreedBy.EARLIER_RELEASE),
            )
            .order_by(Subscription.id)
            .limit(PAGE)
        )  # fmt: skip
        async with sessions() as session:
            found = (await session.execute(statement)).scalars().all()
        for one in found:
            assert one.payment_method_id is not None
            yield MovedCard(one.id, one.customer_id, one.organization_id, one.payment_method_id)
        if len(found) < PAGE:
            return
        after = found[-1].id


async def release(sessions: Sessions, moved: MovedCard) -> None:
    """Takes the card from the subscription: its next charge fails, and the customer is asked for a card. Repeatable."""
    async with sessions() as session:
        await customers.lock(session, moved.customer_id)
        locked = select(Subscription).where(Subscription.id == moved.subscription_id).with_for_update()
        subscription = (await session.execute(locked)).scalar_one()
        if subscription.payment_method_id == moved.payment_method_id:
            pay_with(session, subscription, None, AgreedBy.OPERATOR)
