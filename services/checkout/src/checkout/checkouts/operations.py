"""What can be done with checkouts before and after they are confirmed; confirming itself is in `confirm.py`."""

import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from contracts import catalog
from contracts import checkout as contracts
from pricing.currencies import MAXIMUM_AMOUNT, minimum, step
from pricing.discounts import amount_off
from pricing.prices import ends, static_amount
from servicekit import clock, ids, outbox
from servicekit.auth import Principal
from servicekit.database import awaited
from servicekit.errors import InvalidInput, ResourceNotFound
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.checkouts import chargeable, custom_fields, events, queries, taxes
from checkout.checkouts.models import SECRET_PREFIX, Checkout, ExpiredCheckoutError
from checkout.checkouts.schemas import Buyer, CheckoutCreate, CheckoutUpdate, CheckoutUpdatePublic
from checkout.customers import operations as customers
from checkout.discounts import operations as discounts
from checkout.discounts.models import Discount
from checkout.organizations.models import Organization
from checkout.payments.models import Payment
from checkout.products.models import Product
from checkout.products.operations import awaited_price, awaited_products
from checkout.settings import Settings
from checkout.trial_redemptions import operations as trial_redemptions

FALLBACK_AMOUNT = 1_000
"""In minor units: Polar's proposal where a custom price has no preset (its CUSTOM_PRICE_PRESET_FALLBACK)."""


async def create(
    session: AsyncSession, principal: Principal, wish: CheckoutCreate, settings: Settings
) -> contracts.Checkout:
    """Opens a checkout. Raises `InvalidInput` naming what does not exist, is not on sale, or does not apply."""
    offered, price = await _bought(session, principal, wish)
    product = offered[0]
    organization_id = product.organization_id
    now = clock.now()
    checkout = Checkout(
        id=ids.uuid7(),
        organization_id=organization_id,
        created_at=now,
        status="open",
        client_secret=SECRET_PREFIX + secrets.token_urlsafe(24).replace("-", "0").replace("_", "1"),
        expires_at=now + timedelta(seconds=settings.checkout_ttl_seconds),
        success_url=wish.success_url or f"{settings.public_url}/checkout/success?checkout_id={{CHECKOUT_ID}}",
        return_url=wish.return_url,
        embed_origin=wish.embed_origin,
        allow_discount_codes=wish.allow_discount_codes,
        require_billing_address=wish.require_billing_address,
        external_customer_id=wish.external_customer_id,
        customer_ip_address=wish.customer_ip_address,
        customer_metadata=wish.customer_metadata,
        user_metadata=wish.metadata,
        custom_field_data={},
        processor_metadata={},
        is_business_customer=False,
        allow_trial=wish.allow_trial,
        trial_interval=wish.trial_interval,
        trial_interval_count=(wish.trial_interval_count or 1) if wish.trial_interval else None,
        attempt=1,
        tax_amount=0,
        discount_amount=0,
    )
    if len(offered) > 1:
        checkout.offered_data = [one.data for one in offered]
    for name in ("min_seats", "max_seats", "min_units", "max_units"):
        setattr(checkout, name, getattr(wish, name))
    _sell(checkout, product, price)
    await _known_customer(session, checkout, wish)
    describe_buyer(checkout, wish)
    choose_amount(checkout, wish)
    await _choose_discount(session, checkout, wish)
    await taxes.apply(session, checkout)
    chargeable.ensure_payable(checkout, wish)
    session.add(checkout)
    data = events.shape(checkout, settings.public_url)
    outbox.record(session, events.checkout_created(checkout, data), correlation_id=checkout.id)
    return data


async def update(
    session: AsyncSession, checkout: Checkout, changes: CheckoutUpdate | CheckoutUpdatePublic, settings: Settings
) -> contracts.Checkout:
    """Changes an open checkout, which the caller has locked. Raises `InvalidInput`, `NotOpenCheckout` or
    `ExpiredCheckoutError`."""
    checkout.ensure_open(clock.now())
    if changes.product_price_id is not None or changes.product_id is not None:
        product, price = await _offered(session, checkout, changes)
        _sell(checkout, product, price)
    describe_buyer(checkout, changes)
    choose_amount(checkout, changes)
    if isinstance(changes, CheckoutUpdatePublic) and changes.allow_trial is False:
        checkout.allow_trial = False
    if isinstance(changes, CheckoutUpdate):
        for name, column in (("metadata", "user_metadata"), ("customer_metadata", "customer_metadata")):
            if getattr(changes, name) is not None:
                setattr(checkout, column, getattr(changes, name))
        for name in ("success_url", "allow_discount_codes"):
            if getattr(changes, name) is not None:
                setattr(checkout, name, getattr(changes, name))
    await _choose_discount(session, checkout, changes)
    await taxes.apply(session, checkout)
    chargeable.ensure_payable(checkout, changes)
    return tell(session, checkout, settings)


def tell(session: AsyncSession, checkout: Checkout, settings: Settings) -> contracts.Checkout:
    """Says that a checkout changed."""
    checkout.modified_at = clock.now()
    data = events.shape(checkout, settings.public_url)
    outbox.record(session, events.checkout_updated(checkout, data), correlation_id=checkout.id)
    return data


async def owned(session: AsyncSession, principal: Principal, checkout_id: UUID, *, lock: bool = False) -> Checkout:
    """A checkout of the caller. Raises `ResourceNotFound`."""
    checkout = await queries.find(session, principal, checkout_id, lock=lock)
    if checkout is None:
        raise ResourceNotFound()
    return checkout


async def opened(session: AsyncSession, client_secret: str, *, lock: bool = False) -> Checkout:
    """The checkout that a client secret opens. Raises `ResourceNotFound`, or `ExpiredCheckoutError` past its end."""
    checkout = await queries.by_secret(session, client_secret, lock=lock)
    if checkout is None:
        raise ResourceNotFound()
    if checkout.status == "expired" or (checkout.status == "open" and checkout.expires_at <= clock.now()):
        raise ExpiredCheckoutError("This checkout has expired")
    return checkout


async def seller(session: AsyncSession, checkout: Checkout) -> dict[str, Any] | None:
    """What a buyer sees of the organization; waits up to a second for one that was created a moment ago."""
    organization = await awaited(lambda: session.get(Organization, checkout.organization_id))
    return organization.data if organization is not None else None


def succeed(session: AsyncSession, checkout: Checkout, payment: Payment | None, public_url: str) -> None:
    """The only place where a purchase becomes successful. The caller has locked the checkout."""
    now = clock.now()
    checkout.succeed(now)
    if checkout.trial_end is not None:
        trial_redemptions.redeem(session, checkout, payment.facts.get("fingerprint") if payment else None)
    data = events.shape(checkout, public_url)
    outbox.record(
        session,
        events.checkout_updated(checkout, data),
        events.checkout_succeeded(checkout, payment, now),
        correlation_id=checkout.id,
    )


def describe_buyer(checkout: Checkout, buyer: Buyer) -> None:
    """Takes over what the buyer says about themselves; what is absent stays.

    Who is no business after all has no tax id and no billing name (Polar's rule). Raises `InvalidInput` for a tax id
    that is none of the address's country.
    """
    given = buyer.model_fields_set
    for name in (
        "customer_name",
        "customer_email",
        "customer_billing_name",
        "customer_tax_id",
        "is_business_customer",
        "locale",
    ):
        if name in given and not (name == "is_business_customer" and buyer.is_business_customer is None):
            setattr(checkout, name, getattr(buyer, name))
    if "customer_billing_address" in given:
        address = buyer.customer_billing_address
        checkout.customer_billing_address = address.model_dump() if address else None
    if buyer.is_business_customer is False and checkout.is_business_customer is False:
        for name in ("customer_tax_id", "customer_billing_name"):
            if getattr(buyer, name) is None:
                setattr(checkout, name, None)
    if buyer.customer_tax_id is not None:
        taxes.ensure_tax_id(checkout)
    if buyer.custom_field_data is not None:
        asked = checkout.product_data["attached_custom_fields"]
        answers = custom_fields.checked(asked, buyer.custom_field_data)
        checkout.custom_field_data = {**checkout.custom_field_data, **answers}


def choose_amount(checkout: Checkout, buyer: Buyer) -> None:
    """Takes over what the buyer chose: the amount of a custom price, in minor units, or how many seats or units.

    Other prices ignore it. Raises `InvalidInput` for what the price, or the seller, does not allow, or no card can pay.
    """
    price = checkout.price
    if price.amount_type in ("seat_based", "unit_based"):
        _order(checkout, price, buyer)
        return
    amount = buyer.amount
    if amount is None or price.amount_type != "custom":
        return
    least, most = price.minimum_amount or 0, price.maximum_amount
    if amount < least:
        raise InvalidInput(("body", "amount"), f"Amount should be at least {least}", "greater_than_equal")
    if most is not None and amount > most:
        raise InvalidInput(("body", "amount"), f"Amount should be at most {most}", "less_than_equal")
    chargeable.ensure_amount(amount, checkout.currency)
    checkout.amount = amount


def _order(checkout: Checkout, price: catalog.Price, buyer: Buyer) -> None:
    kind = "seats" if price.amount_type == "seat_based" else "units"
    wanted = getattr(buyer, kind)
    if wanted is None:
        return
    least, most = _limits(checkout, price)
    if wanted < least:
        raise InvalidInput(("body", kind), f"At least {least} {kind} can be ordered", "greater_than_equal")
    if most is not None and wanted > most:
        raise InvalidInput(("body", kind), f"At most {most} {kind} can be ordered", "less_than_equal")
    amount = static_amount(price, **{kind: wanted})
    if amount > MAXIMUM_AMOUNT:
        raise InvalidInput(("body", kind), f"{wanted} {kind} cost more than can be charged at once")
    setattr(checkout, kind, wanted)
    checkout.amount = amount


def _limits(checkout: Checkout, price: catalog.Price) -> tuple[int, int | None]:
    """The least and the most seats or units: what the price allows, narrowed by what the seller does."""
    kind = "seats" if price.amount_type == "seat_based" else "units"
    least, most = ends(price)
    asked, given = getattr(checkout, f"min_{kind}"), getattr(checkout, f"max_{kind}")
    upper = [one for one in (most, given) if one is not None]
    return max(least, asked or 0), min(upper) if upper else None


def reprice(checkout: Checkout, discount: Discount | None) -> None:
    """Computes the amounts anew, in minor units; what a buyer chose to pay stays."""
    price = checkout.price
    if price.amount_type != "custom":
        checkout.amount = static_amount(price, seats=checkout.seats, units=checkout.units)
    checkout.discount_amount = amount_off(discount, checkout.amount, checkout.currency)


async def apply_code(session: AsyncSession, checkout: Checkout, code: str | None) -> None:
    """Applies a code that the buyer typed; an empty one takes the discount away. Raises `InvalidInput`."""
    if not code:
        _set_discount(checkout, None, None)
        return
    if not checkout.allow_discount_codes:
        raise InvalidInput(("body", "discount_code"), "Discount codes are not allowed on this checkout")
    discount = await discounts.by_code(session, checkout.organization_id, code)
    await _apply(session, checkout, discount, ("body", "discount_code"))


async def refresh_terms(session: AsyncSession, checkout: Checkout) -> Discount | None:
    """Looks at product, price and discount once more before money moves. Raises `InvalidInput` naming what is gone."""
    product = await session.get(Product, checkout.product_id)
    price_id = str(checkout.price_id)
    if product is None or product.data["is_archived"] or price_id not in product.price_ids:
        raise InvalidInput(("body", "product_price_id"), "Price is no longer on sale")
    checkout.product_data = product.data
    if checkout.discount_id is None:
        reprice(checkout, None)
        return None
    discount = await discounts.by_id(session, checkout.organization_id, checkout.discount_id)
    reprice(checkout, discount)
    return discount


async def _bought(
    session: AsyncSession, principal: Principal, wish: CheckoutCreate
) -> tuple[list[Product], catalog.Price]:
    """The products that the buyer may choose from, the first of them chosen, and its price."""
    problem = InvalidInput(("body", "product_price_id"), "Price does not exist")
    for organization_id in principal.organization_ids:
        if wish.product_price_id is not None:
            product = await awaited_price(session, organization_id, wish.product_price_id)
            if product is not None:
                return [product], _on_sale(product, wish.product_price_id, None, ("product_price_id",))
            continue
        named = wish.products or ([wish.product_id] if wish.product_id else [])
        locs = [("products", index) for index in range(len(named))] if wish.products else [("product_id",)]
        known = await awaited_products(session, organization_id, named)
        missing = [loc for loc, product_id in zip(locs, named, strict=True) if product_id not in known]
        if missing:
            problem = InvalidInput(("body", *missing[0]), "Product does not exist")
            continue
        prices = [_on_sale(known[one], None, wish.currency, loc) for loc, one in zip(locs, named, strict=True)]
        return [known[product_id] for product_id in dict.fromkeys(named)], prices[0]
    raise problem


async def _offered(
    session: AsyncSession, checkout: Checkout, changes: CheckoutUpdate | CheckoutUpdatePublic
) -> tuple[Product, catalog.Price]:
    """What is chosen instead: by a buyer among what is offered, by the seller anything on sale."""
    product_id = changes.product_id or checkout.product_id
    offered = {product.id for product in checkout.products}
    if product_id not in offered and isinstance(changes, CheckoutUpdatePublic):
        raise InvalidInput(("body", "product_id"), "Product is not offered by this checkout")
    known = await awaited_products(session, checkout.organization_id, [product_id])
    if product_id not in known:
        raise InvalidInput(("body", "product_id"), "Product does not exist")
    product = known[product_id]
    return product, _on_sale(product, changes.product_price_id, checkout.currency, ("product_price_id",))


def _on_sale(
    product: Product, price_id: UUID | None, currency: str | None, field: tuple[str | int, ...]
) -> catalog.Price:
    shape = product.shape
    if shape.is_archived:
        raise InvalidInput(("body", *field), "Product is archived")
    prices = [price for price in shape.prices if price_id is None or price.id == price_id]
    in_currency = [price for price in prices if currency is None or price.price_currency == currency]
    if not prices or not in_currency:
        raise InvalidInput(
            ("body", *field), "Price does not exist" if not prices else f"There is no price in {currency}"
        )
    return in_currency[0]


def _sell(checkout: Checkout, product: Product, price: catalog.Price) -> None:
    checkout.product_id, checkout.price_id = product.id, price.id
    checkout.product_data = product.data
    checkout.currency = price.price_currency
    least, most = _limits(checkout, price)
    if most is not None and most < least:
        kind = "seats" if price.amount_type == "seat_based" else "units"
        raise InvalidInput(("body", f"max_{kind}"), f"At least {least} {kind} have to be ordered")
    checkout.seats = least if price.amount_type == "seat_based" else None
    checkout.units = least if price.amount_type == "unit_based" else None
    if price.amount_type == "custom":
        checkout.amount = _proposed(price)
    else:
        checkout.amount = static_amount(price, seats=checkout.seats, units=checkout.units)


def _proposed(price: catalog.Price) -> int:
    """What a buyer pays at a custom price who does not choose: its preset, or 10.00, as far as it can be charged."""
    if price.preset_amount == 0:
        return 0
    wanted = max(price.preset_amount or max(price.minimum_amount or 0, FALLBACK_AMOUNT), minimum(price.price_currency))
    wanted += -wanted % step(price.price_currency)
    return min(wanted, price.maximum_amount or MAXIMUM_AMOUNT)


async def _known_customer(session: AsyncSession, checkout: Checkout, wish: CheckoutCreate) -> None:
    """A customer that the seller names: its own details stand in for those that are not given."""
    customer = None
    if wish.customer_id is not None:
        customer = await customers.awaited_customer(session, checkout.organization_id, wish.customer_id)
        if customer is None:
            raise InvalidInput(("body", "customer_id"), "Customer does not exist")
    elif wish.external_customer_id is not None:
        customer = await customers.find_external(session, checkout.organization_id, wish.external_customer_id)
    if customer is not None:
        checkout.customer_id = customer.id
        checkout.customer_email = customer.email
        checkout.customer_name = customer.data.get("name")
        checkout.customer_billing_address = customer.data.get("billing_address")
        checkout.customer_tax_id = taxes.usable_id(customer.data.get("tax_id"), checkout.customer_billing_address)


async def _choose_discount(
    session: AsyncSession, checkout: Checkout, wish: CheckoutCreate | CheckoutUpdate | CheckoutUpdatePublic
) -> None:
    if "discount_code" in wish.model_fields_set:
        await apply_code(session, checkout, wish.discount_code)
        return
    discount_id = checkout.discount_id
    if isinstance(wish, CheckoutCreate | CheckoutUpdate) and "discount_id" in wish.model_fields_set:
        discount_id = wish.discount_id
    if discount_id is None:
        _set_discount(checkout, None, None)
        return
    discount = await discounts.by_id(session, checkout.organization_id, discount_id)
    await _apply(session, checkout, discount, ("body", "discount_id"))


async def _apply(session: AsyncSession, checkout: Checkout, discount: Discount | None, loc: tuple[str, ...]) -> None:
    if discount is None or not discount.is_live(clock.now()):
        raise InvalidInput(loc, "Discount does not exist")
    if not discount.applies_to(checkout.product_id, checkout.currency):
        raise InvalidInput(loc, "Discount does not apply to this product")
    _set_discount(checkout, discount, (await discounts.shapes(session, [discount]))[0])


def _set_discount(checkout: Checkout, discount: Discount | None, data: contracts.Discount | None) -> None:
    checkout.discount_id = discount.id if discount else None
    checkout.discount_data = data.model_dump(mode="json") if data else None
    reprice(checkout, discount)
