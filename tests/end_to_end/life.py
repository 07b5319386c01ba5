"""A subscription's life as its merchant hears of it: one buyer, on a test clock, with every webhook in its order."""

import asyncio
import email
import os
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from email.policy import default
from typing import Any, ClassVar

import httpx
from polar_cli import audit
from polar_cli.stack import Stack

from tests.end_to_end.conftest import caller
from tests.end_to_end.support import TimeShop

GERMAN = {"country": "DE", "postal_code": "10115", "city": "Berlin", "line1": "Invalidenstr. 1"}
FAILS_WHEN_CHARGED = "pm_card_chargeCustomerFail"
"""Stripe's test card that can be kept and is declined whenever it is charged."""


def at(text: str) -> datetime:
    """An instant of the stories: `2027-02-28` is nine o'clock UTC on that day."""
    return datetime.fromisoformat(f"{text}T09:00:00+00:00")


def shown(text: str) -> str:
    """The same as the API writes it."""
    return f"{text}T09:00:00Z"


class Life(TimeShop):
    """A shop on a test clock with one buyer, whose subscription is followed from step to step.

    `told` reads what was heard of a resource since it was asked last: the types in their order, each once.
    """

    events: ClassVar[list[str]] = [
        "checkout.created", "checkout.updated", "checkout.expired", "customer.created", "customer.updated",
        "customer.state_changed", "order.created", "order.updated", "order.paid", "order.refunded",
        "subscription.created", "subscription.updated", "subscription.active", "subscription.canceled",
        "subscription.uncanceled", "subscription.cycled", "subscription.revoked", "subscription.past_due",
        "subscription.paused", "subscription.resumed", "benefit_grant.created", "benefit_grant.cycled",
        "benefit_grant.updated", "benefit_grant.revoked",
    ]  # fmt: skip

    def __init__(self, api: httpx.AsyncClient, organization_id: str, stack: Stack) -> None:
        super().__init__(api, organization_id)
        self.stack = stack
        self.buyer = f"buyer-{os.urandom(6).hex()}@example.com"
        self.ids: Any = None
        self.key: Any = None
        self._read: dict[str, int] = defaultdict(int)
        self._known_orders: set[str] = set()

    async def benefit_of(self, kind: str, **properties: Any) -> str:
        """A new benefit."""
        wish = {"type": kind, "description": f"A {kind}"[:42], "properties": properties}
        return str((await self.call("POST", "/v1/benefits/", wish))["id"])

    async def sell(self, name: str, amount: int, benefits: list[str], **fields: Any) -> Any:
        """A new subscription product, in US cents."""
        price = {"amount_type": "fixed", "price_amount": amount, "price_currency": "usd"}
        wish = {"name": name, "recurring_interval": "month", "prices": [price], **fields}
        product = await self.call("POST", "/v1/products/", wish)
        return await self.call("POST", f"/v1/products/{product['id']}/benefits", {"benefits": benefits})

    async def listen(self) -> None:
        """Has everything told to this receiver."""
        wish = {"url": self.receiver.url, "events": self.events}
        self.endpoint = await self.call("POST", "/v1/webhooks/endpoints", wish)
        self.receiver.secret = self.endpoint["secret"]

    async def buy(self, product: Any, card: str = "pm_card_visa", **fields: Any) -> None:
        """The buyer subscribes."""
        body = {
            "products": [product["id"]],
            "customer_email": self.buyer,
            "customer_billing_name": "A Buyer",
            "customer_billing_address": GERMAN,
            **fields,
        }
        checkout = await self.call("POST", "/v1/checkouts/", body)
        answer = await self.confirm(checkout, card)
        assert answer.status_code == 200, answer.text
        self.ids = answer.json()
        await self.settle()

    @property
    def subscription_id(self) -> str:
        """The buyer's subscription."""
        return str(self.ids["subscription_id"])

    async def subscription(self) -> Any:
        """As it is now."""
        return await self.call("GET", f"/v1/subscriptions/{self.subscription_id}")

    async def change(self, **fields: Any) -> Any:
        """The merchant changes the subscription, and all of it arrives everywhere."""
        changed = await self.call("PATCH", f"/v1/subscriptions/{self.subscription_id}", fields)
        await self.settle()
        return changed

    async def orders(self) -> list[Any]:
        """The subscription's orders, the oldest first."""
        return sorted(
            await self.items("orders", subscription_id=self.subscription_id), key=lambda one: one["created_at"]
        )

    async def new_order(self) -> Any:
        """The one order that came since this was asked last."""
        new = [one for one in await self.orders() if one["id"] not in self._known_orders]
        assert len(new) == 1, [(one["created_at"], one["billing_reason"]) for one in new]
        self._known_orders.add(new[0]["id"])
        return new[0]

    async def order(self, id: str) -> Any:
        """As it is now."""
        return await self.call("GET", f"/v1/orders/{id}")

    async def payments(self, order_id: str) -> list[Any]:
        """The attempts to have an order paid, the oldest first."""
        return sorted(await self.items("payments", order_id=order_id), key=lambda one: (one["created_at"], one["id"]))

    async def grants(self) -> dict[str, Any]:
        """What the subscription gives and gave, by benefit."""
        found = await self.items("benefit-grants", subscription_id=self.subscription_id)
        return {one["benefit_id"]: one for one in found}

    async def license_key(self, benefit_id: str) -> Any:
        """The key that the subscription gave."""
        grant = (await self.grants())[benefit_id]
        return await self.call("GET", f"/v1/license-keys/{grant['properties']['license_key_id']}")

    async def is_valid(self, key: Any) -> bool:
        """Whether the seller's program lets the buyer in."""
        wish = {"key": key["key"], "organization_id": self.organization_id}
        answer = await self.api.post("/v1/customer-portal/license-keys/validate", json=wish)
        assert answer.status_code in (200, 404), answer.text
        return answer.status_code == 200

    @asynccontextmanager
    async def portal(self) -> AsyncIterator[httpx.AsyncClient]:
        """The buyer in the customer portal."""
        session = await self.call("POST", "/v1/customer-sessions/", {"customer_id": self.ids["customer_id"]})
        async with caller(session["token"]) as client:
            yield client

    async def add_card(self, card: str, *, instead_of_others: bool = False) -> Any:
        """The buyer adds a card as their default; what is asked of it at once arrives everywhere."""
        path = "/v1/customer-portal/customers/me/payment-methods"
        async with self.portal() as portal:
            others = (await portal.get(path)).json()["items"]
            wish = {"confirmation_token_id": card, "set_default": True, "return_url": "https://example.com/"}
            answer = await portal.post(path, json=wish)
            assert answer.is_success, answer.text
            assert answer.json()["status"] == "succeeded", answer.text
            for other in others if instead_of_others else []:
                assert (await portal.delete(f"{path}/{other['id']}")).status_code == 204
        await self.settle()
        return answer.json()["payment_method"]

    def told(self, id: str) -> list[str]:
        """The types of what was heard of a resource since this was asked last."""
        heard = self.of(id)
        new, self._read[id] = heard[self._read[id] :], len(heard)
        return [one["type"] for one in new]

    def state(self) -> Any:
        """What the buyer has, as it was told last."""
        return self.of(self.ids["customer_id"], "customer.state_changed")[-1]["data"]

    def told_at(self, id: str) -> list[tuple[str, str]]:
        """The same, each with its instant."""
        heard = self.of(id)
        new, self._read[id] = heard[self._read[id] :], len(heard)
        return [(one["type"], one["timestamp"]) for one in new]

    def mails(self) -> list[str]:
        """The subjects of what was sent to the buyer."""
        found = []
        for path in sorted((self.stack.folder / "mails").glob("*.eml")):
            message = email.message_from_bytes(path.read_bytes(), policy=default)
            if message["To"] == self.buyer:
                found.append(str(message["Subject"]))
        return found

    async def audit(self) -> int:
        """Has every order, balance and tax total computed once more: 0 when nothing differs."""
        return await asyncio.to_thread(audit.run, self.stack, self.organization_id)


@asynccontextmanager
async def begun(stack: Stack, start: str) -> AsyncIterator[Life]:
    """A shop of its own in test mode, whose clock stands at nine o'clock UTC of a day."""
    made = await asyncio.to_thread(stack.create_organization, "Life", f"life-{os.urandom(4).hex()}", is_test=True)
    async with caller(made["access_token"]) as api:
        life = Life(api, made["organization_id"], stack)
        async with life.serving():
            await life.listen()
            await life.start(at(start))
            yield life
