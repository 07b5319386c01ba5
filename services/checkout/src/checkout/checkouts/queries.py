"""Reading checkouts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from servicekit import clocks
from servicekit.auth import Principal, owned_by
from servicekit.lists import Page, Sorting, fetch_page, text_matches
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.checkouts.models import Checkout


@dataclass(frozen=True)
class CheckoutFilter:
    """What a list of checkouts is narrowed to; None does not narrow."""

    organization_id: Sequence[UUID] | None = None
    product_id: Sequence[UUID] | None = None
    customer_id: Sequence[UUID] | None = None
    external_customer_id: Sequence[str] | None = None
    status: Sequence[str] | None = None
    query: str | None = None


async def find(
    session: AsyncSession, principal: Principal, checkout_id: UUID, *, lock: bool = False
) -> Checkout | None:
    """A checkout of the caller, locked for a change when asked."""
    statement = select(Checkout).where(owned_by(principal, Checkout), Checkout.id == checkout_id)
    return (await session.execute(statement.with_for_update() if lock else statement)).scalar_one_or_none()


async def by_secret(session: AsyncSession, client_secret: str, *, lock: bool = False) -> Checkout | None:
    """The checkout that a client secret opens: whoever has the secret may act on it, at its organization's clock."""
    statement = select(Checkout, clocks.instant_at(Checkout.organization_id)).where(
        Checkout.client_secret == client_secret
    )
    row = (await session.execute(statement.with_for_update(of=Checkout) if lock else statement)).one_or_none()
    if row is None:
        return None
    clocks.stand(row.Checkout.organization_id, row.instant)
    return cast(Checkout, row.Checkout)


async def locked(session: AsyncSession, checkout_id: UUID) -> Checkout:
    """A checkout of anybody's, locked, for the suite's own work."""
    statement = select(Checkout).where(Checkout.id == checkout_id).with_for_update()
    return (await session.execute(statement)).scalar_one()


async def list_checkouts(
    session: AsyncSession, principal: Principal, wanted: CheckoutFilter, page: Page, sorting: Sorting
) -> tuple[list[Checkout], int]:
    """A page of the caller's checkouts: two statements whatever its size."""
    statement = select(Checkout).where(owned_by(principal, Checkout))
    for column, values in (
        (Checkout.organization_id, wanted.organization_id),
        (Checkout.product_id, wanted.product_id),
        (Checkout.customer_id, wanted.customer_id),
        (Checkout.external_customer_id, wanted.external_customer_id),
        (Checkout.status, wanted.status),
    ):
        if values is not None:
            statement = statement.where(column.in_(values))
    if wanted.query:
        statement = statement.where(text_matches(wanted.query, Checkout.customer_email))
    columns = {"created_at": Checkout.created_at, "expires_at": Checkout.expires_at, "status": Checkout.status}
    return await fetch_page(session, statement, page, sorting.clauses(columns, Checkout.id))
