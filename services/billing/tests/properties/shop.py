"""One organization of a sequence: what it sells, its customers, and what happens to it, by the service's own code."""

from datetime import timedelta

from billing.disputes import operations as disputes
from billing.orders import operations as orders
from billing.products.models import Product as KnownProduct
from billing.refunds import operations as refunds
from billing.refunds.callbacks import follow_refund
from billing.refunds.schemas import RefundCreate
from billing.subscriptions import updates
from billing.subscriptions.schemas import SubscriptionUpdate
from contracts.catalog import Product
from contracts.checkout import Purchase
from servicekit import clock, ids
from servicekit.auth import Principal
from servicekit.errors import ServiceError
from servicekit.testing.harness import SECRET
from sqlalchemy import text

from services.billing.tests.properties.stripe_in_process import fee_of

CATALOG = (("Small", 1000, "month"), ("Large", 2599, "month"), ("Yearly", 20001, "year"), ("Once", 777, None))
BEHAVIORS = ("prorate", "invoice", "next_period", "reset")
SUBSCRIPTIONS = 3
"""Of one shop: more of them are more of the same."""
CODES = (None, "insufficient_funds", "lost_card")


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


class Shop:
    """Does operations that are drawn as numbers: the low byte says which, the high one with what."""

    def __init__(self, database, stripe, number):
        self.database, self.stripe = database, stripe
        self.organization_id = ids.uuid7()
        self.principal = Principal("organization", ids.uuid7(), (self.organization_id,), frozenset())
        self.products = [product_of(self.organization_id, *terms) for terms in CATALOG]
        self.subscriptions, self.orders = [], []
        self.cards = [f"pm_{number}_{one}" for one in range(2)]
        self.done, self.refused = 0, {}
        self.unheard = []
        self.kinds = (
            self.buy, self.buy, self.change, self.change, self.change, self.pause, self.resume, self.cancel,
            self.uncancel, self.revoke, self.refund, self.refund, self.refund, self.refund_fails, self.decline,
            self.decline, self.silence, self.dispute, self.decide, self.repeat,
        )  # fmt: skip

    async def open(self):
        """Billing knows what the catalog sells."""
        async with self.database.transaction() as session:
            for product in self.products:
                data = product.model_dump(mode="json")
                session.add(
                    KnownProduct(
                        id=product.id, organization_id=self.organization_id, sequence=1, checksum=None, data=data
                    )
                )

    async def do_all(self, drawn):
        """Several operations, one after the other."""
        for one in drawn:
            await self.do(one)

    async def do(self, drawn):
        """One operation; what the service refuses is no failure."""
        kind, argument = self.kinds[(drawn & 0xFF) % len(self.kinds)], drawn >> 8
        try:
            await kind(argument)
            self.done += 1
        except ServiceError as refusal:
            name = type(refusal).__name__
            self.refused[name] = self.refused.get(name, 0) + 1

    def _one(self, things, argument):
        return things[argument % len(things)] if things else None

    async def buy(self, argument):
        sold = self.products if len(self.subscriptions) < SUBSCRIPTIONS else self.products[3:]
        product, card = self._one(sold, argument), argument >> 4 & 1
        discount = (0, 0, 0, 100)[argument >> 5 & 3]
        tax = (0, 190)[argument >> 7 & 1]
        await self._buy(product, card, discount, tax)

    async def _buy(self, product, card, off, tax):
        now, price = clock.now(), product.prices[0]
        amount, owner = price.price_amount, str(self.organization_id)
        total = amount - off + tax
        email = ("ada@example.com", "bob@example.com")[card]
        payment_id, order_id = ids.uuid7(), ids.uuid7()
        intent = self.stripe.pay(total, "usd", {"organization_id": owner, "payment_id": str(payment_id)})
        self.last = Purchase.model_validate({
            "checkout_id": ids.uuid7(), "organization_id": owner, "order_id": order_id,
            "subscription_id": ids.uuid7() if product.is_recurring else None,
            "customer": {
                "id": ids.derive(SECRET, owner, email), "email": email, "name": "Ada", "billing_name": None,
                "billing_address": {"country": "US", "state": "US-CA"}, "tax_id": None, "external_id": None,
                "metadata": {},
            },
            "product": product, "price": price, "discount": None, "currency": "usd", "amount": amount,
            "discount_amount": off, "net_amount": amount - off, "tax_amount": tax,
            "tax_behavior": "exclusive" if tax else None, "total_amount": total,
            "payment": {
                "id": payment_id, "processor": "stripe", "processor_id": intent.id, "amount": total, "currency": "usd",
                "method": "card", "method_metadata": {"brand": "visa", "last4": "4242"},
                "processor_customer_id": f"cus_{card}", "processor_payment_method_id": self.cards[card],
                "processor_fee_amount": fee_of(total),
            },
            "metadata": {}, "custom_field_data": {}, "confirmed_at": now, "succeeded_at": now,
        })  # fmt: skip
        await self.repeat(0)
        self.orders.append(order_id)
        if self.last.subscription_id:
            self.subscriptions.append(self.last.subscription_id)

    async def repeat(self, argument):
        """The last purchase is told again: nothing happens."""
        if getattr(self, "last", None) is not None:
            async with self.database.transaction() as session:
                await orders.open_of_purchase(session, self.last)

    async def _update(self, argument, **wish):
        chosen = self._one(self.subscriptions, argument)
        if chosen is not None:
            update = SubscriptionUpdate.model_validate(wish)
            await updates.update(self.database.transaction, self.stripe, self.principal, chosen, update)

    async def change(self, argument):
        product = self._one(self.products[:3], argument >> 2)
        await self._update(argument, product_id=product.id, proration_behavior=BEHAVIORS[argument >> 4 & 3])

    async def pause(self, argument):
        resumes = clock.now() + timedelta(days=400) if argument & 0x80 else None
        await self._update(argument, pause_at_period_end=True, resumes_at=resumes)

    async def resume(self, argument):
        await self._update(argument, resume=True)

    async def cancel(self, argument):
        await self._update(argument, cancel_at_period_end=True)

    async def uncancel(self, argument):
        await self._update(argument, cancel_at_period_end=False)

    async def revoke(self, argument):
        if argument & 0xC0 == 0xC0:
            await self._update(argument, revoke=True)

    async def refund(self, argument):
        async with self.database.transaction() as session:
            rows = await session.execute(
                text("select id, net_amount from orders where organization_id = :owner and net_amount > 0 order by id"),
                {"owner": self.organization_id},
            )
            order = self._one(rows.all(), argument >> 1)
        if order is None:
            return
        if argument & 0x40:
            self.stripe.refund_ends.append("pending")
        amount = max(1, order.net_amount * (1 + argument % 4) // 4)
        wish = RefundCreate(order_id=order.id, amount=amount, reason="other")
        made = await refunds.create(self.database.transaction, self.stripe, self.principal, wish, ids.uuid7())
        assert made.amount == amount

    async def refund_fails(self, argument):
        """A refund of this shop ends: well when it was pending, or after all not."""
        mine = [
            made for intent in self._intents() for made in intent.refunds if made["status"] in ("pending", "succeeded")
        ]
        made = self._one(mine, argument)
        if made is not None:
            said = self.stripe.end_refund(made, "succeeded" if argument & 0x80 else "failed")
            async with self.database.transaction() as session:
                await follow_refund(session, said, "refund.updated")
                await follow_refund(session, said, "refund.updated")

    def _intents(self):
        owner = str(self.organization_id)
        return [one for one in self.stripe.intents.values() if one.metadata.get("organization_id") == owner]

    async def decline(self, argument):
        self.stripe.declines[self.cards[argument & 1]] = CODES[(argument >> 1) % len(CODES)]

    async def silence(self, argument):
        """The next charge of any shop gets no answer; no more than one, or none would get any."""
        self.stripe.silent = 1

    async def dispute(self, argument):
        paid = [one for one in self._intents() if one.status == "succeeded" and one.dispute is None]
        intent = self._one([one for one in paid if one.amount > one.refunded], argument)
        if intent is not None:
            await self._hear(self.stripe.dispute(intent))

    async def decide(self, argument):
        opened = [one.dispute for one in self._intents() if one.dispute and one.dispute["status"] == "needs_response"]
        dispute = self._one(opened, argument >> 1)
        if dispute is not None:
            await self._hear(self.stripe.decide(dispute, won=bool(argument & 1)))

    async def _hear(self, said):
        async with self.database.transaction() as session:
            if not await disputes.hear(session, said):
                self.unheard.append(said)

    async def hear_again(self):
        """A call-back about a payment that was not known yet comes back, as the consumer has it do (`Retry`)."""
        again, self.unheard = self.unheard, []
        for said in again:
            await self._hear(said)
