"""What can be done with products."""

from collections.abc import Sequence
from uuid import UUID

from contracts import catalog as contracts
from servicekit import clock, ids, outbox
from servicekit.auth import Principal, owned_by
from servicekit.database import awaited
from servicekit.errors import InvalidInput, ResourceNotFound
from servicekit.http import Dialect
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from catalog.benefits.models import Benefit
from catalog.products import events, queries
from catalog.products.models import Price, Product
from catalog.products.schemas import ExistingPrice, NewPrice, ProductCreate, ProductUpdate


async def create(
    session: AsyncSession, principal: Principal, wish: ProductCreate, dialect: Dialect
) -> contracts.Product:
    """Creates a product. Raises `InvalidInput` for prices that cannot stand together or unknown media files."""
    organization_id = principal.organization(wish.organization_id)
    _refuse_medias(wish.medias, dialect)
    _stand_together(wish.prices)
    recurring = wish.recurring_interval is not None
    product = Product(
        id=ids.uuid7(),
        organization_id=organization_id,
        created_at=clock.now(),
        name=wish.name,
        description=wish.description,
        visibility=wish.visibility,
        recurring_interval=wish.recurring_interval,
        recurring_interval_count=(wish.recurring_interval_count or 1) if recurring else None,
        is_archived=False,
        user_metadata=wish.metadata,
        benefit_ids=[],
        prices=[],
    )
    for position, price in enumerate(wish.prices):
        product.prices.append(Price.of(product, position, price.model_dump()))
    session.add(product)
    data = events.shape(product, [])
    outbox.record(session, events.product_created(product, data))
    return data


async def get(session: AsyncSession, principal: Principal, product_id: UUID) -> contracts.Product:
    """Raises `ResourceNotFound`."""
    product = await queries.find(session, principal, product_id)
    if product is None:
        raise ResourceNotFound()
    return (await queries.shapes(session, [product]))[0]


async def update(
    session: AsyncSession, principal: Principal, product_id: UUID, changes: ProductUpdate, dialect: Dialect
) -> contracts.Product:
    """Changes a product. Raises `ResourceNotFound`, or `InvalidInput` for what cannot be changed."""
    product = await _locked(session, principal, product_id)
    given = changes.model_fields_set
    _refuse_medias(changes.medias, dialect)
    for name in ("recurring_interval", "recurring_interval_count"):
        if name in given and getattr(changes, name) != getattr(product, name):
            raise InvalidInput(("body", name), "cannot be changed once the product exists")
    if changes.prices is not None:
        _replace_prices(product, list(changes.prices))
    for name in ("name", "visibility", "is_archived"):
        if name in given and getattr(changes, name) is not None:
            setattr(product, name, getattr(changes, name))
    if "description" in given:
        product.description = changes.description
    if changes.metadata is not None:
        product.user_metadata = changes.metadata
    return await _told(session, product)


async def update_benefits(
    session: AsyncSession, principal: Principal, product_id: UUID, benefit_ids: list[UUID]
) -> contracts.Product:
    """Replaces the whole list of benefits. Raises `ResourceNotFound`, or `InvalidInput` naming the benefit."""
    await _known_benefits(session, principal, benefit_ids)
    product = await _locked(session, principal, product_id)
    product.benefit_ids = list(dict.fromkeys(benefit_ids))
    return await _told(session, product)


async def tell_of_benefit(session: AsyncSession, benefit_id: UUID) -> None:
    """Tells again of every product that gives a benefit which changed. A merchant has few products for one benefit."""
    statement = (
        select(Product)
        .where(Product.benefit_ids.contains([benefit_id]))
        .order_by(Product.id)
        .with_for_update()
        .options(selectinload(Product.prices))
    )
    for product in (await session.execute(statement)).scalars().all():
        await _told(session, product)


async def _known_benefits(session: AsyncSession, principal: Principal, benefit_ids: list[UUID]) -> None:
    """Waits for benefits that were created a moment ago."""
    statement = select(Benefit).where(owned_by(principal, Benefit), Benefit.id.in_(benefit_ids))

    async def all_known() -> dict[UUID, Benefit] | None:
        found = {benefit.id: benefit for benefit in (await session.execute(statement)).scalars()}
        return found if len(found) == len(set(benefit_ids)) else None

    known = await awaited(all_known)
    if known is None:
        known = {benefit.id: benefit for benefit in (await session.execute(statement)).scalars()}
    for index, benefit_id in enumerate(benefit_ids):
        benefit = known.get(benefit_id)
        if benefit is None or benefit.is_deleted:
            raise InvalidInput(("body", "benefits", index), "Benefit does not exist")
        if not benefit.selectable:
            raise InvalidInput(("body", "benefits", index), "Benefit cannot be selected")


async def _locked(session: AsyncSession, principal: Principal, product_id: UUID) -> Product:
    product = await queries.find(session, principal, product_id, lock=True)
    if product is None:
        raise ResourceNotFound()
    return product


async def _told(session: AsyncSession, product: Product) -> contracts.Product:
    product.modified_at = clock.now()
    data = (await queries.shapes(session, [product]))[0]
    outbox.record(session, events.product_updated(product, data))
    return data


def _replace_prices(product: Product, wanted: list[ExistingPrice | NewPrice]) -> None:
    on_sale = {price.id: price for price in product.prices_on_sale}
    kept: set[UUID] = set()
    added: list[NewPrice] = []
    for index, price in enumerate(wanted):
        if isinstance(price, ExistingPrice):
            if price.id not in on_sale:
                raise InvalidInput(("body", "prices", index, "id"), "Price does not exist")
            kept.add(price.id)
        else:
            added.append(price)
    now = clock.now()
    for price_id, present in on_sale.items():
        if price_id not in kept:
            present.archive(now)
    following = max((price.position for price in product.prices), default=-1) + 1
    for offset, price in enumerate(added):
        product.prices.append(Price.of(product, following + offset, price.model_dump()))
    _stand_together(product.prices_on_sale)


def _stand_together(prices: Sequence[NewPrice | Price]) -> None:
    """One price a currency, and of one kind in all of them (Polar's rule; polar-api.md 4.3)."""
    seen: set[str] = set()
    for index, price in enumerate(prices):
        if price.price_currency in seen:
            raise InvalidInput(("body", "prices", index), "There can be one price for each currency")
        if price.amount_type != prices[0].amount_type:
            raise InvalidInput(("body", "prices", index), "All currencies need a price of the same kind")
        seen.add(price.price_currency)


def _refuse_medias(medias: list[str] | None, dialect: Dialect) -> None:
    """No file exists yet. The documented example's placeholders, which are no ids, are let through in its dialect."""
    for index, media in enumerate(medias or []):
        try:
            UUID(media)
        except ValueError:
            if dialect is Dialect.SEED:
                continue
        raise InvalidInput(("body", "medias", index), "File does not exist")
