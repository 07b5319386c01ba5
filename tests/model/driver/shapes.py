"""The catalog as the services' contracts have it."""

from contracts.catalog import Product as ProductShape
from contracts.checkout import Discount as DiscountShape
from contracts.identity import Organization
from servicekit import clock, ids

from tests.model.driver.catalog import DISCOUNTS, INCLUSIVE, PRODUCTS


def organization(owner):
    """A seller in France who may sell everything, several subscriptions to one customer."""
    now = clock.now()
    return Organization.model_validate({
        "id": owner, "created_at": now, "modified_at": None, "name": "Shop", "slug": f"shop-{owner.hex[-8:]}",
        "avatar_url": None, "proration_behavior": "prorate", "allow_customer_updates": True, "email": None,
        "website": None, "socials": [], "status": "active", "details_submitted_at": None, "country": "FR",
        "default_presentment_currency": "usd", "default_tax_behavior": "location", "feature_settings": None,
        "notification_settings": {}, "customer_email_settings": {},
        "customer_portal_settings": {"subscription": {"pause": True}},
        "subscription_settings": {"allow_multiple_subscriptions": True}, "capabilities": {},
    }, extra="ignore", context={"tolerant": True})  # fmt: skip


def products(owner):
    """The products of a shop, by their names."""
    return {name: _product(owner, product) for name, product in PRODUCTS.items()}


def _product(owner, product):
    now, id = clock.now(), ids.uuid7()
    return ProductShape.model_validate({
        "id": id, "created_at": now, "modified_at": None, "trial_interval": product.trial and product.trial[0],
        "trial_interval_count": product.trial and product.trial[1], "name": product.name, "description": None,
        "visibility": "public", "recurring_interval": product.interval,
        "recurring_interval_count": product.count if product.interval else None, "meter_interval": None,
        "meter_interval_count": None, "is_recurring": product.interval is not None, "is_archived": False,
        "is_deletable": True, "organization_id": owner, "metadata": {},
        "prices": [_price(id, product.name, currency, price, now) for currency, price in product.prices],
        "archived_prices": [], "benefits": [], "medias": [], "attached_custom_fields": [],
    })  # fmt: skip


def _price(product_id, name, currency, price, now):
    return {
        "id": ids.uuid7(), "created_at": now, "modified_at": None, "source": "catalog", "amount_type": price.kind,
        "price_currency": currency, "tax_behavior": "inclusive" if (name, currency) in INCLUSIVE else "exclusive",
        "is_archived": False, "product_id": product_id, **price_terms(price),
    }  # fmt: skip


def price_terms(price):
    """The fields of a price that its kind has."""
    match price.kind:
        case "fixed":
            return {"price_amount": price.amount}
        case "custom":
            return {"minimum_amount": 100, "maximum_amount": None, "preset_amount": None}
        case "seat_based":
            bounds = [0, *(bound for bound, _ in price.tiers)]
            tiers = [
                {"min_seats": bounds[position] + 1, "max_seats": bound, "price_per_seat": int(unit)}
                for position, (bound, unit) in enumerate(price.tiers)
            ]
            ends = {"minimum_seats": 1, "maximum_seats": None}
            return {"seat_tiers": {"seat_tier_type": price.mode, "tiers": tiers, **ends}}
        case _:
            tiers = [{"bound": bound, "unit_amount": str(float(unit))} for bound, unit in price.tiers]
            return {"tiers": {"type": price.mode, "tiers": tiers}, "minimum_units": 1, "maximum_units": None}


def discounts(owner, products):
    """The discounts of a shop, by their names."""
    return {name: _discount(owner, discount, products) for name, discount in DISCOUNTS.items()}


def _discount(owner, discount, products):
    now, amounts = clock.now(), dict(discount.amounts)
    only = [products[name].model_dump(mode="json") for name in discount.products or ()]
    return DiscountShape.model_validate({
        "id": ids.uuid7(), "created_at": now, "modified_at": None, "organization_id": owner, "metadata": {},
        "name": discount.name, "code": None, "type": "fixed" if amounts else "percentage",
        "duration": discount.duration, "duration_in_months": discount.months or None,
        "basis_points": None if amounts else int(discount.share * 10000), "amount": next(iter(amounts.values()), None),
        "currency": next(iter(amounts), None), "amounts": amounts or None, "starts_at": None, "ends_at": None,
        "max_redemptions": None, "max_redemptions_per_customer": None, "redemptions_count": 0, "is_deleted": False,
        "products": only,
    }, extra="ignore")  # fmt: skip
