"""What can be done with checkouts before and after they are confirmed.

What they offer is in `offers.py`, discounts are in `amounts.py`, and confirming is in `confirm.py`.
"""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from contracts import catalog
from contracts import checkout as contracts
from pricing.currencies import MAXIMUM_AMOUNT, minimum, step
from pricing.prices import ends, static_amount
from servicekit import clock, ids, outbox
from servicekit.auth import Principal
from servicekit.database import awaited
from servicekit.errors import InvalidInput, ResourceNotFound
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.checkouts import amounts, buyers, chargeable, custom_fields, embedding, events, offers, queries, taxes
from checkout.checkouts.models import SECRET_PREFIX, Checkout, ExpiredCheckoutError
from checkout.checkouts.schemas import Buyer, CheckoutCreate, CheckoutUpdate, CheckoutUpdatePublic
from checkout.customers import operations as customers
from checkout.customers.models import Customer
from checkout.organizations.models import Organization
from checkout.payments.models import Payment
from checkout.products.models import Product
from checkout.settings import Settings
from checkout.subscriptions import operations as subscriptions
from checkout.trial_redemptions import operations as trial_redemptions

COUNTED = {"seats": "seat_based", "units": "unit_based"}
"""Of which kind of price each number is."""
SELLER = ("id", "name", "slug", "avatar_url", "branding")
"""What the page of an expired checkout shows of the organization."""
FALLBACK_AMOUNT = 1_000
"""In minor units: Polar's proposal where a custom price has no preset (its CUSTOM_PRICE_PRESET_FALLBACK)."""


async def create(
    session: AsyncSession,
    principal: Principal,
    wish: CheckoutCreate,
    settings: Settings,
    link_secret: str | None = None,
) -> contracts.Checkout:
    """Opens a checkout; `link_secret` names the link that was followed.

    Raises `InvalidInput` naming what does not exist, is not on sale, or does not apply.
    """
    offer = await offers.of_new(session, principal, wish)
    offered, product = offer.products, offer.products[0]
    organization_id = product.organization_id
    now = clock.now()
    client_secret = SECRET_PREFIX + secrets.token_urlsafe(24).replace("-", "0").replace("_", "1")
    checkout = Checkout(
        id=ids.uuid7(),
        organization_id=organization_id,
        created_at=now,
        status="open",
        client_secret=client_secret,
        link_secret=link_secret,
        expires_at=now + timedelta(seconds=settings.checkout_ttl_seconds),
        success_url=wish.success_url or _success_url(client_secret, settings),
        return_url=wish.return_url,
        embed_origin=wish.embed_origin,
        allow_discount_codes=wish.allow_discount_codes,
        require_billing_address=wish.require_billing_address,
        external_customer_id=wish.external_customer_id,
        named_email=wish.customer_email if wish.external_customer_id is not None else None,
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
        ad_hoc_prices=offer.ad_hoc_prices,
    )
    if len(offered) > 1:
        checkout.offered_data = [one.data for one in offered]
    for name in ("min_seats", "max_seats", "min_units", "max_units"):
        setattr(checkout, name, getattr(wish, name))
    _sell(checkout, product, offer.price)
    if wish.subscription_id is not None:
        await _upgrade(session, checkout, wish, offered)
    else:
        await _known_customer(session, checkout, wish)
    await embedding.ensure_listed(session, checkout)
    describe_buyer(checkout, wish)
    choose_amount(checkout, wish)
    await amounts.choose_discount(session, checkout, wish)
    await taxes.apply(session, checkout)
    chargeable.ensure_payable(checkout, wish)
    session.add(checkout)
    data = events.shape(checkout, settings)
    outbox.record(session, events.checkout_created(checkout, data), correlation_id=checkout.id)
    return data


async def update(
    session: AsyncSession, checkout: Checkout, changes: CheckoutUpdate | CheckoutUpdatePublic, settings: Settings
) -> contracts.Checkout:
    """Changes an open checkout, which the caller has locked. Raises `InvalidInput`, `NotOpenCheckout` or
    `ExpiredCheckoutError`."""
    checkout.ensure_open(clock.now())
    await take_over(session, checkout, changes)
    if isinstance(changes, CheckoutUpdate):
        _change_as_seller(checkout, changes, settings)
        if "embed_origin" in changes.model_fields_set:
            await embedding.ensure_listed(session, checkout)
    await amounts.choose_discount(session, checkout, changes)
    await taxes.apply(session, checkout)
    chargeable.ensure_payable(checkout, changes)
    return tell(session, checkout, settings)


async def take_over(session: AsyncSession, checkout: Checkout, changes: CheckoutUpdate | CheckoutUpdatePublic) -> bool:
    """Takes over what is bought and what is known of the buyer; the caller applies discount and tax afterwards.

    Returns whether another product or price was chosen. Raises `InvalidInput` naming what is not possible.
    """
    chooses = offers.chooses(checkout, changes)
    if chooses:
        product, price = await offers.chosen(session, checkout, changes)
        _sell(checkout, product, price)
    buyers.ensure_email(checkout, changes)
    describe_buyer(checkout, changes)
    choose_amount(checkout, changes)
    if isinstance(changes, CheckoutUpdatePublic):
        if changes.allow_trial is False:
            checkout.allow_trial = False
        if "payment_method_type" in changes.model_fields_set:
            checkout.payment_method_type = changes.payment_method_type or None
    return chooses


def _change_as_seller(checkout: Checkout, changes: CheckoutUpdate, settings: Settings) -> None:
    """Takes over what only the seller may change. Null takes a trial or an address away, and leaves a switch alone."""
    given = changes.model_fields_set
    if "customer_email" in given and checkout.external_customer_id is not None:
        checkout.named_email = changes.customer_email
    for name in ("allow_trial", "allow_discount_codes", "require_billing_address", "customer_metadata"):
        if getattr(changes, name) is not None:
            setattr(checkout, name, getattr(changes, name))
    if changes.metadata is not None:
        checkout.user_metadata = changes.metadata
    for name in ("return_url", "embed_origin", "customer_ip_address"):
        if name in given:
            setattr(checkout, name, getattr(changes, name))
    if "success_url" in given:
        checkout.success_url = changes.success_url or _success_url(checkout.client_secret, settings)
    if given & {"trial_interval", "trial_interval_count"}:
        interval = changes.trial_interval if "trial_interval" in given else checkout.trial_interval
        if interval is None and changes.trial_interval_count is not None:
            raise InvalidInput(("body", "trial_interval_count"), "needs a trial_interval")
        count = changes.trial_interval_count if "trial_interval_count" in given else checkout.trial_interval_count
        checkout.trial_interval = interval
        checkout.trial_interval_count = (count or 1) if interval is not None else None


def _success_url(client_secret: str, settings: Settings) -> str:
    """The page that confirms the purchase (Polar's rule)."""
    return f"{events.page(client_secret, settings)}/confirmation"


def tell(session: AsyncSession, checkout: Checkout, settings: Settings) -> contracts.Checkout:
    """Says that a checkout changed."""
    checkout.modified_at = clock.now()
    data = events.shape(checkout, settings)
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
        raise ExpiredCheckoutError("This checkout has expired", **await _left(session, checkout))
    return checkout


async def _left(session: AsyncSession, checkout: Checkout) -> dict[str, Any]:
    """What a page shows of a checkout that has expired."""
    organization = await session.get(Organization, checkout.organization_id)
    link = checkout.link_secret
    return {
        "organization": {name: organization.data.get(name) for name in SELLER} if organization is not None else None,
        "product_name": checkout.product_data["name"],
        "return_url": checkout.return_url,
        "restart_url": f"/v1/checkout-links/{link}/redirect" if link is not None else None,
        "locale": checkout.locale,
        "embed_origin": checkout.embed_origin,
    }


async def seller(session: AsyncSession, checkout: Checkout) -> dict[str, Any] | None:
    """What a buyer sees of the organization; waits up to a second for one that was created a moment ago."""
    organization = await awaited(lambda: session.get(Organization, checkout.organization_id))
    return organization.data if organization is not None else None


def succeed(session: AsyncSession, checkout: Checkout, payment: Payment | None, settings: Settings) -> None:
    """The only place where a purchase becomes successful. The caller has locked the checkout."""
    now = clock.now()
    checkout.succeed(now)
    if checkout.trial_end is not None:
        trial_redemptions.redeem(session, checkout, payment.facts.get("fingerprint") if payment else None)
    data = events.shape(checkout, settings)
    outbox.record(
        session,
        events.checkout_updated(checkout, data),
        events.checkout_succeeded(checkout, payment, now, settings),
        correlation_id=checkout.id,
    )


def describe_buyer(checkout: Checkout, buyer: Buyer) -> None:
    """Takes over what the buyer says about themselves; what is absent stays.

    Who is no business after all has no tax id and no billing name (Polar's rule). Raises `InvalidInput` for a tax id
    that is none of the address's country.
    """
    given = buyer.model_fields_set
    if isinstance(buyer, CheckoutCreate):
        # Null takes nothing away from a new checkout: what is known of the customer stands in.
        given = {name for name in given if getattr(buyer, name) is not None}
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

    Other prices ignore an amount (Polar's rule). Raises `InvalidInput` for what the price, or the seller, does not
    allow, or no card can pay.
    """
    price = checkout.price
    for kind, amount_type in COUNTED.items():
        if getattr(buyer, kind) is not None and price.amount_type != amount_type:
            raise InvalidInput(("body", kind), f"The price does not go by {kind}")
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


def _sell(checkout: Checkout, product: Product, price: catalog.Price) -> None:
    """Chooses a product at one of its prices. What a buyer chose to pay stays with the price, seats with the product.

    Raises `InvalidInput` for a product that is bought once where a subscription is upgraded, or limits that cannot be.
    """
    if checkout.upgraded_subscription_id is not None and not product.data["is_recurring"]:
        raise InvalidInput(("body", "product_id"), "A subscription is upgraded to a recurring product only")
    ordered = (checkout.seats, checkout.units) if checkout.product_id == product.id else (None, None)
    keeps_amount = price.amount_type == "custom" and checkout.price_id == price.id
    checkout.product_id, checkout.price_id = product.id, price.id
    checkout.keep_product(product.data)
    checkout.currency = price.price_currency
    least, most = _limits(checkout, price)
    if most is not None and most < least:
        kind = "seats" if price.amount_type == "seat_based" else "units"
        raise InvalidInput(("body", f"max_{kind}"), f"At least {least} {kind} have to be ordered")
    for (kind, amount_type), number in zip(COUNTED.items(), ordered, strict=True):
        stays = number is not None and least <= number and (most is None or number <= most)
        setattr(checkout, kind, (number if stays else least) if price.amount_type == amount_type else None)
    if price.amount_type == "custom":
        checkout.amount = checkout.amount if keeps_amount else _proposed(price)
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
        await buyers.ensure_external_id(session, checkout, customer)
    elif wish.external_customer_id is not None:
        customer = await customers.find_external(session, checkout.organization_id, wish.external_customer_id)
    if customer is not None:
        _prefill(checkout, customer)


def _prefill(checkout: Checkout, customer: Customer) -> None:
    checkout.customer_id = checkout.named_customer_id = customer.id
    checkout.customer_email = customer.email
    checkout.customer_name = customer.data.get("name")
    checkout.customer_billing_address = customer.data.get("billing_address")
    checkout.customer_tax_id = taxes.usable_id(customer.data.get("tax_id"), checkout.customer_billing_address)


async def _upgrade(
    session: AsyncSession, checkout: Checkout, request: CheckoutCreate, products: Sequence[Product]
) -> None:
    """The customer of the free subscription is the buyer. Raises `InvalidInput` naming what is wrong."""
    assert request.subscription_id is not None
    subscription = await subscriptions.upgradable(session, checkout.organization_id, request.subscription_id)
    if not all(product.data["is_recurring"] for product in products):
        raise InvalidInput(("body", "subscription_id"), "A subscription is upgraded to recurring products only")
    if request.customer_id not in (None, subscription.customer_id):
        raise InvalidInput(("body", "customer_id"), "The subscription is another customer's")
    customer = await customers.awaited_customer(session, checkout.organization_id, subscription.customer_id)
    if customer is None:
        raise InvalidInput(("body", "subscription_id"), "The customer of this subscription does not exist")
    if request.external_customer_id not in (None, customer.external_id):
        raise InvalidInput(("body", "external_customer_id"), "The subscription is another customer's")
    checkout.upgraded_subscription_id = subscription.id
    _prefill(checkout, customer)
