"""Orders and bounded credit. Sources: SUBS, REFUNDS in docs/api; .mdx in Polar's docs/features; else server/polar."""

from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import chain

from tests.model.reference.books import Customer, Line, Order, Payment, Refund, Refused, Subscription, refuse, verb
from tests.model.reference.terms import MINIMUM_CHARGES, apportion, rounded

RETRY_AFTER = (timedelta(days=2), timedelta(days=5), timedelta(days=7), timedelta(days=7))
UNRECOVERABLE, NO_CARD = ("lost_card", "stolen_card", "expired_card", "do_not_honor"), "no_payment_method"
"""Retries after 2, 7, 14 and 21 days, and codes that none can change. Source: failed-payments.mdx."""


class Orders:
    """The part of the model that moves money. `now` is the instant of the verb."""

    def __init__(self, start: datetime) -> None:
        self.now, self.subscriptions, self.orders = start, list[Subscription](), list[Order]()

    def write(self, sub: Subscription, reason: str, lines: list[Line]) -> Order:
        """Every order takes everything that waits. Source: SUBS; order/service.py; Polar, issue #6625."""
        lines, sub.waiting, customer = [*lines, *(replace(line) for line in sub.waiting)], [], sub.customer
        order = Order(customer, sub.currency, reason, self.now, lines, customer.tax, sub.inclusive, sub)
        self.set_tax(order)
        self.apply_balance(order)
        self.orders.append(order)
        billed = [(order, line) for line in lines if line.amount > line.discount]
        own = [(order, replace(line, amount=part)) for line in lines for of, part, _ in line.corrects if of is None]
        sub.billed = [*sub.billed, *billed, *own]
        return order

    def set_tax(self, order: Order) -> None:
        """Rounded once, shared by largest remainder (ADR 0010); a credit as its order (ADR 0019; art. 90, 219)."""
        exact: list[Fraction] = []
        for line in order.lines:
            other = [(part, tax) for of, part, tax in line.corrects if of is not None and of.terms != order.terms]
            line.tax = sum(tax for _, tax in other)
            exact.append(order.terms.on(line.amount - line.discount - sum(part for part, _ in other), order.inclusive))
        for line, tax in zip(order.lines, apportion(rounded(sum(exact), order.step), exact, order.step), strict=True):
            line.tax += tax

    def apply_balance(self, order: Order) -> None:
        """Credit pays, debts are collected, too little is left as debt. Source: order/service.py `trigger_payment`."""
        due = order.total - order.customer.balances[order.currency]
        charge = due - due % order.step if order.total > 0 and due >= MINIMUM_CHARGES[order.currency] else 0
        order.applied = charge - order.total
        order.customer.balances[order.currency] += order.applied
        order.status = "pending" if charge else "paid"

    def void(self, order: Order, status: str = "void") -> None:
        """Nothing is owed any more, and the balance gets back what it gave."""
        order.customer.balances[order.currency] -= order.applied
        order.status, order.next_attempt, order.applied = status, None, 0

    def charge(self, order: Order, trigger: str) -> str | None:
        """Charges what is due: the decline code, or none. To have no card is a failure. Source: order/service.py."""
        if order.status == "paid":
            return None
        customer, sub = order.customer, order.subscription
        is_given = sub is None or sub in customer.pays or trigger == "retry_customer"
        card = customer.card if customer.card and is_given else NO_CARD
        order.payments.append(Payment(order.total + order.applied, trigger, None if card == "good" else card))
        if card != "good":
            return card
        order.status, order.next_attempt = "paid", None
        if sub is not None and sub.status == "past_due" and not self.unpaid(sub):
            sub.status, sub.past_due_at = "active", None
        return None

    def collect(self, order: Order, trigger: str = "subscription_cycle") -> None:
        """Order first, payment second; the last failure revokes. Source: failed-payments.mdx."""
        sub = order.subscription
        hopeless = trigger == "retry_dunning" and order.payments[-1].code in UNRECOVERABLE
        if (code := order.payments[-1].code if hopeless else self.charge(order, trigger)) is None:
            return
        order.deadline = order.deadline or self.now + sum(RETRY_AFTER, timedelta())
        if order.retries < len(RETRY_AFTER) and self.now < order.deadline:
            order.next_attempt = order.deadline if code in UNRECOVERABLE else self.now + RETRY_AFTER[order.retries]
            if sub is not None and sub.status in ("active", "trialing"):
                sub.status, sub.past_due_at = "past_due", self.now
        elif sub is not None and sub.status != "canceled":
            self.end(sub, revoked=True)
        else:
            self.void(order)

    def unpaid(self, sub: Subscription) -> list[Order]:
        """Orders of a subscription that are owed still."""
        return [one for one in self.orders if one.subscription is sub and one.status == "pending"]

    def end(self, sub: Subscription, *, revoked: bool) -> None:
        """A revoke drops what waits, an end with the period bills it; both void what is owed. Source: SUBS."""
        lines, sub.waiting = [] if revoked else sub.waiting, []
        sub.status, sub.ended_at, sub.pending, sub.pause_at_end, sub.resumes_at = "canceled", self.now, {}, False, None
        for order in self.unpaid(sub):
            self.void(order)
        if lines:
            self.collect(self.write(sub, "subscription_cycle", lines))

    def credited(self, order: Order | None, sub: Subscription | None = None) -> list[tuple[Line, int, int]]:
        """Credit of others, and its tax, for time that an order billed, void ones left out; or of what waits."""
        billed = chain.from_iterable(one.lines for one in self.orders if one.status != "void" and order is not None)
        waiting = chain.from_iterable(one.waiting for one in self.subscriptions if sub in (None, one))
        return [(line, part, tax) for line in (*billed, *waiting) for of, part, tax in line.corrects if of is order]

    def credit(self, sub: Subscription, wanted: Fraction | None, end: datetime) -> list[Line]:
        """What the present terms cost for the time left (none: all that is left), at most what was received for it and
        not given back, and what waits; its orders share it, and its tax is rounded once for each. Source: ADR 0019."""
        left: dict[Order | None, Fraction] = defaultdict(Fraction)
        until = None if wanted is None else end
        for of, line in [*sub.billed, *((None, line) for line in sub.waiting if line.amount > 0)]:
            left[of] += line.left(self.now, line.amount - line.discount, until) * (of.kept(sub.start) if of else 1)
        for of in left:
            given = sum(line.left(self.now, part, until) for line, part, _ in self.credited(of, None if of else sub))
            left[of] = max(Fraction(0), left[of] + given)
        bound = sum(left.values(), Fraction(0))
        is_kept = all(of is None or of.kept(sub.start) == 1 for of in left)
        slack = Fraction(len(sub.billed) + len(sub.waiting), 2) if is_kept else 0
        amount = rounded(wanted if wanted is not None and wanted <= bound + slack else bound)
        if not amount:
            return []
        corrects = []
        for of, part in zip(left, apportion(amount, [amount * part / bound for part in left.values()]), strict=True):
            before = self.credited(of) if of else []
            net, tax = -sum(part for _, part, _ in before), -sum(tax for *_, tax in before)
            whole = rounded(of.terms.on(net + part, of.inclusive), of.step) if of else 0
            back = max(0, min(whole, of.billed_tax) - tax) if of else 0
            corrects += [(of, -part, -back)] if part else []
        return [Line(-amount, self.now, end, proration=True, corrects=corrects, period=sub.start)]

    def refundable(self, order: Order) -> tuple[int, int]:
        """Left for the card: before tax, and its tax. Source: REFUNDS; Directive 2006/112/EC art. 90."""
        credited = sum(part + (0 if order.inclusive else tax) for _, part, tax in self.credited(order))
        left = min(order.paid_by_card, order.total + credited) - order.refunded
        if (cash := left - left % order.step) <= 0:
            return 0, 0
        tax = rounded(Fraction(order.tax * (order.refunded + cash), order.total), order.step) - order.given_back()[1]
        tax = min(max(0, tax), cash - order.step)
        return cash - tax, tax

    @verb
    def refund(self, order: Order, amount: int, status: str = "succeeded") -> Refund:
        """A refund of an amount before tax; the last one takes the rest. Source: REFUNDS; refund/service.py."""
        left, tax_left = self.refundable(order)
        refuse(not order.charged, "OrderNotPaid")
        refuse(order.dispute in ("open", "lost"), "DisputedOrder")
        refuse(not left + tax_left, "RefundedAlready" if order.refunded >= order.paid_by_card else "CreditedAlready")
        refuse(amount > left or (amount != left and amount % order.step), "Invalid")
        before, tax_before = order.given_back()
        part = Fraction((before + amount) * order.tax, order.net)
        share = rounded(part, order.step) - tax_before if amount < left else tax_left
        order.refunds.append(Refund(order, amount, max(0, min(share, tax_left)), status))
        self._mark(order)
        return order.refunds[-1]

    @verb
    def end_refund(self, refund: Refund, status: str) -> None:
        """A refund comes to its end later; one that fails can be made again. Source: docs/api/refunds.md."""
        refund.status = status
        self._mark(refund.order)

    def _mark(self, order: Order) -> None:
        """What is on its way does not count. Source: docs/api/refunds.md ("all that the card paid for it")."""
        given = sum(order.given_back("succeeded"))
        order.status = "paid" if not given else "refunded" if given >= order.paid_by_card else "partially_refunded"

    @verb
    def dispute(self, order: Order) -> None:
        """A bank takes what is left of the payment. Source: docs/api/disputes.md."""
        order.dispute, order.disputed = "open", order.charged - order.refunded

    @verb
    def decide(self, order: Order, *, won: bool) -> None:
        """Lost: the subscription ends, and credit for what the bank gave back is gone. Source: docs/api/disputes.md."""
        order.dispute, sub, has = "won" if won else "lost", order.subscription, order.customer.balances
        if not won and sub is not None and sub.status != "canceled":
            self.end(sub, revoked=True)
        sold = sum(one.amount - one.discount + one.tax * (not order.inclusive) for one in order.lines if one.amount > 0)
        back = -sum(part + tax * (not order.inclusive) for _, part, tax in self.credited(order))
        over = min(order.disputed, back, order.refunded + order.disputed + back - max(order.total, sold))
        has[order.currency] -= 0 if won else max(0, min(over, has[order.currency]))

    @verb
    def finalize(self, order: Order) -> None:
        """Charges a draft; a declined one stays a draft. Source: docs/api/orders.md."""
        refuse(order.status != "draft", "OrderNotDraft")
        self.apply_balance(order)
        if self.charge(order, "purchase") is not None:
            order.payments = [one for one in order.payments if one.code != NO_CARD]
            self.void(order, "draft")
            raise Refused("OrderPaymentFailed")

    @verb
    def pay_again(self, order: Order) -> None:
        """The customer pays in the portal what was declined. Source: docs/api/customer-portal.md (422, 429)."""
        refuse(order.status != "pending", "OrderNotEligibleForRetry")
        refuse(sum(payment.trigger == "retry_customer" for payment in order.payments) >= 5, "ManualRetryLimitExceeded")
        self.charge(order, "retry_customer")

    @verb
    def come_twice(self, order: Order) -> None:
        """What was declined was paid after all: it is given back. Source: docs/api/refunds.md."""
        at = next(at for at, one in enumerate(order.payments) if one.code)
        order.payments[at] = order.payments[at]._replace(code="returned")

    @verb
    def add_card(self, customer: Customer, card: str) -> None:
        """A new default card is asked at once for what is past due. Source: failed-payments.mdx "Helping customers"."""
        customer.card = card
        customer.pays.update(sub for sub in self.subscriptions if sub.customer is customer)
        for order in self.orders:
            if order.customer is customer and order.status == "pending":
                self.charge(order, "retry_payment_method_update")
