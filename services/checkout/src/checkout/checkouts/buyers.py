"""Who buys: the customer that the seller named, else whoever has the e-mail when the purchase is confirmed.

The seller names a customer with a token; the public routes only know what somebody typed. What a stranger types never
decides over a customer that the seller named, and a promise to one customer ends with the attempt that made it.
"""

from datetime import timedelta
from uuid import UUID

from servicekit import clock, ids
from servicekit.errors import InvalidInput, NotPermitted
from servicekit.locks import one_at_a_time
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.checkouts.models import Checkout
from checkout.checkouts.schemas import Buyer, CheckoutUpdatePublic
from checkout.customers import operations as customers
from checkout.customers.models import Customer

ARRIVES_WITHIN = timedelta(days=1)
"""For how long a purchase counts as the holder of an external id without the customer's event from billing."""


class CheckoutCustomerDeleted(NotPermitted):
    """The customer that the seller named was deleted; the seller has to open another checkout."""


def ensure_email(checkout: Checkout, buyer: Buyer) -> None:
    """Refuses another e-mail than the named customer's from the buyer, and none at all from anybody.

    Raises `InvalidInput` naming `customer_email`.
    """
    if "customer_email" not in buyer.model_fields_set or checkout.seller_named_id is None:
        return
    given = buyer.customer_email
    is_same = given is not None and ids.email_key(given) == ids.email_key(checkout.customer_email or "")
    if given is None or (isinstance(buyer, CheckoutUpdatePublic) and not is_same):
        raise InvalidInput(("body", "customer_email"), "This checkout is for a customer that the seller named")


async def resolve(session: AsyncSession, checkout: Checkout, secret: str) -> UUID:
    """The id of the customer that a purchase belongs to. Looked up anew by every confirmation.

    Raises `CheckoutCustomerDeleted`, or `InvalidInput` naming `external_customer_id` and `customer_email` where they
    belong to two customers (Polar's rule, polarsource/polar #10260).
    """
    email, named_id = checkout.customer_email or "", checkout.seller_named_id
    if named_id is None:
        customer = await customers.find_email(session, checkout.organization_id, email)
    else:
        customer = await customers.find(session, checkout.organization_id, named_id)
        if customer is None:
            raise CheckoutCustomerDeleted("The customer of this checkout does not exist any more")
    await ensure_external_id(session, checkout, customer)
    if customer is not None:
        return customer.id
    return await customers.id_of_email(session, checkout.organization_id, email, secret)


async def is_new(session: AsyncSession, checkout: Checkout, customer_id: UUID) -> bool:
    """Whether the customer begins with this purchase: nobody has, or is about to have, anything under the id.

    Of two confirmations with one new e-mail the second waits for the first, at the row that promises the id.
    """
    if checkout.seller_named_id is not None:
        return False
    other = exists().where(
        Checkout.customer_id == customer_id,
        Checkout.id != checkout.id,
        Checkout.confirmed_at.is_not(None),
        Checkout.status.in_(("confirmed", "succeeded")),
    )
    known = exists().where(Customer.id == customer_id)
    return not (await session.execute(select(known | other))).scalar_one()


async def ensure_external_id(session: AsyncSession, checkout: Checkout, customer: Customer | None) -> None:
    """For the customer that buys, None for a new one. Raises one `InvalidInput` for both fields; see `resolve`."""
    external_id = checkout.external_customer_id
    if external_id is None:
        return
    await one_at_a_time(session, f"external id of {checkout.organization_id}: {external_id}")
    holder = await customers.find_external(session, checkout.organization_id, external_id)
    is_others = holder is not None and (customer is None or holder.id != customer.id)
    has_another = customer is not None and customer.external_id not in (None, external_id)
    if is_others or has_another or (holder is None and customer is None and await _is_promised(session, checkout)):
        message = "The e-mail and the external id belong to different customers"
        raise InvalidInput.all(
            [InvalidInput(("body", name), message) for name in ("external_customer_id", "customer_email")]
        )


async def _is_promised(session: AsyncSession, checkout: Checkout) -> bool:
    """Whether a new customer with another e-mail gets the external id, by a purchase that billing has not told of."""
    another = exists().where(
        Checkout.organization_id == checkout.organization_id,
        Checkout.external_customer_id == checkout.external_customer_id,
        Checkout.id != checkout.id,
        Checkout.status.in_(("confirmed", "succeeded")),
        Checkout.confirmed_at > clock.now() - ARRIVES_WITHIN,
        Checkout.customer_email != checkout.customer_email,
        ~exists().where(Customer.id == Checkout.customer_id),
    )
    return bool((await session.execute(select(another))).scalar_one())
