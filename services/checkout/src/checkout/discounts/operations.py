"""What can be done with discounts, redeeming included."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from contracts import checkout as contracts
from pricing.currencies import ensure_whole
from servicekit import clock, ids, outbox
from servicekit.auth import Principal, owned_by
from servicekit.errors import InvalidInput, NotPermitted, ResourceNotFound
from servicekit.lists import Page, Sorting, fetch_page, text_matches
from servicekit.quotas import Quotas
from sqlalchemy import delete as sql_delete
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.discounts import events
from checkout.discounts.models import Discount, Redemption
from checkout.discounts.schemas import DiscountCreate, DiscountUpdate
from checkout.products.models import Product
from checkout.products.operations import awaited_products

FIXED = ("type", "duration", "duration_in_months")
"""What cannot be changed (Polar's rule)."""
VALUES = ("basis_points", "amount", "currency", "amounts")


class DiscountRedemptionLimitReached(NotPermitted):
    """The discount has been redeemed as often as it may be."""


async def create(
    session: AsyncSession, principal: Principal, wish: DiscountCreate, quotas: Quotas
) -> contracts.Discount:
    """Creates a discount. Raises `InvalidInput` for a code in use or an unknown product, and `QuotaExceeded`."""
    organization_id = principal.organization(wish.organization_id)
    products = await _products(session, organization_id, wish.products or [])
    await quotas.ensure_room(session, Discount, organization_id, Discount.deleted_at.is_(None))
    discount = Discount(
        id=ids.uuid7(),
        organization_id=organization_id,
        created_at=clock.now(),
        name=wish.name,
        code=wish.code,
        type=wish.type,
        duration=wish.duration,
        duration_in_months=wish.duration_in_months,
        basis_points=wish.basis_points if wish.type == "percentage" else None,
        amounts=wish.per_currency,
        starts_at=wish.starts_at,
        ends_at=wish.ends_at,
        max_redemptions=wish.max_redemptions,
        max_redemptions_per_customer=wish.max_redemptions_per_customer,
        redemptions_count=0,
        product_ids=[product.id for product in products],
        user_metadata=wish.metadata,
    )
    session.add(discount)
    await _written(session)
    data = events.shape(discount, products)
    outbox.record(session, events.discount_created(discount, data))
    return data


async def find(session: AsyncSession, principal: Principal, discount_id: UUID, *, lock: bool = False) -> Discount:
    """A live discount of the caller. Raises `ResourceNotFound`."""
    statement = select(Discount).where(
        owned_by(principal, Discount), Discount.id == discount_id, Discount.deleted_at.is_(None)
    )
    if lock:
        statement = statement.with_for_update()
    discount = (await session.execute(statement)).scalar_one_or_none()
    if discount is None:
        raise ResourceNotFound()
    return discount


async def get(session: AsyncSession, principal: Principal, discount_id: UUID) -> contracts.Discount:
    """Raises `ResourceNotFound`."""
    return (await shapes(session, [await find(session, principal, discount_id)]))[0]


async def list_discounts(
    session: AsyncSession,
    principal: Principal,
    organization_id: Sequence[UUID] | None,
    query: str | None,
    page: Page,
    sorting: Sorting,
) -> tuple[list[contracts.Discount], int]:
    """A page of the caller's discounts."""
    statement = select(Discount).where(owned_by(principal, Discount), Discount.deleted_at.is_(None))
    if organization_id is not None:
        statement = statement.where(Discount.organization_id.in_(organization_id))
    if query:
        statement = statement.where(text_matches(query, Discount.name, Discount.code))
    columns = {
        "created_at": Discount.created_at,
        "name": Discount.name,
        "code": Discount.code,
        "redemptions_count": Discount.redemptions_count,
        "ends_at": Discount.ends_at,
    }
    discounts, total = await fetch_page(session, statement, page, sorting.clauses(columns, Discount.id))
    return await shapes(session, discounts), total


async def change(
    session: AsyncSession, principal: Principal, discount_id: UUID, changes: DiscountUpdate
) -> contracts.Discount:
    """Changes a discount. Raises `ResourceNotFound`, or `InvalidInput` for a code in use or an unknown product."""
    discount = await find(session, principal, discount_id, lock=True)
    given = changes.model_dump(exclude_unset=True)
    for name in FIXED:
        if given.pop(name, None) not in (None, getattr(discount, name)):
            raise InvalidInput(("body", name), f"The {name} of a discount cannot be changed")
    _revalue(discount, {name: given.pop(name, None) for name in VALUES})
    products = given.pop("products", None)
    if products is not None:
        known = await _products(session, discount.organization_id, products)
        discount.product_ids = [product.id for product in known]
    metadata = given.pop("metadata", None)
    if metadata is not None:
        discount.user_metadata = metadata
    for name, value in given.items():
        if not (name == "name" and value is None):
            setattr(discount, name, value)
    if discount.starts_at and discount.ends_at and discount.ends_at <= discount.starts_at:
        raise InvalidInput(("body", "ends_at"), "ends_at should be after starts_at")
    discount.modified_at = clock.now()
    await _written(session)
    data = (await shapes(session, [discount]))[0]
    outbox.record(session, events.discount_updated(discount, data))
    return data


def _revalue(discount: Discount, given: Mapping[str, Any]) -> None:
    """Changes what a discount takes off; what is None stays. Raises `InvalidInput` naming what its type has not.

    `amounts` are all amounts from then on. An `amount` is that of its `currency`: the others of a discount with several
    currencies stay, and one with a single currency moves to the new one (Polar's rule, made before there were several).
    """
    of_type = ("basis_points",) if discount.type == "percentage" else ("amount", "amounts", "currency")
    for name, value in given.items():
        if value is not None and name not in of_type:
            raise InvalidInput(("body", name), f"A {discount.type} discount has no {name}")
    if given["amount"] is not None and given["amounts"] is not None:
        raise InvalidInput(("body", "amounts"), "Either amount or amounts")
    if given["basis_points"] is not None:
        discount.basis_points = given["basis_points"]
    if given["amounts"] is not None:
        discount.amounts = given["amounts"]
    if given["amount"] is None and given["currency"] is None:
        return
    present = discount.amounts or {}
    if given["amount"] is None:
        if given["currency"] != next(iter(present), None):
            raise InvalidInput(("body", "currency"), "needs an amount")
        return
    if given["currency"] is None and len(present) != 1:
        raise InvalidInput(("body", "currency"), "The discount has amounts in several currencies: name one, or amounts")
    currency = given["currency"] or next(iter(present))
    try:
        ensure_whole(given["amount"], currency)
    except ValueError as refusal:
        raise InvalidInput(("body", "amount"), str(refusal)) from None
    discount.amounts = {**(present if len(present) > 1 else {}), currency: given["amount"]}


async def remove(session: AsyncSession, principal: Principal, discount_id: UUID) -> None:
    """Deletes a discount; purchases that had it keep it. Raises `ResourceNotFound`."""
    discount = await find(session, principal, discount_id, lock=True)
    discount.deleted_at = clock.now()
    data = (await shapes(session, [discount]))[0]
    outbox.record(session, events.discount_deleted(discount, data))


async def by_code(session: AsyncSession, organization_id: UUID, code: str) -> Discount | None:
    """The live discount with a code, whatever its case."""
    statement = select(Discount).where(
        Discount.organization_id == organization_id, Discount.code == code, Discount.deleted_at.is_(None)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def by_id(session: AsyncSession, organization_id: UUID, discount_id: UUID) -> Discount | None:
    """A discount of the organization, a deleted one included."""
    statement = select(Discount).where(Discount.organization_id == organization_id, Discount.id == discount_id)
    return (await session.execute(statement)).scalar_one_or_none()


async def redeem(session: AsyncSession, discount: Discount, checkout_id: UUID, customer_id: UUID) -> None:
    """Counts one use, atomically. The discount's row stays locked until the caller's transaction ends.

    A use that the checkout has from an earlier attempt, which may still be paid, becomes this one. The caller has
    locked the checkout. Raises `DiscountRedemptionLimitReached` when none is left, in all or for this customer.
    """
    now = clock.now()
    held = await _held(session, checkout_id)
    if held is not None:
        both = select(Discount.id).where(Discount.id.in_((held, discount.id))).order_by(Discount.id)
        await session.execute(both.with_for_update())
        await release(session, checkout_id)
    counted = await session.execute(
        update(Discount)
        .where(
            Discount.id == discount.id,
            Discount.deleted_at.is_(None),
            (Discount.max_redemptions.is_(None)) | (Discount.redemptions_count < Discount.max_redemptions),
            (Discount.starts_at.is_(None)) | (Discount.starts_at <= now),
            (Discount.ends_at.is_(None)) | (Discount.ends_at > now),
        )
        .values(redemptions_count=Discount.redemptions_count + 1)
        .returning(Discount.redemptions_count)
        .execution_options(synchronize_session=False)
    )
    if counted.scalar_one_or_none() is None:
        raise DiscountRedemptionLimitReached("the discount can no longer be redeemed")
    # It was read before the update waited for it: its terms, and the limit for each customer, may be others now.
    await session.refresh(discount)
    if discount.max_redemptions_per_customer is not None:
        used = select(func.count()).where(Redemption.discount_id == discount.id, Redemption.customer_id == customer_id)
        if (await session.execute(used)).scalar_one() >= discount.max_redemptions_per_customer:
            raise DiscountRedemptionLimitReached("the customer has redeemed the discount as often as allowed")
    session.add(_redemption(discount, checkout_id, customer_id))
    await session.flush()


async def redeem_paid(session: AsyncSession, discount_id: UUID | None, checkout_id: UUID, customer_id: UUID) -> None:
    """Counts the use of a purchase that an earlier attempt paid, if it is not counted: also above the limit.

    What somebody has paid for is never refused. The caller has locked the checkout.
    """
    held = await _held(session, checkout_id)
    if held == discount_id:
        await session.execute(
            update(Redemption).where(Redemption.checkout_id == checkout_id).values(customer_id=customer_id)
        )
        return
    await release(session, checkout_id)
    if discount_id is not None:
        discount = await session.get_one(Discount, discount_id, with_for_update=True, populate_existing=True)
        discount.redemptions_count += 1
        session.add(_redemption(discount, checkout_id, customer_id))
        await session.flush()


def _redemption(discount: Discount, checkout_id: UUID, customer_id: UUID) -> Redemption:
    return Redemption(
        organization_id=discount.organization_id,
        discount_id=discount.id,
        checkout_id=checkout_id,
        customer_id=customer_id,
        created_at=clock.now(),
    )


async def _held(session: AsyncSession, checkout_id: UUID) -> UUID | None:
    """Of which discount a checkout has a use."""
    held = select(Redemption.discount_id).where(Redemption.checkout_id == checkout_id)
    return (await session.execute(held)).scalar_one_or_none()


async def is_live(session: AsyncSession, discount: Discount, checkout_id: UUID) -> bool:
    """Whether a checkout may have a discount: a use that it holds already is not counted against it."""
    now = clock.now()
    if discount.is_live(now):
        return True
    return discount.is_live(now, held=1) and await _held(session, checkout_id) == discount.id


async def release(session: AsyncSession, checkout_id: UUID) -> None:
    """Takes a checkout's redemption back, if it has one."""
    statement = sql_delete(Redemption).where(Redemption.checkout_id == checkout_id).returning(Redemption.discount_id)
    discount_id = (await session.execute(statement)).scalar_one_or_none()
    if discount_id is not None:
        await session.execute(
            update(Discount)
            .where(Discount.id == discount_id)
            .values(redemptions_count=Discount.redemptions_count - 1)
            .execution_options(synchronize_session=False)
        )


async def shapes(session: AsyncSession, discounts: Sequence[Discount]) -> list[contracts.Discount]:
    """The public shapes of discounts, with the products that they are limited to."""
    wanted = {product_id for discount in discounts for product_id in discount.product_ids}
    known: dict[UUID, Product] = {}
    if wanted:
        rows = await session.execute(select(Product).where(Product.id.in_(wanted)))
        known = {product.id: product for product in rows.scalars()}
    return [
        events.shape(discount, [known[product_id] for product_id in discount.product_ids if product_id in known])
        for discount in discounts
    ]


async def _products(session: AsyncSession, organization_id: UUID, product_ids: Sequence[UUID]) -> list[Product]:
    if not product_ids:
        return []
    known = await awaited_products(session, organization_id, product_ids)
    for index, product_id in enumerate(product_ids):
        if product_id not in known:
            raise InvalidInput(("body", "products", index), "Product does not exist")
    return [known[product_id] for product_id in dict.fromkeys(product_ids)]


async def _written(session: AsyncSession) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        if "discounts_code_key" in str(error.orig):
            raise InvalidInput(("body", "code"), "Discount with this code already exists") from None
        raise
