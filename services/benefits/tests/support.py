"""What other services tell: products with benefits, subscriptions and orders."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from contracts.billing import (
    Customer,
    CustomerDeletedV1,
    Order,
    OrderPaidV1,
    Subscription,
    SubscriptionActiveV1,
    SubscriptionRevokedV1,
    SubscriptionUpdatedV1,
)
from contracts.catalog import Product, ProductUpdatedV1
from contracts.identity import Organization, OrganizationUpdatedV1, SubscriptionSettings
from contracts.metering import Meter, MeterCreatedV1
from servicekit import clock, ids
from servicekit.testing import signed_headers
from servicekit.testing.harness import Bus

NOTHING = {
    "metadata": {}, "modified_at": None, "custom_field_data": {}, "discount": None, "discount_id": None,
    "checkout_id": None, "seats": None, "units": None,
}  # fmt: skip

ACCOUNTS = "/v1/customer-portal/oauth-accounts"


async def leave(browser: httpx.AsyncClient, url: str) -> str:
    """Opens the page of a login and presses its button; returns where the browser is sent."""
    shown = await browser.get(url)
    assert shown.status_code == 200, shown.text
    sent = await browser.post(url)
    assert sent.status_code == 303, sent.text
    return sent.headers["location"]


class Story:
    """Tells the service of one organization's sales."""

    def __init__(self, client: httpx.AsyncClient, bus: Bus, organization_id: UUID) -> None:
        self.client, self.bus, self.organization_id = client, bus, organization_id
        self._sequences: dict[UUID, int] = {}

    async def benefit(self, **fields: Any) -> Any:
        """A benefit of type `license_keys` with two activations, unless told otherwise."""
        body = {
            "type": "license_keys",
            "description": "License",
            "properties": {"prefix": "demo", "activations": {"limit": 2}},
            **fields,
        }
        answer = await self.client.post("/v1/benefits/", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def meter(self) -> str:
        """Metering tells of a meter of the organization; returns its id."""
        event = self.meter_created(self.organization_id)
        await self.bus.deliver(event)
        return str(event.subject)

    def meter_created(self, organization_id: UUID) -> MeterCreatedV1:
        """What metering says of a new meter of an organization."""
        meter = Meter(
            id=ids.uuid7(), created_at=clock.now(), modified_at=None, organization_id=organization_id, metadata={},
            name="Calls", unit="scalar", custom_label=None, custom_multiplier=None, archived_at=None,
            filter={"conjunction": "and", "clauses": []}, aggregation={"func": "count"},
        )  # fmt: skip
        event = MeterCreatedV1(subject=meter.id, organization_id=organization_id, time=clock.now(), data=meter)
        event.sequence = self.next(meter.id)
        return event

    async def product(self, *benefits: Any, id: UUID | None = None) -> Product:
        """Catalog tells of a product with these benefits, or that it has them now."""
        data = self.product_shape(*benefits, id=id)
        event = ProductUpdatedV1(subject=data.id, organization_id=self.organization_id, time=clock.now(), data=data)
        event.sequence = self.next(data.id)
        await self.bus.deliver(event)
        return data

    def product_shape(self, *benefits: Any, id: UUID | None = None) -> Product:
        """A product's public shape."""
        product_id = id or ids.uuid7()
        fields = {
            "id": product_id, "created_at": clock.now(), "modified_at": None, "trial_interval": None,
            "trial_interval_count": None, "name": "Pro Plan", "description": None, "visibility": "public",
            "recurring_interval": "month", "recurring_interval_count": 1, "meter_interval": None,
            "meter_interval_count": None, "is_recurring": True, "is_archived": False, "is_deletable": True,
            "organization_id": self.organization_id, "metadata": {}, "prices": [], "archived_prices": [],
            "benefits": list(benefits), "medias": [], "attached_custom_fields": [],
        }  # fmt: skip
        return Product.model_validate(fields)

    def next(self, subject: UUID) -> int:
        """The next sequence of a subject."""
        self._sequences[subject] = self._sequences.get(subject, 0) + 1
        return self._sequences[subject]

    def customer(self, id: UUID | None = None, **changes: Any) -> Customer:
        """A customer's public shape."""
        fields = {
            "id": id or ids.uuid7(), "created_at": clock.now(), "external_id": None, "email": "ada@example.com",
            "email_verified": False, "type": "individual", "name": "Ada", "billing_name": None,
            "billing_address": None, "tax_id": None, "locale": None, "organization_id": self.organization_id,
            "deleted_at": None, "first_user_event_at": None, "avatar_url": None, "default_payment_method_id": None,
            "metadata": {}, "modified_at": None,
        }  # fmt: skip
        return Customer.model_validate({**fields, **changes})

    def subscription(self, product: Product, customer: Customer | None = None, **changes: Any) -> Subscription:
        """A subscription's public shape."""
        now, buyer = clock.now(), customer or self.customer()
        fields = {
            **NOTHING, "id": ids.uuid7(), "created_at": now, "amount": 9900, "currency": "usd",
            "recurring_interval": "month", "recurring_interval_count": 1, "status": "active",
            "current_period_start": now, "current_period_end": now + timedelta(days=30),
            "current_meter_period_start": None, "current_meter_period_end": None, "trial_start": None,
            "trial_end": None, "cancel_at_period_end": False, "canceled_at": None, "started_at": now,
            "ends_at": None, "ended_at": None, "past_due_at": None, "pause_at_period_end": False, "paused_at": None,
            "resumes_at": None, "customer_id": buyer.id, "product_id": product.id,
            "customer_cancellation_reason": None, "customer_cancellation_comment": None,
            "organization_id": self.organization_id, "customer": buyer.model_dump(), "product": product.model_dump(),
            "prices": [], "meters": [], "pending_update": None, **changes,
        }  # fmt: skip
        return Subscription.model_validate(fields)

    def event(self, contract: Any, data: Any, sequence: int | None = None) -> Any:
        """An event of billing."""
        event = contract(subject=data.id, organization_id=self.organization_id, time=clock.now(), data=data)
        event.sequence = sequence or self.next(data.id)
        return event

    async def subscribed(self, product: Product, customer: Customer | None = None, **changes: Any) -> Subscription:
        """Billing tells of a new subscription, as it does: active, then updated."""
        data = self.subscription(product, customer, **changes)
        await self.bus.deliver(self.event(SubscriptionActiveV1, data), self.event(SubscriptionUpdatedV1, data))
        return data

    async def ended(self, subscription: Subscription) -> None:
        """Billing tells of a subscription's end."""
        data = subscription.model_copy(update={"status": "canceled", "ended_at": clock.now()})
        await self.bus.deliver(self.event(SubscriptionUpdatedV1, data), self.event(SubscriptionRevokedV1, data))

    async def deleted(self, customer: Customer) -> None:
        """Billing tells that a customer was deleted."""
        gone = customer.model_copy(update={"deleted_at": clock.now()})
        await self.bus.deliver(self.event(CustomerDeletedV1, gone))

    async def bought_once(self, product: Product, customer: Customer | None = None) -> Order:
        """Billing tells of a paid one-time order."""
        data = self.order(product, customer)
        await self.bus.deliver(self.event(OrderPaidV1, data))
        return data

    def order(self, product: Product, customer: Customer | None = None) -> Order:
        """A paid one-time order's public shape."""
        buyer = customer or self.customer()
        fields = {
            **NOTHING, "id": ids.uuid7(), "created_at": clock.now(), "organization_id": self.organization_id,
            "status": "paid", "paid": True, "subtotal_amount": 500, "discount_amount": 0, "net_amount": 500,
            "tax_amount": 0, "total_amount": 500, "applied_balance_amount": 0, "due_amount": 0, "refunded_amount": 0,
            "refunded_tax_amount": 0, "refundable_amount": 500, "refundable_tax_amount": 0, "platform_fee_amount": 0,
            "platform_fee_currency": None, "currency": "usd", "billing_reason": "purchase", "billing_name": None,
            "billing_address": None, "invoice_number": "A-0001", "is_invoice_generated": False,
            "receipt_number": None, "next_payment_attempt_at": None, "customer_id": buyer.id,
            "product_id": product.id, "subscription_id": None, "description": "Pro", "customer": buyer.model_dump(),
            "product": product.model_dump(), "subscription": None, "items": [],
        }  # fmt: skip
        return Order.model_validate(fields)

    async def renewed(self, subscription: Subscription, **changes: Any) -> Subscription:
        """Billing tells that a subscription changed: by default, that another period of 30 days began."""
        begins = subscription.current_period_end
        period = {"current_period_start": begins, "current_period_end": begins + timedelta(days=30)}
        data = subscription.model_copy(update=changes or period)
        await self.bus.deliver(self.event(SubscriptionUpdatedV1, data))
        return data

    async def organization(self, grace_days: int = 0) -> None:
        """Identity tells of the organization."""
        data = Organization(
            id=self.organization_id, created_at=clock.now(), modified_at=None, name="Acme", slug="acme",
            avatar_url=None, email="owner@acme.example", website=None,
            subscription_settings=SubscriptionSettings(benefit_revocation_grace_period=grace_days),
        )  # fmt: skip
        event = OrganizationUpdatedV1(subject=data.id, organization_id=data.id, time=clock.now(), data=data)
        event.sequence = self.next(data.id)
        await self.bus.deliver(event)

    def session(self, customer: Customer, checkout_id: UUID | None = None) -> dict[str, str]:
        """The headers of a customer's session in the portal; of one that came with a purchase where that is named."""
        scopes = ("customer_portal:read", "customer_portal:write")
        return signed_headers(self.organization_id, *scopes, customer_id=customer.id, checkout_id=checkout_id)

    def browser(self) -> httpx.AsyncClient:
        """A browser without a token, with cookies of its own."""
        return httpx.AsyncClient(transport=self.client._transport, base_url="http://test")

    async def connect(
        self, provider: Any, customer: Customer, account_id: Any, name: str = "", checkout_id: UUID | None = None
    ) -> httpx.Response:
        """The customer connects an account; returns the answer to the browser that comes back."""
        provider.users.setdefault(account_id, name or f"user-{account_id}")
        wish = {"platform": provider.name, "return_to": "/portal?tab=access"}
        headers = self.session(customer, checkout_id)
        begun = await self.client.post(f"{ACCOUNTS}/authorize", json=wish, headers=headers)
        assert begun.status_code == 200, begun.text
        browser = self.browser()
        query = provider.approve(await leave(browser, begun.json()["url"]), account_id)
        return await browser.get(f"{ACCOUNTS}/callback", params=query)

    async def connect_place(
        self, provider: Any, account_id: Any, *, wish: dict[str, Any] | None = None, **choice: Any
    ) -> httpx.Response:
        """The seller connects an installation or a server, as somebody at the provider; returns the last answer."""
        provider.users.setdefault(account_id, f"user-{account_id}")
        body = {"platform": provider.name, "return_to": "/dashboard", **(wish or {})}
        begun = await self.client.post("/v1/benefit-connections/authorize", json=body)
        assert begun.status_code == 200, begun.text
        browser = self.browser()
        query = provider.approve(await leave(browser, begun.json()["url"]), account_id, **choice)
        return await browser.get(f"{ACCOUNTS}/callback", params=query)

    async def connections(self) -> list[Any]:
        """What the organization has connected."""
        found: list[Any] = (await self.client.get("/v1/benefit-connections/")).json()["items"]
        return found

    async def grants(self, **query: Any) -> list[Any]:
        """The grants that the API lists."""
        found: list[Any] = (await self.client.get("/v1/benefit-grants/", params=query)).json()["items"]
        return found

    async def key(self) -> Any:
        """The one license key that there is."""
        (key,) = (await self.client.get("/v1/license-keys/")).json()["items"]
        return key
