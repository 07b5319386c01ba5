"""Twenty-four requests at once, and what must hold of their answers and of the books whatever their order was."""

import asyncio
import os
from collections import Counter
from datetime import timedelta

import pytest
from billing.invariants import INVARIANTS
from billing.payments.timers import collect_due
from billing.subscriptions.renewals import renew_due
from contracts.catalog import Product, ProductCreatedV1
from servicekit import clock, ids
from servicekit.testing import eventually, signed_headers
from sqlalchemy import text

RACERS = 24
ROUNDS = int(os.environ.get("POLAR_RACE_ROUNDS", "1"))


def product_of(owner, name, amount, interval):
    """A product's public shape, with one price."""
    now, id = clock.now(), ids.uuid7()
    price = {
        "id": ids.uuid7(), "created_at": now, "modified_at": None, "source": "catalog", "amount_type": "fixed",
        "price_currency": "usd", "tax_behavior": None, "is_archived": False, "product_id": id, "price_amount": amount,
    }  # fmt: skip
    return Product.model_validate({
        "id": id, "created_at": now, "modified_at": None, "trial_interval": None, "trial_interval_count": None,
        "name": name, "description": None, "visibility": "public", "recurring_interval": interval,
        "recurring_interval_count": 1 if interval else None, "meter_interval": None, "meter_interval_count": None,
        "is_recurring": interval is not None, "is_archived": False, "is_deletable": True, "organization_id": owner,
        "metadata": {}, "prices": [price], "archived_prices": [], "benefits": [], "medias": [],
        "attached_custom_fields": [],
    })  # fmt: skip


class Race:
    """Customers with a card, and requests about one of their resources that are sent at once."""

    def __init__(self, client, bus, purchased, sandbox, database, processor, organization_id):
        self.client, self.bus, self.purchased, self.sandbox = client, bus, purchased, sandbox
        self.database, self.processor, self.organization_id = database, processor, organization_id
        self.bought = 0

    async def buy(self, amount=1000, **changes):
        """A purchase of a new customer, paid at the local Stripe with a card that is kept."""
        self.bought += 1
        changes = {"card": self.sandbox.card(), "processor_id": self.sandbox.pay(amount), **changes}
        event = self.purchased(amount=amount, email=f"buyer{self.bought}@example.com", **changes)
        await self.bus.deliver(event)
        self.customer_id = event.data.customer.id
        return event.data

    async def buy_trial(self, length):
        """A purchase that begins with a trial: nothing is paid, the card is kept."""
        customer, method = self.sandbox.card()
        setup = {
            "processor": "stripe", "processor_customer_id": customer, "processor_payment_method_id": method,
            "method": "card", "method_metadata": {"brand": "visa", "last4": "4242"},
        }  # fmt: skip
        ends = clock.now() + length
        return await self.buy(card=None, processor_id=None, payment=None, setup=setup, trial_end=ends, total_amount=0)

    async def sell(self, amount, interval="month", name="Big"):
        """Billing hears of a product with one fixed price, in minor units."""
        product = product_of(self.organization_id, name, amount, interval)
        event = ProductCreatedV1(
            subject=product.id, organization_id=self.organization_id, time=clock.now(), data=product
        )  # fmt: skip
        await self.bus.deliver(event)
        return product

    async def fall_due(self, purchase):
        """Lets the subscription's renewal be declined, then makes its card good again. Returns the order's id."""
        self.sandbox.faults(decline="insufficient_funds")
        clock.move(timedelta(days=32))
        while await renew_due(self.database.transaction) + await self.collect():
            pass
        self.sandbox.faults(decline="")
        (order,) = await self.orders(purchase, status="pending")
        return order["id"]

    async def collect(self):
        """Charges what is due, as the worker does."""
        return await collect_due(self.database.transaction, self.processor)

    async def end(self, purchase):
        """The subscription is over, so that later rounds do not renew it."""
        await self.client.delete(f"/v1/subscriptions/{purchase.subscription_id}")

    def portal(self):
        """The headers of the last buyer's session."""
        return signed_headers(self.organization_id, "customer_portal:write", customer_id=self.customer_id)

    async def orders(self, purchase, **query):
        """Orders of a purchase's subscription, the oldest first."""
        about = {"subscription_id": str(purchase.subscription_id), "sorting": "created_at", "limit": 100}
        return (await self.client.get("/v1/orders/", params={**about, **query})).json()["items"]

    async def subscription(self, purchase):
        """The subscription as it is now."""
        return (await self.client.get(f"/v1/subscriptions/{purchase.subscription_id}")).json()

    async def payments(self, order_id):
        """How many payments of an order there are, by status."""
        found = (await self.client.get("/v1/payments/", params={"order_id": str(order_id), "limit": 100})).json()
        return Counter(one["status"] for one in found["items"])

    async def run(self, method, path, *bodies, headers=None, beside=()):
        """Sends the request `RACERS` times at once, with the bodies in turn. Returns how often it was answered how.

        The status, and the name of the error where it was refused. Nothing may fail on the server's side. Who waited
        too long for a lock or a connection, as on a busy machine, does what the answer says: asks again.
        """
        about = {"headers": headers} if headers else {}

        async def insisted(number):
            given = {"json": bodies[number % len(bodies)]} if bodies else {}
            while (answer := await self.client.request(method, path, **about, **given)).status_code >= 400:
                if answer.json()["error"] not in ("ResourceLocked", "ServiceUnavailable"):
                    break
                await asyncio.sleep(float(answer.headers.get("Retry-After", 1)))
            return answer

        answers = (await asyncio.gather(*(insisted(number) for number in range(RACERS)), *beside))[:RACERS]
        failed = [answer.text for answer in answers if answer.status_code >= 500]
        assert failed == [], f"{len(failed)} of {RACERS} failed: {failed[0]}"
        return Counter(
            (answer.status_code, answer.json().get("error") if answer.status_code >= 400 else None)
            for answer in answers
        )  # fmt: skip

    async def wait(self, request):
        """Sends a request that has to wait for a lock. Returns its task once the database has it wait."""
        task = asyncio.create_task(request)
        waiting = text(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        )

        async def is_waiting():
            async with self.database.transaction() as session:
                return (await session.execute(waiting)).scalar_one()

        await eventually(is_waiting, what="a request that waits for a lock")
        return task

    async def patch(self, purchase, *bodies):
        """`run` for changes of a subscription."""
        return await self.run("PATCH", f"/v1/subscriptions/{purchase.subscription_id}", *bodies)


@pytest.fixture
async def race(client, bus, purchased, sandbox, database, processor, organization_id):
    """Whatever was sent at once: billing's invariants hold afterwards, and Stripe charged each order once."""
    made = Race(client, bus, purchased, sandbox, database, processor, organization_id)
    yield made
    async with database.transaction() as session:
        for invariant in INVARIANTS:
            values = {"now": clock.now()} if ":now" in invariant.broken_by else {}
            broken = (await session.execute(text(invariant.broken_by), values)).all()
            assert broken == [], invariant.name
        twice = text("select order_id from payments where status in ('duplicate', 'refunded')")
        assert (await session.execute(twice)).all() == [], "an order was charged twice"


def one_of(answers, *refused, status=200):
    """One request had the effect, every other one was refused for one of these reasons."""
    assert answers[status, None] == 1, answers
    assert set(answers) <= {(status, None), *refused}, answers
    assert sum(answers.values()) == RACERS
