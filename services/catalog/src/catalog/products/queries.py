"""Reading products, with the benefits of their lists."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from contracts import catalog as contracts
from servicekit.auth import Principal, owned_by
from servicekit.lists import MetadataFilter, Page, Sorting, fetch_page, metadata_matches, text_matches
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from catalog.benefits.models import Benefit
from catalog.products.events import shape
from catalog.products.models import Price, Product


@dataclass(frozen=True)
class ProductFilter:
    """What a list of products is narrowed to; None does not narrow."""

    id: Sequence[UUID] | None = None
    organization_id: Sequence[UUID] | None = None
    query: str | None = None
    is_archived: bool | None = None
    is_recurring: bool | None = None
    benefit_id: Sequence[UUID] | None = None
    visibility: Sequence[str] | None = None
    metadata: MetadataFilter = field(default_factory=dict)


async def find(session: AsyncSession, principal: Principal, product_id: UUID, *, lock: bool = False) -> Product | None:
    """A product of the caller with its prices; locked for a change when asked."""
    statement = select(Product).where(owned_by(principal, Product), Product.id == product_id)
    if lock:
        statement = statement.with_for_update()
    statement = statement.options(selectinload(Product.prices))
    return (await session.execute(statement)).scalar_one_or_none()


async def list_products(
    session: AsyncSession, principal: Principal, wanted: ProductFilter, page: Page, sorting: Sorting
) -> tuple[list[contracts.Product], int]:
    """A page of the caller's products: four statements whatever its size."""
    statement = select(Product).where(owned_by(principal, Product))
    for column, values in (
        (Product.id, wanted.id),
        (Product.organization_id, wanted.organization_id),
        (Product.visibility, wanted.visibility),
    ):
        if values is not None:
            statement = statement.where(column.in_(values))
    if wanted.query:
        statement = statement.where(text_matches(wanted.query, Product.name))
    if wanted.is_archived is not None:
        statement = statement.where(Product.is_archived == wanted.is_archived)
    if wanted.is_recurring is not None:
        statement = statement.where(Product.recurring_interval.is_not(None) == wanted.is_recurring)
    if wanted.benefit_id is not None:
        statement = statement.where(Product.benefit_ids.overlap(list(wanted.benefit_id)))
    statement = statement.where(*metadata_matches(Product.user_metadata, wanted.metadata))
    on_sale = (Price.product_id == Product.id, ~Price.is_archived)
    amount = func.coalesce(func.nullif(Price.price_amount, 0), Price.preset_amount, Price.minimum_amount, 0)
    first_amount = select(amount).where(*on_sale).order_by(Price.position).limit(1).scalar_subquery()
    first_kind = select(Price.amount_type).where(*on_sale).order_by(Price.position).limit(1).scalar_subquery()
    columns: dict[str, Any] = {
        "created_at": Product.created_at,
        "name": Product.name,
        "price_amount": first_amount,
        "price_amount_type": first_kind,
    }
    statement = statement.options(selectinload(Product.prices))
    products, total = await fetch_page(session, statement, page, sorting.clauses(columns, Product.id))
    return await shapes(session, products), total


async def shapes(session: AsyncSession, products: Iterable[Product]) -> list[contracts.Product]:
    """The public shapes of products, with the benefits that still exist."""
    products = list(products)
    wanted = {benefit_id for product in products for benefit_id in product.benefit_ids}
    known: dict[UUID, dict[str, Any]] = {}
    if wanted:
        rows = await session.execute(
            select(Benefit.id, Benefit.data).where(Benefit.id.in_(wanted), ~Benefit.is_deleted)
        )
        known = {row.id: row.data for row in rows}
    return [
        shape(product, [known[benefit_id] for benefit_id in product.benefit_ids if benefit_id in known])
        for product in products
    ]
