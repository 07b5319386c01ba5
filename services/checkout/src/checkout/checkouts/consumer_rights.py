"""What a page offers and asks a consumer: the seller decides by country (`ConsumerRights`).

Whether a confirmation without the consent is refused is the page's decision: here the field is optional, since a
purchase without it is a right one whose buyer keeps the whole right of withdrawal.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from contracts.checkout import ImmediateDeliveryConsent
from contracts.identity import ConsumerRights

from checkout.checkouts.models import Checkout
from checkout.checkouts.schemas import WORDING, CheckoutConfirm, CheckoutConsumerRights


def offered(checkout: Checkout, seller: Mapping[str, Any]) -> CheckoutConsumerRights:
    """What the buyer is offered as things stand; `seller` is the organization's public shape.

    Businesses are no consumers. The consent is asked for where something is charged, now or later, and the country is
    known: nothing is lost with what is free.
    """
    given = seller.get("consumer_rights") or {}
    rights = ConsumerRights.model_validate(given, extra="ignore", context={"tolerant": True})
    country = _country(checkout)
    is_consumer = not checkout.is_business_customer
    is_asked = is_consumer and checkout.needs_card and rights.asks_for_consent(country)
    has_lost = checkout.immediate_delivery_consent is not None and not checkout.product_data["is_recurring"]
    return CheckoutConsumerRights(
        immediate_delivery_consent=WORDING if is_asked else None,
        withdrawal=is_consumer and not has_lost and rights.offers_withdrawal(country),
        cancellation=bool(checkout.product_data["is_recurring"]) and rights.offers_cancellation(country),
    )


def consent(checkout: Checkout, request: CheckoutConfirm, now: datetime) -> dict[str, Any] | None:
    """The consent of a confirmation, as it is kept; None where none was given.

    It belongs to this confirmation: after a declined card the next one says it again.
    """
    if request.immediate_delivery_consent is None:
        return None
    given = ImmediateDeliveryConsent(
        consented_at=now,
        wording=request.immediate_delivery_consent,
        country=_country(checkout),
        locale=checkout.locale,
    )
    return given.model_dump(mode="json")


def _country(checkout: Checkout) -> str | None:
    return (checkout.customer_billing_address or {}).get("country")
