"""What a checkout offers: products, the prices that they have in it, and the one that is chosen among them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from contracts import catalog
from pricing.inputs import StaticPrice, disagreeing, with_ends
from pricing.sets import Kind, conflict
from servicekit import clock, ids
from servicekit.auth import Principal
from servicekit.errors import InvalidInput
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.checkouts.models import Checkout
from checkout.checkouts.schemas import CheckoutConfirm, CheckoutCreate, CheckoutUpdate, CheckoutUpdatePublic
from checkout.products.models import Product
from checkout.products.operations import awaited_price, awaited_products


@dataclass(frozen=True)
class Offer:
    """What a new checkout is for. The first of `products` is chosen, at `price`."""

    products: list[Product]
    price: catalog.Price
    ad_hoc_prices: dict[str, Any] | None = None
    """As the checkout keeps them: public shapes of prices, by the product's id."""


async def of_new(session: AsyncSession, principal: Principal, request: CheckoutCreate) -> Offer:
    """What a new checkout is for. Raises `InvalidInput` naming what does not exist, or is not on sale."""
    problem = InvalidInput(("body", "product_price_id"), "Price does not exist")
    if request.prices and request.product_price_id is not None:
        raise InvalidInput(("body", "prices"), "Prices of this checkout need products, not a price of the catalog")
    for organization_id in principal.organization_ids:
        if request.product_price_id is not None:
            product = await awaited_price(session, organization_id, request.product_price_id)
            if product is not None:
                return Offer([product], on_sale(product.shape, request.product_price_id, None, ("product_price_id",)))
            continue
        named = request.products or ([request.product_id] if request.product_id else [])
        locs = [("products", index) for index in range(len(named))] if request.products else [("product_id",)]
        known = await awaited_products(session, organization_id, named)
        missing = [loc for loc, product_id in zip(locs, named, strict=True) if product_id not in known]
        if missing:
            problem = InvalidInput(("body", *missing[0]), "Product does not exist")
            continue
        own = _ad_hoc(known, request.prices or {})
        shapes = [known[one].shape.model_copy(update={"prices": own[one]} if one in own else {}) for one in named]
        prices = [on_sale(shape, None, request.currency, loc) for loc, shape in zip(locs, shapes, strict=True)]
        kept = {str(id): [price.model_dump(mode="json") for price in prices] for id, prices in own.items()}
        return Offer([known[product_id] for product_id in dict.fromkeys(named)], prices[0], kept or None)
    raise problem


def chooses(checkout: Checkout, changes: CheckoutUpdate | CheckoutUpdatePublic) -> bool:
    """Whether a product, a price or a currency is chosen.

    A confirmation names what its buyer was shown: where that is what the checkout has, nothing is chosen anew.
    """
    present = {"product_id": checkout.product_id, "product_price_id": checkout.price_id, "currency": checkout.currency}
    named = {name: value for name in present if (value := getattr(changes, name)) is not None}
    return bool(named) and not (isinstance(changes, CheckoutConfirm) and named.items() <= present.items())


async def chosen(
    session: AsyncSession, checkout: Checkout, changes: CheckoutUpdate | CheckoutUpdatePublic
) -> tuple[Product, catalog.Price]:
    """What is chosen instead: by a buyer among what is offered, by the seller anything on sale.

    A price alone chooses its product, where that is offered. Raises `InvalidInput` naming what cannot be chosen.
    """
    offered = {product.id: product for product in checkout.products}
    product_id = changes.product_id or next(
        (one.id for one in offered.values() if any(price.id == changes.product_price_id for price in one.prices)),
        checkout.product_id,
    )
    if product_id not in offered and isinstance(changes, CheckoutUpdatePublic):
        raise InvalidInput(("body", "product_id"), "Product is not offered by this checkout")
    known = await awaited_products(session, checkout.organization_id, [product_id])
    if product_id not in known:
        raise InvalidInput(("body", "product_id"), "Product does not exist")
    product, currency = known[product_id], changes.currency
    if isinstance(changes, CheckoutUpdatePublic) and currency not in (None, checkout.currency):
        others = [one for one in offered.values() if one.id != product_id]
        if any(all(price.price_currency != currency for price in one.prices) for one in others):
            raise InvalidInput(("body", "currency"), f"Not every product has a price in {currency}")
    by_currency = currency is not None and changes.product_price_id is None
    field = ("currency",) if by_currency else ("product_price_id",)
    price = on_sale(checkout.priced(product.shape), changes.product_price_id, currency or checkout.currency, field)
    return product, price


def on_sale(
    product: catalog.Product, price_id: UUID | None, currency: str | None, field: tuple[str | int, ...]
) -> catalog.Price:
    """The price of a product that is named, or the first in a currency. Raises `InvalidInput` where there is none."""
    if product.is_archived:
        raise InvalidInput(("body", *field), "Product is archived")
    prices = [price for price in product.prices if price_id is None or price.id == price_id]
    in_currency = [price for price in prices if currency is None or price.price_currency == currency]
    if not prices or not in_currency:
        raise InvalidInput(
            ("body", *field), "Price does not exist" if not prices else f"There is no price in {currency}"
        )
    return in_currency[0]


def _ad_hoc(
    products: Mapping[UUID, Product], requested: Mapping[UUID, Sequence[StaticPrice]]
) -> dict[UUID, list[catalog.Price]]:
    """The prices that a seller sets for one checkout, by product: the catalog's rules hold for them too."""
    now = clock.now()
    prices: dict[UUID, list[catalog.Price]] = {}
    for product_id, given in requested.items():
        loc = ("body", "prices", str(product_id))
        if product_id not in products:
            raise InvalidInput(loc, "Product is not offered by this checkout")
        is_recurring = products[product_id].data["is_recurring"]
        other = disagreeing(given, is_recurring=is_recurring)
        if other is not None:
            raise InvalidInput((*loc, other, "type"), "Contradicts the product's recurring_interval")
        found = conflict([Kind(one.amount_type, one.price_currency) for one in given], is_recurring=is_recurring)
        if found is not None:
            raise InvalidInput((*loc, found[0]), found[1])
        prices[product_id] = [
            catalog.Price(
                id=ids.uuid7(),
                created_at=now,
                modified_at=None,
                source="ad_hoc",
                is_archived=False,
                product_id=product_id,
                **with_ends(one.amount_type, one.model_dump(mode="json")),
            )
            for one in given
        ]
    return prices
