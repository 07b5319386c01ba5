"""What a seller offers consumers, as its setting `consumer_rights` says."""

from collections.abc import Mapping
from typing import Any

from contracts.identity import ConsumerRights

from billing.orders.models import Order


def rights_of(seller: Mapping[str, Any]) -> ConsumerRights:
    """Of an organization's public shape; events of earlier releases have no such setting: it stands at its default."""
    given = seller.get("consumer_rights") or {}
    return ConsumerRights.model_validate(given, extra="ignore", context={"tolerant": True})


def country_of(order: Order) -> str | None:
    """The country of an order's buyer, as they gave it."""
    country: str | None = (order.billing_address or {}).get("country")
    return country


def is_consumer(order: Order) -> bool:
    """Whether an order's buyer bought as a consumer. Where no checkout said so, a tax id makes a business."""
    return order.tax_id is None if order.is_business_customer is None else not order.is_business_customer


def has_lost_withdrawal(order: Order) -> bool:
    """Whether the right of withdrawal is lost: digital content bought once, delivered at once by the buyer's consent.

    Directive 2011/83/EU, art. 16(m). The consent is repeated in the confirmation, without which it would not count.
    """
    return order.subscription_id is None and order.immediate_delivery_consent is not None


def is_offered(order: Order, seller: Mapping[str, Any]) -> bool:
    """Whether the buyer of an order is one whom the seller lets withdraw."""
    return is_consumer(order) and rights_of(seller).offers_withdrawal(country_of(order))


def may_withdraw(order: Order, seller: Mapping[str, Any]) -> bool:
    """Whether the buyer of a contract's first order may withdraw from it within the period."""
    return is_offered(order, seller) and not has_lost_withdrawal(order)


def offers_cancellation(order: Order, seller: Mapping[str, Any]) -> bool:
    """Whether the subscription of an order may be canceled without a login."""
    return rights_of(seller).offers_cancellation(country_of(order))
