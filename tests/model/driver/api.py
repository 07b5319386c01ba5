"""The verbs that the product has in its API: the same in one process and behind the gateway."""

from servicekit import clock

from tests.model.driver.catalog import PLACES

REFUSALS = {"RequestValidationError": "Invalid"}


class Api:
    """Asks the product for what the model was asked. A verb returns the API's name of a refusal, or none.

    `world` has the model and finds the product's id for what the model made.
    """

    UNANSWERED = frozenset({"PaymentUnavailable", "OrderPaymentUnknown"})
    """Answers where Stripe did not answer: a timer asks again."""
    SHOWS = frozenset({"discounts of lines", "balances", "waiting lines", "portal"})
    """What can be compared that not every side of the product shows."""
    NOT_SOLD = frozenset()
    """Currencies that nothing can be offered in any more, where that is asked."""
    REFUNDS = ("succeeded", "succeeded", "pending")
    """How refunds end at first."""
    CODES = ("insufficient_funds", "insufficient_funds", "lost_card")
    """What cards decline with."""

    def __init__(self, world):
        self.world = world
        self.products, self.discounts = {}, {}
        """The product's shapes, or documents, by name."""

    async def call(self, method, path, body=None, *, customer=None):
        """One request of the seller, or of a customer in the portal. Returns the answer and what it is refused for."""
        raise NotImplementedError

    async def _refusal(self, *request, **more):
        return (await self.call(*request, **more))[1]

    def id_of(self, thing):
        """The id of a product or a discount."""
        return str(thing["id"] if isinstance(thing, dict) else thing.id)

    async def _update(self, subscription, by_customer=False, **body):
        path = f"subscriptions/{self.world.id_of(subscription)}"
        if by_customer:
            customer = self.world.id_of(subscription.customer)
            return await self._refusal("PATCH", f"/v1/customer-portal/{path}", body, customer=customer)
        return await self._refusal("PATCH", f"/v1/{path}", body)

    async def change(self, effects, subscription, behavior, product=None, quantity=None, **given):
        kind = subscription.product.price(subscription.currency).kind
        what = {"product_id": self.id_of(self.products[product.name])} if product else {}
        if quantity:
            what = {"units" if kind == "unit_based" else "seats": quantity}
        for discount in given.values():
            what["discount_id"] = self.id_of(self.discounts[discount.name]) if discount else None
        return await self._update(subscription, **what, proration_behavior=behavior)

    async def set_trial(self, effects, subscription, end):
        return await self._update(subscription, trial_end=clock.rfc3339(end) if end else "now")

    async def set_discount(self, effects, subscription, discount):
        return await self._update(
            subscription, discount_id=self.id_of(self.discounts[discount.name]) if discount else None
        )

    async def drop_pending(self, effects, subscription):
        return await self._update(subscription, pending_update=None)

    async def cancel(self, effects, subscription):
        return await self._update(subscription, cancel_at_period_end=True)

    async def uncancel(self, effects, subscription, by_customer=False):
        return await self._update(subscription, by_customer, cancel_at_period_end=False)

    async def revoke(self, effects, subscription):
        return await self._refusal("DELETE", f"/v1/subscriptions/{self.world.id_of(subscription)}")

    async def pause(self, effects, subscription, resumes_at=None):
        more = {"resumes_at": clock.rfc3339(resumes_at)} if resumes_at else {}
        return await self._update(subscription, pause_at_period_end=True, **more)

    async def unpause(self, effects, subscription):
        return await self._update(subscription, pause_at_period_end=False)

    async def resume(self, effects, subscription, by_customer=False):
        return await self._update(subscription, by_customer, resume=True)

    async def move_end(self, effects, subscription, end):
        return await self._update(subscription, current_billing_period_end=clock.rfc3339(end))

    async def refund(self, effects, order, amount, status="succeeded"):
        body = {"order_id": self.world.id_of(order), "amount": amount, "reason": "other"}
        return await self._refusal("POST", "/v1/refunds/", body)

    async def draft(self, effects, customer, product, currency):
        body = {
            "customer_id": self.world.id_of(customer), "product_id": self.id_of(self.products[product.name]),
            "currency": currency,
        }  # fmt: skip
        return await self._refusal("POST", "/v1/orders/", body)

    async def finalize(self, effects, order):
        return await self._refusal("POST", f"/v1/orders/{self.world.id_of(order)}/finalize", {})

    async def move(self, customer, place):
        """The customer gives another address and tax id."""
        address, tax_id, _ = PLACES[place]
        body = {"billing_address": address, "tax_id": tax_id}
        return await self._refusal("PATCH", f"/v1/customers/{self.world.id_of(customer)}", body)

    async def add_card(self, effects, customer, card):
        body = {"confirmation_token_id": "pm_card_visa", "set_default": True, "return_url": "https://example.com/"}
        path = "/v1/customer-portal/customers/me/payment-methods"
        return await self._refusal("POST", path, body, customer=self.world.id_of(customer))

    async def pay_again(self, effects, order):
        card = await self._card_of(order.customer)
        path = f"/v1/customer-portal/orders/{self.world.id_of(order)}/confirm-payment"
        body = {"payment_method_id": card}
        return await self._refusal("POST", path, body, customer=self.world.id_of(order.customer))

    async def _card_of(self, customer):
        id = self.world.id_of(customer)
        answer, _ = await self.call("GET", f"/v1/customers/{id}/payment-methods")
        return next(card["id"] for card in answer["items"] if card["is_default"])
