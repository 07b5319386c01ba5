"""The product in this process: billing's application and timers on a real database, Stripe's protocol beside them, the
bus delivered by hand, and a clock that stands until it is set."""

from uuid import UUID

import tax
from billing.orders import tax as taxes
from contracts.catalog import ProductCreatedV1
from contracts.checkout import CheckoutSucceededV1, DiscountCreatedV1, Purchase
from contracts.identity import OrganizationCreatedV1
from contracts.processor_events import ProcessorEvent, ProcessorEventReceivedV1
from servicekit import clock, ids
from servicekit.testing.harness import SECRET, signed_headers

from tests.model.driver import shapes
from tests.model.driver.api import REFUSALS, Api
from tests.model.driver.catalog import PLACES
from tests.model.driver.stripe_in_process import fee_of
from tests.model.reference.terms import STEPS

SCOPES = ("customers", "orders", "payments", "subscriptions", "refunds", "disputes", "customer_portal")


class InProcess(Api):
    """One organization of billing."""

    def __init__(self, world, database, client, bus, stripe):
        super().__init__(world)
        self.database, self.client, self.bus, self.stripe = database, client, bus, stripe
        self.owner = ids.uuid7()
        self._made = 0

    async def open(self):
        """Billing knows the seller, what it sells, and its discounts."""
        self.products = shapes.products(self.owner)
        self.discounts = shapes.discounts(self.owner, self.products)
        told = [(OrganizationCreatedV1, shapes.organization(self.owner))]
        told += [(ProductCreatedV1, product) for product in self.products.values()]
        told += [(DiscountCreatedV1, discount) for discount in self.discounts.values()]
        for contract, data in told:
            await self._deliver(contract, data)

    async def _deliver(self, contract, data, subject=None):
        await self.bus.deliver(
            contract(subject=subject or data.id, organization_id=self.owner, time=clock.now(), data=data)
        )

    async def call(self, method, path, body=None, *, customer=None):
        scopes = [f"{name}:{verb}" for name in SCOPES for verb in ("read", "write")]
        headers = signed_headers(self.owner, *scopes, customer_id=customer)
        answer = await self.client.request(method, path, json=body, headers=headers)
        if answer.status_code < 400:
            return (answer.json() if answer.content else None), None
        name = answer.json()["error"]
        if answer.status_code >= 500 and name not in self.UNANSWERED:
            return None, str(answer.status_code)
        return answer.json(), REFUSALS.get(name, name)

    # A checkout is the checkout service's: what it would say is made from the model's order.

    async def buy(self, effects, customer, product, currency, upgrade=None, **terms):
        if effects.refusal:
            return effects.refusal
        order = effects.orders[-1]
        purchase = self.last = self._purchase(order, product, **terms)
        if upgrade is not None:
            subscription_id = UUID(self.world.id_of(upgrade))
            purchase = self.last = purchase.model_copy(update={"upgraded_subscription_id": subscription_id})
        await self.repeat()
        self.world.name(order, str(purchase.order_id))
        if order.subscription and upgrade is None:
            self.world.name(order.subscription, str(purchase.subscription_id))
        customers, _ = await self.call("GET", f"/v1/customers/?email={purchase.customer.email}")
        self.world.name(customer, customers["items"][0]["id"])
        return None

    def _purchase(self, order, product, quantity=None, chosen=None, discount=None, **_):
        now, shape, currency, owner = clock.now(), self.products[product.name], order.currency, str(self.owner)
        price = next(price for price in shape.prices if price.price_currency == currency)
        is_trial = order.subscription is not None and order.subscription.status == "trialing"
        cost = product.price(currency).cost(quantity, chosen)
        off = discount.off(product, currency, cost) if discount else 0
        address, tax_id, _ = PLACES[self.world.home_of(order.customer)]
        taxed = self._taxed(price, cost - off, currency, address, tax_id)
        if not is_trial:
            assert (taxed.amount, cost - off + (taxed.amount if taxed.behavior == "exclusive" else 0)) == (
                order.tax, order.total), "the tax of the checkout differs from the model's"  # fmt: skip
        total = 0 if is_trial else order.total
        by_units = product.price(currency).kind == "unit_based"
        email = f"{order.customer.name.casefold()}@example.com"
        card = {"processor": "stripe", "method": "card", "method_metadata": {"brand": "visa", "last4": "4242"},
                "processor_customer_id": self.holder(order.customer),
                "processor_payment_method_id": f"pm_of_{self.holder(order.customer)}"}  # fmt: skip
        payment = None
        if total:
            id = ids.uuid7()
            intent = self.stripe.pay(total, currency, {"organization_id": owner, "payment_id": str(id)})
            payment = {"id": id, "processor_id": intent.id, "amount": total, "currency": currency,
                       "processor_fee_amount": fee_of(total), **card}  # fmt: skip
        return Purchase.model_validate({
            "checkout_id": ids.uuid7(), "organization_id": self.owner, "order_id": ids.uuid7(),
            "subscription_id": self._next_id() if order.subscription else None,
            "customer": {
                "id": ids.derive(SECRET, owner, email), "email": email, "name": order.customer.name,
                "billing_name": None, "billing_address": address, "tax_id": tax_id,
                "tax_id_format": "eu_vat" if tax_id else None, "external_id": None, "metadata": {},
                # By the seller: the card of a customer who has none becomes their default. A stranger's would not.
                "is_named": True,
            },
            "product": shape, "price": price, "discount": self.discounts[discount.name] if discount else None,
            "currency": currency, "amount": cost, "discount_amount": off,
            "net_amount": cost - off - (taxed.amount if taxed.behavior == "inclusive" else 0),
            "tax_amount": taxed.amount, "tax_behavior": taxed.behavior,
            "total_amount": cost - off + (taxed.amount if taxed.behavior == "exclusive" else 0), "payment": payment,
            "setup": card if order.subscription in order.customer.pays and not payment else None,
            "metadata": {}, "custom_field_data": {}, "confirmed_at": now, "succeeded_at": now,
            "seats": None if by_units else quantity, "units": quantity if by_units else None,
            "trial_end": order.subscription.end if is_trial else None,
            "tax_breakdown": taxed.breakdown(), "tax_computation": taxed.computation,
            "tax_calculation_id": taxed.calculation_id,
        })  # fmt: skip

    def _taxed(self, price, amount, currency, address, tax_id):
        known = tax.Address.of(address)
        checked = tax.tax_id_of(tax_id, known.country) if tax_id else None
        behavior = tax.behavior_of(price.tax_behavior, "location", known.country)
        lines = (tax.Line(str(price.id), amount),)
        request = tax.TaxRequest(
            "sale", currency, behavior, lines, clock.now().date(), "FR", known, checked, step=STEPS.get(currency, 1)
        )
        return taxes._quotes.known(request)

    def holder(self, customer):
        """Stripe's id of a customer."""
        return f"cus_{self.owner.hex}_{customer.name}"

    async def repeat(self):
        """The last purchase is delivered, once more."""
        await self._deliver(CheckoutSucceededV1, self.last, self.last.checkout_id)

    # Stripe and the banks

    async def silence(self):
        """The next charge is not answered."""
        self.stripe.silent.add(str(self.owner))

    def _next_id(self):
        """An id that comes after those before it, also at one instant: what falls due together is billed by id."""
        self._made += 1
        return UUID(int=ids.uuid7().int & ~(0xFFF << 64) | self._made << 64)

    async def turn(self, customer, card):
        code = None if card == "good" else card
        self.stripe.silent.discard(str(self.owner))
        self.stripe.declines[self.holder(customer)] = code
        self.stripe.declines[f"cus_{self.world.id_of(customer)}"] = code

    async def add_card(self, effects, customer, card):
        await self.turn(customer, card)
        return await super().add_card(effects, customer, card)

    async def refund(self, effects, order, amount, status="succeeded"):
        if effects.made and status != "succeeded":
            self.stripe.refund_ends[self.intent_of(order).id] = status
        return await super().refund(effects, order, amount, status)

    async def end_refund(self, effects, refund, status):
        made = self.intent_of(refund.order).refunds[refund.order.refunds.index(refund)]
        await self._hear("refund.updated", self.stripe.end_refund(made, status))

    async def come_twice(self, effects, order):
        """A payment that was declined was made after all; the order was paid, or is not owed any more."""
        owed = [one for one in self.stripe.intents.values() if one.metadata.get("order_id") == self.world.id_of(order)]
        intent = next(one for one in owed if one.code)
        intent.code, intent.status = None, "succeeded"
        said = {
            "id": intent.id, "object": "payment_intent", "status": "succeeded", "metadata": intent.metadata,
            "currency": intent.currency, "latest_charge": {
                "payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": "4242"}},
                "balance_transaction": {"currency": intent.currency, "fee": fee_of(intent.amount)},
            },
        }  # fmt: skip
        await self._hear("payment_intent.succeeded", said)

    async def dispute(self, effects, order):
        await self._hear("charge.dispute.created", self.stripe.dispute(self.intent_of(order)))

    async def decide(self, effects, order, won):
        said = self.stripe.decide(self.intent_of(order).dispute, won=won)
        await self._hear("charge.dispute.closed", said)

    def intent_of(self, order):
        """Stripe's payment of an order."""
        return self.stripe.intents[self.world.payments_of(order)]

    async def _hear(self, kind, said):
        event = ProcessorEvent(
            id=f"evt_{ids.uuid7().hex}", processor="stripe", type=kind, object=said, created_at=clock.now()
        )
        contract = ProcessorEventReceivedV1
        told = contract(subject=ids.uuid7(), organization_id=self.owner, time=clock.now(), data=event)
        await self.bus.deliver(told)
