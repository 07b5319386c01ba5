"""Who agreed that a card pays for a subscription: recorded with every choice, and checked by an invariant.

A subscription is charged to its own card alone: that of its checkout, or one that its customer chose in the portal, or
the seller with a token. Each choice is a row that is never changed.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

from contracts.checkout import Purchase
from servicekit import clock, ids
from servicekit.auth import Principal
from servicekit.database import Record
from servicekit.errors import InvalidInput
from sqlalchemy import BigInteger, ColumnElement, Identity, Index, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from billing.database import Base
from billing.orders.models import Order
from billing.subscriptions.models import Subscription


class AgreedBy(StrEnum):
    """Whose act made a card the one that pays for a subscription."""

    CHECKOUT = "checkout"
    """It was entered at a checkout for the e-mail of a customer who existed: perhaps by somebody else."""
    FIRST_CHECKOUT = "first_checkout"
    """It was entered at the checkout that introduced the customer, or chosen in the session that came with that one."""
    OWN_CHECKOUT = "own_checkout"
    """It was entered at a checkout whose customer the seller had named; in earlier releases `first_checkout` too."""
    CUSTOMER = "customer"
    """The customer chose it in the portal."""
    SELLER = "seller"
    """The seller chose it with a token."""
    EARLIER_RELEASE = "earlier_release"
    """It paid for the subscription when this table was made: nobody recorded who had chosen it."""
    OPERATOR = "operator"
    """The operator took a card away that an earlier release had given (`./polar leftovers`)."""


OWN = (AgreedBy.OWN_CHECKOUT, AgreedBy.CUSTOMER, AgreedBy.SELLER)
"""With these the subscription is known to be the customer's: what they do with their cards in the portal counts for it.

Anybody can begin a subscription for another person's e-mail at a checkout. Such a one is charged to the card of that
checkout until its customer or the seller chooses a card for it by name. Who came first is no more than who came later:
a subscription of `FIRST_CHECKOUT` is the customer's as long as nothing else was bought with their e-mail.
"""


class SubscriptionCard(Record, Base):
    """A card that somebody agreed to for a subscription, at `created_at`; no card: it began without one.

    A subscription without any row was begun by an earlier release: its charges are not judged.
    """

    __tablename__ = "subscription_cards"

    subscription_id: Mapped[UUID]
    payment_method_id: Mapped[UUID | None]
    agreed_by: Mapped[str]
    position: Mapped[int] = mapped_column(BigInteger, Identity())
    """Counts the choices: at a test clock many have one instant."""


Index("subscription_cards_subscription_idx", SubscriptionCard.subscription_id, SubscriptionCard.position)
Index("subscription_cards_method_idx", SubscriptionCard.payment_method_id)


def actor(principal: Principal) -> AgreedBy:
    """Whose act a request is: the customer's in the portal, or the seller's.

    In the session that came with their first purchase a customer has not proven their address.
    """
    if principal.kind != "customer":
        return AgreedBy.SELLER
    return AgreedBy.CUSTOMER if principal.checkout_id is None else AgreedBy.FIRST_CHECKOUT


def of_purchase(purchase: Purchase, *, is_new: bool) -> AgreedBy:
    """Whose act a purchase is; `is_new`: it introduced its customer."""
    if purchase.customer.is_named:
        return AgreedBy.OWN_CHECKOUT
    return AgreedBy.FIRST_CHECKOUT if is_new else AgreedBy.CHECKOUT


async def owned(session: AsyncSession, subscriptions: Iterable[Subscription]) -> list[Subscription]:
    """Those of the subscriptions that are known to be their customer's own (`OWN`).

    The caller has locked the customer, so that no purchase is written meanwhile.
    """
    found = list(subscriptions)
    known = (
        select(SubscriptionCard.subscription_id, SubscriptionCard.agreed_by)
        .where(SubscriptionCard.subscription_id.in_([one.id for one in found]))
        .order_by(SubscriptionCard.position)
    )
    await session.flush()
    by = {row.subscription_id: row.agreed_by for row in (await session.execute(known)).all()} if found else {}
    first = [one.id for one in found if by.get(one.id) == AgreedBy.FIRST_CHECKOUT]
    alone = await _without_others(session, first) if first else set()
    return [one for one in found if by.get(one.id) in OWN or one.id in alone]


async def _without_others(session: AsyncSession, subscription_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the subscriptions whose customer has bought nothing at another checkout."""
    other = exists().where(
        Order.customer_id == Subscription.customer_id,
        Order.checkout_id.is_not(None),
        Order.checkout_id != Subscription.checkout_id,
    )
    return set(
        (await session.execute(select(Subscription.id).where(Subscription.id.in_(subscription_ids), ~other))).scalars()
    )


def is_own_card(payment_method_id: Any) -> ColumnElement[bool]:
    """The condition that a card is the customer's own: not one that is known from a checkout for their e-mail alone."""
    known = select(SubscriptionCard.id).where(SubscriptionCard.payment_method_id == payment_method_id)
    return or_(
        known.where(SubscriptionCard.agreed_by.in_(OWN)).exists(),
        ~known.where(SubscriptionCard.agreed_by == AgreedBy.CHECKOUT).exists(),
    )


async def is_chosen(session: AsyncSession, by: AgreedBy, payment_method_id: UUID, present_id: UUID | None) -> bool:
    """Whether a card that is named for what `present_id` pays for, if anything does, becomes a recorded choice.

    In the portal a card that is known from a checkout for the customer's e-mail alone may be somebody else's: it goes
    on paying for what it was entered for, and naming it there makes it nobody's choice. For anything else it is refused
    with `InvalidInput`. A seller's token may choose any.
    """
    if by is AgreedBy.SELLER or (await session.execute(select(is_own_card(payment_method_id)))).scalar_one():
        return True
    if payment_method_id != present_id:
        message = "This card was entered at a checkout: add it here to use it for more"
        raise InvalidInput(("body", "payment_method_id"), message)
    return False


def pay_with(
    session: AsyncSession, subscription: Subscription, payment_method_id: UUID | None, agreed_by: AgreedBy
) -> None:
    """Makes a card the one that pays for a subscription, or none, and records whose choice it was.

    The caller has locked the subscription's customer and the subscription, or has just made it.
    """
    subscription.payment_method_id = payment_method_id
    session.add(
        SubscriptionCard(
            id=ids.uuid7(),
            organization_id=subscription.organization_id,
            created_at=clock.now(),
            subscription_id=subscription.id,
            payment_method_id=payment_method_id,
            agreed_by=agreed_by,
        )
    )
