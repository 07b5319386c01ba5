"""Purchases that an earlier release gave to a customer with another e-mail than the buyer's, and their cards.

Up to 6270c0c two addresses were one customer where Unicode's case folding made them equal (`straße`, `strasse`), and
a purchase after a declined card stayed with the customer of the first address. The buyer's card became the default
of that customer, who could be anybody. Checkout has the addresses: `python -m checkout.commands buyers`.
"""

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from servicekit import ids
from servicekit.database import Sessions
from sqlalchemy import text

from billing.customers import queries
from billing.payment_methods.operations import choose

PAGE = 500
_FOUND = text(
    """
    select o.id as order_id, o.organization_id, c.id as customer_id, c.email::text as email, b.email as bought_with,
           c.default_payment_method_id as card_id, m.id is not null as has_card
    from unnest(cast(:checkouts as uuid[]), cast(:emails as text[])) b (checkout_id, email)
    join orders o on o.checkout_id = b.checkout_id
    join customers c on c.id = o.customer_id and c.deleted_at is null
    left join payment_methods m on m.id = c.default_payment_method_id and (
        exists (select 1 from subscriptions s where s.id = o.subscription_id and s.payment_method_id = m.id)
        or exists (
            select 1 from payments p where p.order_id = o.id and p.processor_payment_method_id = m.processor_id
        )
    )
    where c.email <> b.email::citext
    order by o.id
    """
)


@dataclass(frozen=True)
class Misplaced:
    """A purchase that belongs to a customer with another address than its buyer's.

    `is_merged`: case folding made the addresses equal. `card_id`: the buyer's card, where it is the customer's default.
    """

    order_id: UUID
    organization_id: UUID
    customer_id: UUID
    is_merged: bool
    card_id: UUID | None


async def misplaced(sessions: Sessions, buyers: Iterable[str], secret: str) -> AsyncIterator[Misplaced]:
    """Every such purchase. `buyers` are checkout's lines. A customer who changed their own address is left out."""
    lines = iter(buyers)
    while page := [json.loads(line) for line in islice(lines, PAGE)]:
        for one in await _of(sessions, page, secret):
            yield one


async def _of(sessions: Sessions, page: Sequence[dict[str, str]], secret: str) -> list[Misplaced]:
    given = {"checkouts": [one["checkout_id"] for one in page], "emails": [one["email"] for one in page]}
    async with sessions() as session:
        rows = (await session.execute(_FOUND, given)).all()
    found = []
    for row in rows:
        is_merged = row.email.casefold() == row.bought_with.casefold()
        original = ids.derive(secret, str(row.organization_id), ids.email_key(row.bought_with))
        if is_merged or row.customer_id != original:
            card_id = row.card_id if row.has_card else None
            found.append(Misplaced(row.order_id, row.organization_id, row.customer_id, is_merged, card_id))
    return found


async def release(sessions: Sessions, one: Misplaced) -> None:
    """Takes the buyer's card from the customer: it is no default any more. It goes on paying for its subscription.

    May be repeated.
    """
    async with sessions() as session:
        customer = await queries.lock(session, one.customer_id)
        if customer.default_payment_method_id == one.card_id:
            choose(session, customer, None)
