"""What can be done with products."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from contracts import catalog as contracts
from pricing.inputs import ExistingPrice, NewPrice, disagreeing
from pricing.sets import Kind, conflict
from servicekit import clock, ids, outbox
from servicekit.auth import Principal, owned_by
from servicekit.database import awaited
from servicekit.errors import InvalidInput, NotPermitted, ResourceNotFound
from servicekit.http import Dialect
from servicekit.quotas import Quotas
from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from catalog.benefits.models import Benefit
from catalog.custom_fields import queries as custom_fields
from catalog.files import queries as files
from catalog.meters import queries as meters
from catalog.products import events, queries
from catalog.products.models import Price, Product
from catalog.products.schemas import AttachedCustomFieldCreate, ProductCreate, ProductRead, ProductUpdate


class ProductNotDeletable(NotPermitted):
    """The product was sold, or a discount names it: it can only be archived."""


async def create(
    session: AsyncSession, principal: Principal, wish: ProductCreate, dialect: Dialect, quotas: Quotas
) -> contracts.Product:
    """Creates a product.

    Raises `InvalidInput` for prices that cannot stand together or unknown media files, and `QuotaExceeded`.
    """
    organization_id = principal.organization(wish.organization_id)
    media_ids = await _known_medias(session, organization_id, wish.medias or [], dialect)
    asked = await _known_fields(session, organization_id, wish.attached_custom_fields)
    await _known_meters(session, organization_id, wish.prices)
    _agree(wish.prices, is_recurring=wish.recurring_interval is not None)
    stand_together(wish.prices, is_recurring=wish.recurring_interval is not None)
    quotas.ensure("prices", len(wish.prices))
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
        trial_interval=wish.trial_interval,
        trial_interval_count=(wish.trial_interval_count or 1) if wish.trial_interval else None,
        meter_interval=wish.meter_interval,
        meter_interval_count=(wish.meter_interval_count or 1) if wish.meter_interval else None,
        is_archived=False,
        in_use=False,
        user_metadata=wish.metadata,
        benefit_ids=[],
        media_ids=media_ids,
        custom_fields=asked,
        prices=[],
    )
    for position, price in enumerate(wish.prices):
        product.prices.append(Price.of(product, position, price.model_dump(mode="json")))
    await quotas.ensure_room(session, Product, organization_id, Product.deleted_at.is_(None))
    session.add(product)
    data = await _documented(session, product)
    outbox.record(session, events.product_created(product, data))
    return data


async def get(session: AsyncSession, principal: Principal, product_id: UUID) -> contracts.Product:
    """Raises `ResourceNotFound`."""
    product = await queries.find(session, principal, product_id)
    if product is None:
        raise ResourceNotFound()
    return (await queries.shapes(session, [product]))[0]


async def update(
    session: AsyncSession,
    principal: Principal,
    product_id: UUID,
    changes: ProductUpdate,
    dialect: Dialect,
    quotas: Quotas,
) -> contracts.Product:
    """Changes a product. Raises `ResourceNotFound`, `QuotaExceeded`, or `InvalidInput` for what cannot be changed."""
    present = await queries.find(session, principal, product_id)
    if present is None:
        raise ResourceNotFound()
    owner, medias, fields = present.organization_id, None, None
    if changes.medias is not None:
        medias = await _known_medias(session, owner, changes.medias, dialect)
    if changes.attached_custom_fields is not None:
        fields = await _known_fields(session, owner, changes.attached_custom_fields)
    product = await _locked(session, principal, product_id)
    given = changes.model_fields_set
    product.media_ids = medias if medias is not None else product.media_ids
    product.custom_fields = fields if fields is not None else product.custom_fields
    for name in ("recurring_interval", "recurring_interval_count"):
        if name in given and getattr(changes, name) != getattr(product, name):
            raise InvalidInput(("body", name), "cannot be changed once the product exists")
    if changes.prices is not None:
        added = [price for price in changes.prices if not isinstance(price, ExistingPrice)]
        _agree(changes.prices, is_recurring=product.is_recurring)
        await _known_meters(session, product.organization_id, added)
        quotas.ensure("prices", len(product.prices) + len(added))
        _replace_prices(product, list(changes.prices))
    _change_trial(product, changes)
    for name in ("name", "visibility", "is_archived"):
        if name in given and getattr(changes, name) is not None:
            setattr(product, name, getattr(changes, name))
    if "description" in given:
        product.description = changes.description
    if changes.metadata is not None:
        product.user_metadata = changes.metadata
    return await _told(session, product)


async def delete(session: AsyncSession, principal: Principal, product_id: UUID) -> None:
    """Deletes a product that was never used. Raises `ResourceNotFound` or `ProductNotDeletable`."""
    product = await _locked(session, principal, product_id)
    if product.in_use:
        raise ProductNotDeletable("This product is in use: it can be archived, but not deleted")
    product.is_archived = True
    product.deleted_at = clock.now()
    await _told(session, product)


async def mark_in_use(session: AsyncSession, product_ids: Sequence[UUID]) -> None:
    """Products that were sold, or that a discount names, cannot be deleted any more; nobody else is told of it."""
    statement = (
        select(Product)
        .where(Product.id.in_(product_ids), ~Product.in_use)
        .order_by(Product.id)
        .with_for_update()
        .options(selectinload(Product.prices))
    )
    for product in (await session.execute(statement)).scalars().all():
        product.in_use = True
        await _documented(session, product)


async def update_benefits(
    session: AsyncSession, principal: Principal, product_id: UUID, benefit_ids: list[UUID]
) -> contracts.Product:
    """Replaces the whole list of benefits. Raises `ResourceNotFound`, or `InvalidInput` naming the benefit."""
    await _known_benefits(session, principal, benefit_ids)
    product = await _locked(session, principal, product_id)
    product.benefit_ids = list(dict.fromkeys(benefit_ids))
    return await _told(session, product)


async def archive_price(session: AsyncSession, price_id: UUID) -> bool:
    """Takes one price off sale, for whoever runs the suite. Returns False for what is no price on sale.

    The product and its other prices stay as they are, and so do subscriptions at this price.
    """
    statement = (
        select(Product)
        .join(Price, Price.product_id == Product.id)
        .where(Price.id == price_id, Product.deleted_at.is_(None))
        .with_for_update(of=Product)
        .options(selectinload(Product.prices))
    )
    product = (await session.execute(statement)).scalar_one_or_none()
    found = [price for price in product.prices_on_sale if price.id == price_id] if product else []
    if product is None or not found:
        return False
    found[0].archive(clock.now())
    await _told(session, product)
    return True


async def tell_of_benefit(session: AsyncSession, benefit_id: UUID) -> None:
    """Tells again of every product that gives a benefit which changed. A merchant has few products for one benefit."""
    await _tell_of_all(session, Product.benefit_ids.contains([benefit_id]))


async def tell_of_custom_field(session: AsyncSession, field_id: UUID) -> None:
    """Tells again of every product that asks a question which changed."""
    await _tell_of_all(session, Product.custom_fields.contains([{"custom_field_id": str(field_id)}]))


async def tell_of_media(session: AsyncSession, file_id: UUID) -> None:
    """Tells again of every product that shows a picture which got another name, or was deleted."""
    await _tell_of_all(session, Product.media_ids.contains([file_id]))


async def tell_of_meter(session: AsyncSession, meter_id: UUID) -> None:
    """Tells again of every product with a price by a meter which changed."""
    metered = select(Price.product_id).where(Price.terms["meter_id"].astext == str(meter_id))
    await _tell_of_all(session, Product.id.in_(metered))


async def _tell_of_all(session: AsyncSession, concerned: ColumnElement[bool]) -> None:
    statement = (
        select(Product)
        .where(concerned, Product.deleted_at.is_(None))
        .order_by(Product.id)
        .with_for_update()
        .options(selectinload(Product.prices))
    )
    for product in (await session.execute(statement)).scalars().all():
        await _told(session, product)


async def _known_benefits(session: AsyncSession, principal: Principal, benefit_ids: list[UUID]) -> None:
    """Waits for benefits that were created a moment ago. They stay as they are until the transaction ends.

    The product is locked afterwards, as the news of a benefit does: first the benefit, then its products.
    """
    statement = select(Benefit).where(owned_by(principal, Benefit), Benefit.id.in_(benefit_ids))
    statement = statement.order_by(Benefit.id).with_for_update(read=True)

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


async def _documented(session: AsyncSession, product: Product) -> contracts.Product:
    """Writes down how the API answers the product from now on."""
    data = (await queries.shapes(session, [product]))[0]
    product.document = ProductRead.of(data).model_dump_json()
    return data


async def _told(session: AsyncSession, product: Product) -> contracts.Product:
    product.modified_at = clock.now()
    data = await _documented(session, product)
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
        product.prices.append(Price.of(product, following + offset, price.model_dump(mode="json")))
    stand_together(product.prices_on_sale, is_recurring=product.is_recurring)


def _agree(prices: Sequence[ExistingPrice | NewPrice], *, is_recurring: bool) -> None:
    index = disagreeing(prices, is_recurring=is_recurring)
    if index is not None:
        raise InvalidInput(("body", "prices", index, "type"), "Contradicts the product's recurring_interval")


def stand_together(prices: Sequence[NewPrice | Price], *, is_recurring: bool) -> None:
    """Whether prices can be on sale together. Raises `InvalidInput` naming the one that cannot."""
    found = conflict(
        [Kind(price.amount_type, price.price_currency, _meter_of(price)) for price in prices], is_recurring=is_recurring
    )
    if found is not None:
        raise InvalidInput(("body", "prices", found[0]), found[1])


def _meter_of(price: NewPrice | Price) -> str | None:
    found = (
        price.terms.get("meter_id") if isinstance(price, Price) and price.terms else getattr(price, "meter_id", None)
    )
    return str(found) if found else None


def _change_trial(product: Product, changes: ProductUpdate) -> None:
    given = changes.model_fields_set
    if "trial_interval" in given:
        if changes.trial_interval is not None and not product.is_recurring:
            raise InvalidInput(("body", "trial_interval"), "Only a recurring product can have a trial")
        product.trial_interval = changes.trial_interval
        product.trial_interval_count = (product.trial_interval_count or 1) if changes.trial_interval else None
    if "trial_interval_count" in given and changes.trial_interval_count is not None:
        if product.trial_interval is None:
            raise InvalidInput(("body", "trial_interval_count"), "needs a trial_interval")
        product.trial_interval_count = changes.trial_interval_count


async def _known_medias(
    session: AsyncSession, organization_id: UUID, medias: Sequence[str], dialect: Dialect
) -> list[UUID]:
    """The ids of uploaded pictures. The documented example's placeholders, which are no ids, are let through."""
    wanted: dict[UUID, int] = {}
    for index, media in enumerate(medias):
        try:
            wanted[UUID(media)] = index
        except ValueError:
            if dialect is not Dialect.SEED:
                raise InvalidInput(("body", "medias", index), "File does not exist") from None
    known = await files.medias(session, [organization_id], wanted, share=True)
    for file_id, index in wanted.items():
        if file_id not in known:
            raise InvalidInput(("body", "medias", index), "File does not exist")
    return list(wanted)


async def _known_fields(
    session: AsyncSession, organization_id: UUID, attached: Sequence[AttachedCustomFieldCreate]
) -> list[dict[str, Any]]:
    asked = [one.custom_field_id for one in attached]
    known = await custom_fields.live(session, [organization_id], asked, share=True)
    seen: set[UUID] = set()
    for index, one in enumerate(attached):
        if one.custom_field_id not in known or one.custom_field_id in seen:
            why = "is attached twice" if one.custom_field_id in seen else "Custom field does not exist"
            raise InvalidInput(("body", "attached_custom_fields", index, "custom_field_id"), why)
        seen.add(one.custom_field_id)
    return [one.model_dump(mode="json") for one in attached]


async def _known_meters(session: AsyncSession, organization_id: UUID, prices: Sequence[NewPrice]) -> None:
    """Waits for meters that were created a moment ago."""
    wanted = {index: UUID(found) for index, price in enumerate(prices) if (found := _meter_of(price))}
    if not wanted:
        return

    async def all_known() -> dict[UUID, dict[str, Any]] | None:
        found = await meters.known(session, [organization_id], wanted.values())
        return found if set(wanted.values()) <= set(found) else None

    known = await awaited(all_known) or await meters.known(session, [organization_id], wanted.values())
    for index, meter_id in wanted.items():
        if meter_id not in known:
            raise InvalidInput(("body", "prices", index, "meter_id"), "Meter does not exist")
