"""What the tests of checkout do again and again."""

import hashlib
import hmac
import json
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from contracts.billing import Customer, CustomerCreatedV1, Subscription, SubscriptionCreatedV1
from contracts.catalog import Product
from contracts.event import Event
from contracts.identity import Organization, OrganizationCreatedV1, OrganizationUpdatedV1
from servicekit import clock

WEBHOOK_SECRET = "whsec_of_the_tests"


def seller_told(organization_id: UUID, sequence: int = 1, **changes: Any) -> Event[Organization]:
    """What identity tells of a seller; `sequence` above 1 is an update."""
    now = clock.now()
    fields = {
        "id": organization_id, "created_at": now, "modified_at": None, "name": "Shop", "slug": str(organization_id),
        "avatar_url": None, "email": None, "website": None, **changes,
    }  # fmt: skip
    contract = OrganizationCreatedV1 if sequence == 1 else OrganizationUpdatedV1
    data = Organization.model_validate(fields)
    return contract(subject=data.id, organization_id=data.id, time=now, sequence=sequence, data=data)


async def opened(client: httpx.AsyncClient, product: Product, **changes: Any) -> dict[str, Any]:
    """A checkout for a product, with an e-mail."""
    body = {"product_price_id": str(product.prices[0].id), "customer_email": "Ada@Example.com", **changes}
    answer = await client.post("/v1/checkouts/", json=body)
    assert answer.status_code == 201, answer.text
    checkout: dict[str, Any] = answer.json()
    return checkout


async def confirmed(client: httpx.AsyncClient, checkout: dict[str, Any], **changes: Any) -> httpx.Response:
    """Confirms a checkout with a card that works."""
    body = {"client_secret": checkout["client_secret"], "confirmation_token_id": "pm_card_visa", **changes}
    return await client.post(f"/v1/checkouts/{checkout['id']}/confirm", json=body)


async def call_back(client: httpx.AsyncClient, event: Any, *, secret: str = WEBHOOK_SECRET) -> httpx.Response:
    """Sends an event as Stripe does: signed now."""
    body, at = json.dumps(event).encode(), int(time.time())
    signature = hmac.new(secret.encode(), b"%d.%s" % (at, body), hashlib.sha256).hexdigest()
    headers = {"Stripe-Signature": f"t={at},v1={signature}", "Content-Type": "application/json"}
    return await client.post("/v1/integrations/stripe/webhook", content=body, headers=headers)


def customer_shape(organization_id: UUID, customer_id: UUID, **changes: Any) -> Customer:
    """A customer as billing publishes it."""
    fields = {
        "id": customer_id, "created_at": clock.now(), "modified_at": None, "metadata": {}, "external_id": None,
        "email": "ada@example.com", "email_verified": False, "type": "individual", "name": None, "billing_name": None,
        "billing_address": None, "tax_id": None, "locale": None, "organization_id": organization_id,
        "deleted_at": None, "first_user_event_at": None, "avatar_url": None, "default_payment_method_id": None,
        **changes,
    }  # fmt: skip
    return Customer.model_validate(fields)


def customer_created(organization_id: UUID, customer_id: UUID, **changes: Any) -> Event[Customer]:
    """The event of a new customer."""
    data = customer_shape(organization_id, customer_id, **changes)
    return CustomerCreatedV1(subject=data.id, organization_id=organization_id, time=clock.now(), data=data, sequence=1)


def subscription_event(
    product: Product,
    customer: Customer,
    subscription_id: UUID,
    *,
    contract: type[Event[Subscription]] = SubscriptionCreatedV1,
    sequence: int = 1,
    **changes: Any,
) -> Event[Subscription]:
    """An event of a customer's subscription to a product, at its first price."""
    now, price = clock.now(), product.prices[0]
    fields = {
        "id": subscription_id, "created_at": now, "modified_at": None, "metadata": {},
        "amount": price.price_amount or 0, "currency": price.price_currency, "recurring_interval": "month",
        "recurring_interval_count": 1, "status": "active", "current_period_start": now,
        "current_period_end": now + timedelta(days=30), "current_meter_period_start": None,
        "current_meter_period_end": None, "trial_start": None, "trial_end": None, "cancel_at_period_end": False,
        "canceled_at": None, "started_at": now, "ends_at": None, "ended_at": None, "past_due_at": None,
        "pause_at_period_end": False, "paused_at": None, "resumes_at": None, "customer_id": customer.id,
        "product_id": product.id, "discount_id": None, "checkout_id": None, "seats": None, "units": None,
        "customer_cancellation_reason": None, "customer_cancellation_comment": None,
        "organization_id": product.organization_id, "custom_field_data": {}, "customer": customer.model_dump(),
        "product": product.model_dump(), "discount": None, "prices": [price.model_dump()], "meters": [],
        "pending_update": None, **changes,
    }  # fmt: skip
    data = Subscription.model_validate(fields)
    return contract(subject=data.id, organization_id=data.organization_id, time=now, sequence=sequence, data=data)


def problems(answer: httpx.Response) -> list[list[str | int]]:
    """Where a refused payload was wrong."""
    assert answer.status_code == 422, answer.text
    return [problem["loc"] for problem in answer.json()["detail"]]
