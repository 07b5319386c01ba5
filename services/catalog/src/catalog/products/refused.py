"""Prices on sale that the rules of today refuse: what was sold before currencies and minimums were enforced."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pricing.inputs import PriceInput
from pydantic import BaseModel, TypeAdapter, ValidationError
from servicekit.database import Sessions
from sqlalchemy import select

from catalog.products.models import Price, Product

BATCH = 1000
_INPUT: TypeAdapter[BaseModel] = TypeAdapter(PriceInput)
_CONDITIONS = {
    "fixed": ("price_amount",),
    "custom": ("minimum_amount", "maximum_amount", "preset_amount"),
    "seat_based": ("seat_tiers",),
    "unit_based": ("tiers", "minimum_units"),
    "metered_unit": ("meter_id", "unit_amount", "cap_amount"),
    "metered_tiers": ("meter_id", "tiers", "cap_amount"),
}
"""What of each kind is looked at, as the API takes it."""


@dataclass(frozen=True)
class Refused:
    """A price on sale, and why it could not be made today."""

    organization_id: UUID
    product_id: UUID
    price_id: UUID
    reason: str


def refusal(price: Price) -> str | None:
    """Why a price could not be made today: the field and the rule; None where it could."""
    kept = {name: getattr(price, name, None) for name in ("price_amount", "minimum_amount", "maximum_amount")}
    kept |= {"preset_amount": price.preset_amount, **(price.terms or {})}
    given: dict[str, Any] = {"amount_type": price.amount_type, "price_currency": price.price_currency}
    for name in _CONDITIONS[price.amount_type]:
        if kept.get(name) is not None:
            given[name] = kept[name]
    try:
        _INPUT.validate_python(given)
    except ValidationError as error:
        problem = error.errors()[0]
        named = [str(part) for part in problem["loc"] if part != price.amount_type]
        return f"{'.'.join(named) or 'prices'} {problem['msg'].removeprefix('Value error, ')}"
    return None


async def refused_prices(sessions: Sessions) -> AsyncIterator[Refused]:
    """Every price on sale that could not be made today, a thousand looked at in a transaction."""
    after: UUID | None = None
    while True:
        statement = (
            select(Price)
            .join(Product, Product.id == Price.product_id)
            .where(~Price.is_archived, ~Product.is_archived, Product.deleted_at.is_(None))
            .order_by(Price.id)
            .limit(BATCH)
        )
        async with sessions() as session:
            page = statement if after is None else statement.where(Price.id > after)
            prices = (await session.execute(page)).scalars().all()
        for price in prices:
            reason = refusal(price)
            if reason is not None:
                yield Refused(price.organization_id, price.product_id, price.id, reason)
        if len(prices) < BATCH:
            return
        after = prices[-1].id
