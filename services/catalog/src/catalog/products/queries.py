"""Reading products, with the benefits of their lists."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from contracts import catalog as contracts
from servicekit.auth import Principal, owned_by
from servicekit.database import Database
from servicekit.hot import Plain
from servicekit.lists import MetadataFilter, Page, Sorting, fetch_rows, metadata_matches, text_matches
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from catalog.benefits.models import Benefit
from catalog.custom_fields import queries as custom_fields
from catalog.files import queries as files
from catalog.files.events import shape as file_shape
from catalog.meters import queries as meters
from catalog.products.events import Surroundings, shape
from catalog.products.models import Price, Product
from catalog.products.schemas import ProductRead


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
    statement = select(Product).where(
        owned_by(principal, Product), Product.id == product_id, Product.deleted_at.is_(None)
    )
    if lock:
        statement = statement.with_for_update()
    statement = statement.options(selectinload(Product.prices))
    return (await session.execute(statement)).scalar_one_or_none()


async def list_products(
    session: AsyncSession, principal: Principal, wanted: ProductFilter, page: Page, sorting: Sorting
) -> tuple[list[str], int]:
    """A page of the caller's products, each in JSON as the API answers it: one statement."""
    statement = select(Product.id, Product.document).where(owned_by(principal, Product), Product.deleted_at.is_(None))
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
    rows, total = await fetch_rows(session, statement, page, sorting.clauses(columns, Product.id))
    missing = [row.id for row in rows if row.document is None]
    written = await _write(session, missing) if missing else {}
    return [row.document or written[row.id] for row in rows], total


PLAIN = {"is_archived": "is_archived = {}", "is_recurring": "(recurring_interval is not null) = {}"}


async def plain_page(database: Database, wanted: Plain) -> bytes | None:
    """The plainest page: `list_products` of one organization, as bytes. None where a product has no answer kept."""
    where = "organization_id = $1 and deleted_at is null"
    for name, value in wanted.filters.items():
        where += f" and {PLAIN[name].format(value)}"
    page = wanted.page
    row = await database.fetchrow(
        f"""
        with page as (
            select document, created_at, id from products where {where} order by created_at desc, id desc
            limit $2 offset $3
        )
        select
            (select coalesce(string_agg(document, ',' order by created_at desc, id desc), '') from page) as items,
            (select count(*) from page where document is null) as missing,
            (select count(*) from products where {where}) as total
        """,
        wanted.organization_id,
        page.limit,
        page.offset,
    )
    return None if row["missing"] else page.body(row["items"], row["total"])


async def _write(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, str]:
    """The answers of products that an earlier release wrote, which kept none."""
    statement = select(Product).where(Product.id.in_(ids)).options(selectinload(Product.prices))
    products = list((await session.execute(statement)).scalars())
    return {data.id: ProductRead.of(data).model_dump_json() for data in await shapes(session, products)}


async def shapes(session: AsyncSession, products: Iterable[Product]) -> list[contracts.Product]:
    """The public shapes of products, with what still exists of what they name."""
    products = list(products)
    owners = {product.organization_id for product in products}
    named = {benefit_id for product in products for benefit_id in product.benefit_ids}
    benefits: dict[UUID, dict[str, Any]] = {}
    if named:
        rows = await session.execute(select(Benefit.id, Benefit.data).where(Benefit.id.in_(named), ~Benefit.is_deleted))
        benefits = {row.id: row.data for row in rows}
    pictures = await files.medias(session, owners, [id for product in products for id in product.media_ids])
    asked = [UUID(one["custom_field_id"]) for product in products for one in product.custom_fields]
    fields = await custom_fields.live(session, owners, asked)
    metered = {id for product in products for price in product.prices if (id := (price.terms or {}).get("meter_id"))}
    around = Surroundings(
        benefits=benefits,
        medias={id: file_shape(file).model_dump(mode="json") for id, file in pictures.items()},
        custom_fields={id: field.data for id, field in fields.items()},
        meters=await meters.known(session, owners, [UUID(id) for id in metered]),
    )
    return [shape(product, around) for product in products]
