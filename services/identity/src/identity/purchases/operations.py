"""Opening the session that comes with a purchase, and ending it when somebody else buys with the same e-mail."""

from datetime import datetime
from uuid import UUID

from contracts.checkout import Purchase, PurchaseSession
from servicekit import clock, ids
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.customer_sessions.models import CustomerSession
from identity.customers.models import Customer
from identity.email_updates.models import EmailUpdate
from identity.purchases.models import FirstPurchase


async def keep(session: AsyncSession, purchase: Purchase) -> None:
    """Opens the session of a purchase, whatever the order in which a customer's purchases are heard of.

    A session of a new customer is good while their first purchase is the only one, and so is a change of address that
    was asked for in it: whoever typed the e-mail first sees nothing of what another buyer buys with it.
    """
    customer_id, given = purchase.customer.id, purchase.customer_session
    written = insert(FirstPurchase).values(customer_id=customer_id, checkout_id=purchase.checkout_id)
    is_first = (await session.execute(written.on_conflict_do_nothing().returning(FirstPurchase.checkout_id))).first()
    if is_first is None:
        # In this order: a link that is being followed now opens its session before this sees that it is used.
        for model in (EmailUpdate, CustomerSession):
            of_others = model.checkout_id.is_not(None), model.checkout_id != purchase.checkout_id
            await session.execute(delete(model).where(model.customer_id == customer_id, *of_others))
    if given is None:
        return
    if given.is_of_new_customer and (is_first is None or await _is_older(session, customer_id, purchase.succeeded_at)):
        return
    await session.execute(_opened(purchase, given).on_conflict_do_nothing())


def _opened(purchase: Purchase, given: PurchaseSession) -> Insert:
    return insert(CustomerSession).values(
        id=ids.uuid7(),
        organization_id=purchase.organization_id,
        created_at=clock.wall(),
        customer_id=purchase.customer.id,
        token_hash=bytes.fromhex(given.token_hash),
        expires_at=given.expires_at,
        checkout_id=purchase.checkout_id if given.is_of_new_customer else None,
    )


async def _is_older(session: AsyncSession, customer_id: UUID, succeeded_at: datetime) -> bool:
    """Whether the customer existed before the purchase, which the checkout did not know."""
    customer = await session.get(Customer, customer_id)
    return customer is not None and datetime.fromisoformat(customer.data["created_at"]) < succeeded_at
