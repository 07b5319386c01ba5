"""Reading checkout links, with their products and discounts."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from servicekit import clocks
from servicekit.auth import Principal, owned_by
from servicekit.lists import Page, Sorting, fetch_page
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.checkout_links.models import CheckoutLink
from checkout.checkout_links.schemas import CheckoutLinkRead
from checkout.discounts import operations as discounts
from checkout.discounts.models import Discount
from checkout.products.models import Product

COLUMNS: dict[str, Any] = {
    "created_at": CheckoutLink.created_at,
    "label": CheckoutLink.label,
    "success_url": CheckoutLink.success_url,
    "allow_discount_codes": CheckoutLink.allow_discount_codes,
}


async def list_links(
    session: AsyncSession,
    principal: Principal,
    organization_id: Sequence[UUID] | None,
    product_id: Sequence[UUID] | None,
    page: Page,
    sorting: Sorting,
) -> tuple[list[CheckoutLink], int]:
    """A page of the caller's links."""
    statement = select(CheckoutLink).where(owned_by(principal, CheckoutLink), CheckoutLink.deleted_at.is_(None))
    if organization_id is not None:
        statement = statement.where(CheckoutLink.organization_id.in_(organization_id))
    if product_id is not None:
        statement = statement.where(CheckoutLink.product_ids.overlap(list(product_id)))
    return await fetch_page(session, statement, page, sorting.clauses(COLUMNS, CheckoutLink.id))


async def find(session: AsyncSession, principal: Principal, id: UUID, *, lock: bool = False) -> CheckoutLink | None:
    """A link of the caller, locked for a change when asked."""
    statement = select(CheckoutLink).where(
        owned_by(principal, CheckoutLink), CheckoutLink.id == id, CheckoutLink.deleted_at.is_(None)
    )
    return (await session.execute(statement.with_for_update() if lock else statement)).scalar_one_or_none()


async def by_secret(session: AsyncSession, client_secret: str) -> CheckoutLink | None:
    """The link that a buyer follows, at its organization's clock: whoever has the secret may."""
    statement = select(CheckoutLink, clocks.instant_at(CheckoutLink.organization_id)).where(
        CheckoutLink.client_secret == client_secret, CheckoutLink.deleted_at.is_(None)
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        return None
    clocks.stand(row.CheckoutLink.organization_id, row.instant)
    return cast(CheckoutLink, row.CheckoutLink)


async def shapes(session: AsyncSession, links: Sequence[CheckoutLink], public_url: str) -> list[CheckoutLinkRead]:
    """What the API shows of links: their products as they are now, less those that are gone."""
    product_ids = {product_id for link in links for product_id in link.product_ids}
    rows = await session.execute(select(Product).where(Product.id.in_(product_ids)))
    products = {product.id: product.data for product in rows.scalars()}
    wanted = {link.discount_id for link in links if link.discount_id}
    found = (await session.execute(select(Discount).where(Discount.id.in_(wanted)))).scalars().all() if wanted else []
    shown = {discount.id: discount for discount in await discounts.shapes(session, found)}
    return [
        CheckoutLinkRead(
            id=link.id,
            created_at=link.created_at,
            modified_at=link.modified_at,
            metadata=link.user_metadata,
            client_secret=link.client_secret,
            url=f"{public_url}/v1/checkout-links/{link.client_secret}/redirect",
            success_url=link.success_url,
            return_url=link.return_url,
            label=link.label,
            allow_discount_codes=link.allow_discount_codes,
            require_billing_address=link.require_billing_address,
            trial_interval=link.trial_interval,
            trial_interval_count=link.trial_interval_count,
            seats=link.seats,
            units=link.units,
            discount_id=link.discount_id,
            discount=shown.get(link.discount_id) if link.discount_id else None,
            organization_id=link.organization_id,
            products=[products[product_id] for product_id in link.product_ids if product_id in products],
        )
        for link in links
    ]
