"""The whole product behind its gateway: checkouts, the bus and every service are real, a test clock moves the time.

The API shows neither balances nor lines that wait, and of lines no discount: these are compared in one process alone.
"""

import asyncio
from datetime import datetime, timedelta
from types import SimpleNamespace

from tests.model.driver.api import REFUSALS, Api
from tests.model.driver.catalog import DISCOUNTS, INCLUSIVE, PLACES, PRODUCTS
from tests.model.driver.shapes import price_terms
from tests.model.driver.world import World

VERBS = (
    *["buy"] * 3, *["change"] * 10, *["set_trial"] * 2, *["set_discount"] * 2, "drop_pending", *["cancel"] * 2,
    *["uncancel"] * 2, "revoke", *["pause"] * 2, "unpause", *["resume"] * 2, *["add_card"] * 3, "move",
    *["refund"] * 3, "draft", "finalize", "pay_again",
)  # fmt: skip
"""Without what the banks do: the local Stripe does that in tests of its own."""
WAITS = (0, 0, 0, 0, 86400, 3 * 86400, 8 * 86400, 31 * 86400)
CARDS = {"good": "pm_card_visa", "insufficient_funds": "pm_card_chargeCustomerFail"}
GRACE_DAYS = 7


class Gateway(Api):
    """One organization with a test clock; `shop` moves it, `caller` makes clients of the gateway."""

    SHOWS = frozenset()
    NOT_SOLD = frozenset({"kwd"})
    REFUNDS = ("succeeded",)
    CODES = ("insufficient_funds",)

    def __init__(self, world, shop, caller):
        super().__init__(world)
        self.shop, self.caller = shop, caller
        self.portals = {}
        self.first, self.returned = {}, set()
        """Subscriptions that were bought by whoever typed an e-mail first, and customers who have bought since."""

    async def open(self):
        """The seller's settings, what it sells, and one benefit of every subscription."""
        settings = {
            "country": "FR",
            "subscription_settings": {
                "allow_multiple_subscriptions": True, "benefit_revocation_grace_period": GRACE_DAYS,
            },
        }  # fmt: skip
        await self.shop.call("PATCH", f"/v1/organizations/{self.shop.organization_id}", settings)
        benefit = await self.shop.call("POST", "/v1/benefits/", {"type": "custom", "description": "Support"})
        for product in PRODUCTS.values():
            made = await self.shop.call("POST", "/v1/products/", _product(product))
            self.products[product.name] = made
            if product.interval:
                await self.shop.call("POST", f"/v1/products/{made['id']}/benefits", {"benefits": [benefit["id"]]})
        for discount in DISCOUNTS.values():
            self.discounts[discount.name] = await self.shop.call("POST", "/v1/discounts/", self._discount(discount))
        await self.shop.settle()

    def _discount(self, discount):
        terms = (
            {"amounts": dict(discount.amounts)} if discount.amounts else {"basis_points": int(discount.share * 10000)}
        )
        months = {"duration_in_months": discount.months} if discount.months else {}
        only = {"products": [self.products[name]["id"] for name in discount.products]} if discount.products else {}
        kind = "fixed" if discount.amounts else "percentage"
        return {"name": discount.name, "type": kind, "duration": discount.duration, **terms, **months, **only}

    async def call(self, method, path, body=None, *, customer=None):
        client = self.shop.api
        if customer is not None:
            if customer not in self.portals:
                made = await self.shop.call("POST", "/v1/customer-sessions/", {"customer_id": customer})
                self.portals[customer] = self.caller(made["token"])
            client = self.portals[customer]
        answer = await client.request(method, path, json=body)
        if answer.status_code < 400:
            return (answer.json() if answer.content else None), None
        name = answer.json()["error"]
        return answer.json(), str(answer.status_code) if answer.status_code >= 500 else REFUSALS.get(name, name)

    async def buy(self, effects, customer, product, currency, quantity=None, chosen=None, discount=None, **_):
        address, tax_id, _ = PLACES[self.world.home_of(customer)]
        quantities = (
            {"units" if product.price(currency).kind == "unit_based" else "seats": quantity} if quantity else {}
        )
        business = {"customer_tax_id": tax_id, "is_business_customer": True, "customer_billing_name": "A GmbH"}
        # Whom the seller names keeps the card of the purchase as the default, if there is none.
        known = {"customer_id": self.world.id_of(customer)} if customer in self.world.known else {}
        body = {
            "products": [self.products[product.name]["id"]], "currency": currency,
            **(known or {"customer_email": f"{customer.name}@example.com", "customer_name": customer.name}),
            "customer_billing_address": address, **quantities, **({"amount": chosen} if chosen else {}),
            **(business if tax_id else {}),
            **({"discount_id": self.discounts[discount.name]["id"]} if discount else {}),
        }  # fmt: skip
        checkout, refusal = await self.call("POST", "/v1/checkouts/", body)
        if refusal:
            return refusal
        token = "pm_card_visa" if customer.card in (None, "good") else "pm_card_chargeDeclined"
        needed = {"confirmation_token_id": token} if checkout["is_payment_form_required"] else {}
        confirm = {"client_secret": checkout["client_secret"], **needed}
        bought, refusal = await self.call("POST", f"/v1/checkouts/{checkout['id']}/confirm", confirm)
        if refusal:
            return refusal
        (order,) = effects.orders
        self.world.name(order, bought["order_id"])
        if order.subscription:
            self.world.name(order.subscription, bought["subscription_id"])
        await self.shop.settle()
        made = await self.shop.call("GET", f"/v1/orders/{bought['order_id']}")
        self.world.name(customer, made["customer_id"])
        if known:
            self.returned.add(customer)
        elif order.subscription:
            self.first[customer] = order.subscription
        return None

    async def add_card(self, effects, customer, card):
        id, path = self.world.id_of(customer), "/v1/customer-portal/customers/me/payment-methods"
        body = {"confirmation_token_id": CARDS[card], "set_default": True, "return_url": "https://example.com/"}
        added, refusal = await self.call("POST", path, body, customer=id)
        if refusal:
            return refusal
        await self.shop.settle()
        known, _ = await self.call("GET", path, customer=id)
        begun = self.first.get(customer)
        if begun is not None and customer in self.returned and begun.ended_at is None:
            # It may be somebody else's who typed the e-mail first: its customer chooses the card for it by name.
            own = f"/v1/customer-portal/subscriptions/{self.world.id_of(begun)}"
            choice = {"payment_method_id": added["payment_method"]["id"]}
            _, refusal = await self.call("PATCH", own, choice, customer=id)
            assert refusal is None, refusal
            del self.first[customer]
            await self.shop.settle()
        for other in known["items"]:
            if other["id"] != added["payment_method"]["id"]:
                _, refusal = await self.call("DELETE", f"{path}/{other['id']}", customer=id)
                assert refusal is None, refusal
        return None

    async def rows(self):
        """What the API shows, with the names of billing's columns."""
        found = {"balances": [], "waiting": []}
        refunds, payments = await self._all("refunds"), await self._all("payments")
        found["orders"] = [
            _row(
                order,
                lines=[(line["amount"], 0, line["tax_amount"], line["proration"]) for line in order["items"]],
                payments=[(one["amount"], one["status"], one["id"]) for one in payments
                          if one["order_id"] == order["id"] and one["decline_reason"] != "order_void"],
                refunds=[(one["amount"], one["tax_amount"], one["status"]) for one in refunds
                         if one["order_id"] == order["id"]],
            )
            for order in await self._all("orders")
        ]  # fmt: skip
        found["subscriptions"] = [
            _row(one, product=one["product"]["name"], quantity=one["seats"] or one["units"])
            for one in await self._all("subscriptions")
        ]
        return found

    async def _all(self, resource):
        items, page = [], 1
        while True:
            answer = await self.shop.call("GET", f"/v1/{resource}/?limit=100&page={page}&sorting=created_at")
            items += answer["items"]
            if page >= answer["pagination"]["max_page"]:
                return items
            page += 1

    async def access(self):
        """Customers who have the benefit."""
        holders = set()
        for customer in self.world.customers:
            if customer in self.world.known:
                state = await self.shop.call("GET", f"/v1/customers/{self.world.id_of(customer)}/state")
                holders |= {customer.name} if state["granted_benefits"] else set()
        return holders


def _row(document, **more):
    names = {name: value for name, value in document.items() if name not in more}
    for name, value in names.items():
        if isinstance(value, str) and value.endswith("Z") and "T" in value:
            names[name] = datetime.fromisoformat(value)
    return SimpleNamespace(**names, **more)


def _product(product):
    trial = {"trial_interval": product.trial[0], "trial_interval_count": product.trial[1]} if product.trial else {}
    every = (
        {"recurring_interval": product.interval, "recurring_interval_count": product.count} if product.interval else {}
    )
    prices = []
    for currency, price in product.prices:
        if currency in Gateway.NOT_SOLD:
            continue
        terms = price_terms(price)
        if price.kind == "seat_based":
            terms = {"seat_tiers": {name: terms["seat_tiers"][name] for name in ("seat_tier_type", "tiers")}}
        behavior = "inclusive" if (product.name, currency) in INCLUSIVE else "exclusive"
        known = {name: value for name, value in terms.items() if value is not None}
        prices.append({"amount_type": price.kind, "price_currency": currency, "tax_behavior": behavior, **known})
    return {"name": product.name, **every, **trial, "prices": prices}


async def run(shop, caller, waits, steps):
    """One sequence of a shop with a test clock. Returns the world: its failure is what differs."""
    world = World(shop.now, lambda world: Gateway(world, shop, caller))
    await world.real.open()
    for wait, step in zip(waits, steps, strict=True):
        if wait:
            await shop.advance(shop.now + timedelta(seconds=wait))
            await _compare(world)
        if world.failure is None:
            world.model.advance(shop.now)
            world.failure = await world.perform(world.choose(wait, *step)) or None
            await shop.settle()
            await _compare(world)
        if world.failure is not None:
            break
    await asyncio.gather(*(client.aclose() for client in world.real.portals.values()))
    return world


async def _compare(world):
    world.model.advance(world.real.shop.now)
    if world.failure is None:
        world.failure = world.compare(await world.real.rows()) or await _access(world) or None


async def _access(world):
    model = world.model
    expected = {one.customer.name for one in model.subscriptions if model.access(one, GRACE_DAYS)}
    held = await world.real.access()
    return [] if held == expected else [f"model:   access {sorted(expected)}", f"product: access {sorted(held)}"]
