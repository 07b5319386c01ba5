"""The verbs of subscriptions. Each takes its instant, does what is due until then, and returns its effects, or a
refusal with the API's name of the error, after which nothing is changed. Sources are named as in `orders`."""

from datetime import datetime, timedelta
from typing import Any

from tests.model.reference import terms as sold
from tests.model.reference.books import Customer, Line, Order, Payment, Refused, Subscription, refuse, verb
from tests.model.reference.orders import NO_CARD, Orders
from tests.model.reference.terms import MINIMUM_CHARGES, Discount, Price, Product, end_of, rounded, share_left

KEEP = Discount("what it has")
BEHAVIORS, RUNNING = ("invoice", "prorate", "next_period", "reset"), ("active", "trialing", "past_due")


class Billing(Orders):
    """One seller's billing. `sub` is a subscription."""

    def due(self) -> datetime | None:
        """When something happens next by itself."""
        found = [one.end for one in self.subscriptions if one.status in RUNNING]
        found += [one.resumes_at for one in self.subscriptions if one.status == "paused" and one.resumes_at]
        found += [one.next_attempt for one in self.orders if one.next_attempt]
        return max(self.now, min(found)) if found else None

    def advance(self, at: datetime) -> None:
        """Does everything that is due, each at its instant: ends, pauses, resumes, renewals, retries. Source: SUBS."""
        while (due := self.due()) is not None and due <= at:
            self.now = due
            for sub in sorted(self.subscriptions, key=lambda one: one.turn):
                if sub.status in RUNNING and sub.end <= due:
                    self._turn(sub)
                elif sub.status == "paused" and sub.resumes_at and sub.resumes_at <= due:
                    self._renew(sub)
            for order in self.orders:
                if order.next_attempt and order.next_attempt <= due:
                    order.retries, order.next_attempt = order.retries + 1, None
                    self.collect(order, "retry_dunning")
        self.now = at

    def _turn(self, sub: Subscription) -> None:
        """The end of a period: its end or a pause bill what waits; else the next one begins. What was paid for time
        after a trial is credited. Source: SUBS; ADR 0019."""
        sub.waiting = [*sub.waiting, *(self._unused(sub) if sub.status == "trialing" else [])]
        if sub.cancel_at_end:
            self.end(sub, revoked=False)
        elif sub.pause_at_end:
            sub.status, sub.pause_at_end, sub.past_due_at = "paused", False, None
            if sub.waiting:
                self.collect(self.write(sub, "subscription_cycle", []))
        else:
            self._renew(sub, None if sub.status == "trialing" else sub.anchor)

    def _renew(self, sub: Subscription, anchor: int | None = None) -> None:
        """Scheduled changes first, then an order. Source: subscription/service.py `cycle`; manage.mdx "Resume"."""
        before = sub.product.every
        vars(sub).update(sub.pending, pending={})
        self._begin(sub, anchor if before == sub.product.every else None)
        self.collect(self.write(sub, "subscription_cycle", [self._period(sub)]))

    def _begin(self, sub: Subscription, anchor: int | None = None) -> None:
        sub.anchor, sub.start, sub.billed = anchor or self.now.day, self.now, []
        sub.end = end_of(self.now, *sub.product.every, sub.anchor)
        sub.resumes_at = None if sub.status == "paused" else sub.resumes_at
        if sub.status in ("trialing", "paused"):  # past due while something from before the pause is owed
            sub.status, sub.past_due_at = ("past_due", self.now) if self.unpaid(sub) else ("active", None)

    def _period(self, sub: Subscription, *, within: bool = False) -> Line:
        """A whole period; `within`: its discount is inside the line. Source: ADR 0013; subscription/update.py."""
        cost, discount = sub.cost(), sub.discount
        if discount is not None and not discount.covers(sub.start, sub.discount_first):
            discount = sub.discount = sub.discount_first = None
        applies = discount is not None and discount.applies(sub.product, sub.currency)
        sub.period_discount = discount if applies else None
        if applies and cost and sub.discount_first is None:
            sub.discount_first = sub.start
        off = cost - sub.cost(sub.period_discount)
        return Line(cost - (off if within else 0), sub.start, sub.end, within, discount=0 if within else off)

    @verb
    def buy(
        self, customer: Customer, product: Product, currency: str, *, quantity: int | None = None,
        chosen: int | None = None, discount: Discount | None = None, inclusive: bool = False, draft: bool = False,
        upgrade: Subscription | None = None,
    ) -> Order | Subscription:  # fmt: skip
        """A checkout uses no balance; a price keeps the card. Source: docs/api/checkouts.md; models/checkout.py."""
        price, sub, now, rest = product.price(currency), None, self.now, list[Order]()
        refuse(price is None or (chosen is None) != (price.kind != "custom") or (draft and product.interval), "Invalid")
        if product.interval is None:
            cost = price.cost(quantity, chosen)
            line = Line(cost, now, now, discount=discount.off(product, currency, cost) if discount else 0)
        else:
            sub = Subscription(customer, product, currency, quantity, chosen, now, now, 1, inclusive, discount=discount)
            self._begin(sub)
            if product.trial:
                sub.status, sub.trial_start, sub.trial_end = "trialing", now, end_of(now, *product.trial, now.day)
                sub.end, line = sub.trial_end, Line(0, now, sub.trial_end)
            else:
                line = self._period(sub)
                sub.discount = None if discount and discount.duration == "once" else discount
        if upgrade is not None and sub is not None:
            apart = upgrade.waiting and (upgrade.currency, upgrade.inclusive) != (currency, inclusive)
            rest = [self.write(upgrade, "subscription_cycle", [])] if apart else rest
            vars(upgrade).update({**vars(sub), "waiting": upgrade.waiting})
            sub = upgrade
        reason = "subscription_update" if upgrade else "subscription_create" if sub else "purchase"
        order = Order(customer, currency, reason, now, [line], customer.tax, inclusive, sub)
        self.set_tax(order)
        order.status = "draft" if draft else "paid"
        if order.total and not draft:
            if order.total < MINIMUM_CHARGES[currency] or customer.card not in (None, "good"):
                raise Refused("Invalid" if order.total < MINIMUM_CHARGES[currency] else "PaymentError")
            order.payments.append(Payment(order.total, "purchase"))
        self.orders.append(order)
        if sub is not None:
            self.subscriptions += [sub] if upgrade is None else []
            sub.billed = [(order, line)]
            if order.total or sub.cost():
                customer.card = customer.card or "good"
                customer.pays.add(sub)
        for one in rest:
            self.collect(one)
        return sub or order

    @verb
    def change(self, sub: Subscription, behavior: str, *, discount: Discount | None = KEEP, **terms: Any) -> None:
        """Another `product` or `quantity` once the last bill is paid; a discount with it counts from now on, in a trial
        or with the next period from then on. Source: manage.mdx; proration.mdx; SUBS."""
        self._require(sub, "active", "trialing")
        product, trialing = terms.get("product", sub.product), sub.status == "trialing"
        old, new = sub.product.price(sub.currency), product.price(sub.currency) or Price("custom")
        unfit = new.kind == "custom" if "product" in terms else not new.tiers
        refuse(unfit or product.interval is None or ((old.tiers or new.tiers) and old.kind != new.kind), "Invalid")
        refuse(discount and discount is not KEEP and not discount.applies(product, sub.currency), "Invalid")
        runs = sub.discount_first is not None if discount else sub.period_discount is None
        is_given = discount is not KEEP and not (discount == sub.discount and runs)
        given = {"discount": discount, "discount_first": None} if is_given else {}
        is_same = all(value == getattr(sub, kind) for kind, value in terms.items())
        if behavior == "next_period" or (is_same and (trialing or not (is_given or behavior == "reset"))):
            was = sub.discount, sub.discount_first
            vars(sub).update(given)
            self._schedule(sub, was, **terms)
            return
        is_again = is_same and behavior == "reset" and self.now - sub.start < timedelta(minutes=1)
        if not trialing and (self.unpaid(sub) or is_again):
            raise Refused("SubscriptionLocked")
        sub.pending = {kind: value for kind, value in sub.pending.items() if kind not in terms}
        if trialing:
            self._change_in_trial(sub, given, **terms)
        elif behavior == "reset" or product.every != sub.product.every:
            within = behavior != "reset"
            credit = self._unused(sub) if within else []
            self._anew(sub, credit, "subscription_update", within=within, **terms, **given)
        else:
            lines = self._prorated(sub, discount if is_given else sub.period_discount, **terms)
            amount = sum(line.amount for line in lines) if behavior == "prorate" else 0
            self._require_card(sub, max(amount, self._dearest(sub, sub.end, begun=sub.start, **terms, **given)))
            vars(sub).update(terms, **given)
            if is_given:
                sub.period_discount, sub.discount_first = discount, sub.start if discount and sub.cost() else None
            if behavior == "invoice":
                self._bill_now(sub, lines, "subscription_update")
            else:
                sub.waiting = [*sub.waiting, *lines]

    def _require(self, sub: Subscription, *statuses: str, canceling: bool = False) -> None:
        """Source: docs/api/subscriptions.md (403); manage.mdx ("already canceled or scheduled to cancel")."""
        refuse(sub.status == "canceled" or (sub.cancel_at_end and not canceling), "AlreadyCanceledSubscription")
        refuse(sub.status not in statuses, "InactiveSubscription")

    def _require_card(self, sub: Subscription, amount: int) -> None:
        """A rise needs a card, unless credit pays it, its tax and all that waits. Source: docs/api/subscriptions.md."""
        theirs = [one for one in self.subscriptions if (one.customer, one.currency) == (sub.customer, sub.currency)]
        waiting = [(one, sum(line.amount for line in one.waiting)) for one in theirs]
        line = Line(amount + sum(due for one, due in waiting if one is sub or due > 0), self.now, self.now)
        preview = Order(sub.customer, sub.currency, "", self.now, [line], sub.customer.tax, sub.inclusive)
        self.set_tax(preview)
        short = 0 < preview.total > sub.customer.balances[sub.currency]
        refuse(amount > 0 and not self._has_card(sub) and short, "PaymentMethodRequired")

    def _has_card(self, sub: Subscription) -> bool:
        """Who asks for what costs something chooses the customer's card. Source: ADR 0022."""
        sub.customer.pays.update([sub] if sub.customer.card else [])
        return sub in sub.customer.pays

    def _ensure_continuable(self, sub: Subscription, start: datetime, by_customer: bool) -> None:
        """A customer who goes on needs a card. Source: customer_portal/service/subscription.py (409); SUBS."""
        later = sub.discount if sub.discount and sub.discount.duration == "forever" else None
        costs = [sub.cost(discount, **sub.pending) for discount in (sub.discount_at(start), later)]
        self._require_card(sub, max(costs) if by_customer else 0)

    def _prorated(self, sub: Subscription, discount: Discount | None, **terms: Any) -> list[Line]:
        """Credit for what is left, a debit for as much; of a quantity the difference. Source: proration.mdx."""
        part = share_left(sub.start, sub.end, self.now)
        before, after = sub.cost(sub.period_discount), sub.cost(discount, **terms)
        if "product" in terms:
            credit, debit = self._unused(sub), rounded(after * part)
        else:
            credit = self.credit(sub, max(0, before - after) * part, sub.end)
            debit = rounded(max(0, after - before) * part)
        return credit + ([Line(debit, self.now, sub.end, proration=True, period=sub.start)] if debit else [])

    def _unused(self, sub: Subscription) -> list[Line]:
        """Credit for all that is left, of a trial for the time paid before. Source: ADR 0019; `update_trial`."""
        if sub.status == "trialing":
            return self.credit(sub, None, max((line.end for _, line in sub.billed), default=self.now))
        return self.credit(sub, share_left(sub.start, sub.end, self.now) * sub.cost(sub.period_discount), sub.end)

    def _schedule(self, sub: Subscription, was: tuple[Any, Any], **terms: Any) -> None:
        """With the next period, one of each kind. Source: SUBS; tests/subscription/test_service.py (issue #11129)."""
        pending = {kind: value for kind, value in {**sub.pending, **terms}.items() if value != getattr(sub, kind)}
        self._require_card(sub, self._dearest(sub, sub.end, was, **pending))
        sub.pending = pending

    def _dearest(
        self, sub: Subscription, start: datetime, was: tuple[Any, Any] | None = None, begun: datetime | None = None, *,
        anew: bool = False, present: Any = (), **terms: Any,
    ) -> int:  # fmt: skip
        """The most that a period from then on costs, of those that cost more than before: a rise needs a card also
        where it comes when a discount is over. Source: docs/api/subscriptions.md."""
        old, old_first = was or (sub.discount, sub.discount_first)
        first = begun if "discount" in terms else sub.discount_first or (begun if anew else None)
        new = terms.pop("discount", sub.discount)
        every, starts = terms.get("product", sub.product).every, [start]
        over = sold.add_months(start, max(one.months if one else 0 for one in (old, new)), 31)
        while len(starts) < 2 or starts[-2] < over:
            starts.append(end_of(starts[-1], *every, start.day))

        def cost(at: datetime, discount: Discount | None, first: datetime | None, pending: datetime, of: Any) -> int:
            first = first or (pending if at > pending else None)
            return sub.cost(discount if discount and discount.covers(at, first) else None, **dict(of))

        costs = [
            (cost(at, old, old_first, sub.end if anew else start, present), cost(at, new, first, start, terms))
            for at in starts
        ]
        return max((after for before, after in costs if after > before), default=0)

    def _anew(self, sub: Subscription, credit: list[Line], reason: str, *, within: bool = False, **terms: Any) -> None:
        """A full new period from now. Source: proration.mdx."""
        refuse(self.unpaid(sub), "SubscriptionLocked")
        end = end_of(self.now, *terms.get("product", sub.product).every, self.now.day)
        dearest = self._dearest(sub, end, begun=self.now, anew=True, **terms)
        vars(sub).update(terms)
        self._begin(sub)
        sub.ensure_paused_before(sub.end)
        line = self._period(sub, within=within)
        self._require_card(sub, dearest)
        self._bill_now(sub, [*credit, *([line] if line.amount or not within else [])], reason)

    def _bill_now(self, sub: Subscription, lines: list[Line], reason: str) -> None:
        """Charged at once; what is declined leaves a void order. Source: proration.mdx; manage.mdx; SUBS (402, 409)."""
        if not lines:
            return
        order, customer = self.write(sub, reason, lines), sub.customer
        is_owed = order.status == "paid" and order.total > 0 > customer.balances[sub.currency]  # too little to charge
        is_short = (is_owed or order.status == "pending") and not self._has_card(sub)
        code = NO_CARD if is_short else self.charge(order, "purchase")
        if code is not None:
            self.void(self.orders.pop() if code == NO_CARD else order)
            raise Refused("PaymentMethodRequired" if code == NO_CARD else "PaymentFailed")

    def _change_in_trial(self, sub: Subscription, given: dict[str, Any], **terms: Any) -> None:
        """Nothing is billed; the trial is the new product's from its start. Source: manage.mdx "Change the plan"."""
        moved: dict[str, Any] = {}
        if product := terms.get("product"):
            start, trial = sub.trial_start or self.now, product.trial
            end = end_of(start, *trial, start.day) if trial else self.now
            if end <= self.now:
                self._anew(sub, self._unused(sub), "subscription_cycle", trial_end=self.now, **terms, **given)
                return
            moved = {"trial_end": end, "end": end}
            sub.ensure_paused_before(end)
        self._require_card(sub, self._dearest(sub, moved.get("end", sub.end), **terms, **given))
        vars(sub).update(terms, **moved, **given)

    @verb
    def set_trial(self, sub: Subscription, end: datetime | None) -> None:
        """Moves the end of a trial, gives one, or ends it now. Source: manage.mdx; Polar, issue #7317."""
        self._require(sub, *(("trialing",) if end is None else ("active", "trialing")))
        if end is None:
            pending, sub.pending = sub.pending, {}
            self._anew(sub, self._unused(sub), "subscription_cycle", trial_end=self.now, **pending)
            return
        refuse(end <= (self.now if sub.status == "trialing" else sub.end), "Invalid")
        sub.ensure_paused_before(end)
        start = sub.trial_start if sub.status == "trialing" else self.now
        vars(sub).update(status="trialing", trial_start=start, trial_end=end, end=end)

    @verb
    def set_discount(self, sub: Subscription, discount: Discount | None) -> None:
        """Counts from the next period. Source: manage.mdx "Apply or change a discount"; ADR 0013."""
        self._require(sub, "active", "trialing")
        refuse(discount and not discount.applies(sub.product, sub.currency), "Invalid")
        if discount != sub.discount:
            later = {**sub.pending, "discount": discount, "discount_first": None}
            self._require_card(sub, self._dearest(sub, sub.end, present=sub.pending, **later))
            sub.discount, sub.discount_first = discount, None

    @verb
    def drop_pending(self, sub: Subscription) -> None:
        """`pending_update: null`. Source: docs/api/subscriptions.md; Polar, subscription/endpoints.py."""
        sub.pending = {}

    @verb
    def cancel(self, sub: Subscription, wanted: bool = True, by_customer: bool = False) -> None:
        """Ends with its period, without a planned pause; or no more. Source: manage.mdx; SUBS (409)."""
        self._require(sub, *RUNNING, *(() if wanted else ("paused",)), canceling=not wanted)
        refuse(not wanted and not sub.cancel_at_end, "SubscriptionNotScheduledToCancel")
        self._ensure_continuable(sub, sub.end, by_customer)
        sub.cancel_at_end = wanted
        sub.pause_at_end, sub.resumes_at = (False, None) if wanted else (sub.pause_at_end, sub.resumes_at)

    @verb
    def revoke(self, sub: Subscription) -> None:
        """Ends now. Source: manage.mdx "Revoke immediately"."""
        self._require(sub, *RUNNING, "paused", canceling=True)
        self.end(sub, revoked=True)

    @verb
    def pause(self, sub: Subscription, wanted: bool = True, resumes_at: datetime | None = None) -> None:
        """From the end of the period; or not any more. Source: manage.mdx "Pause at period end"."""
        self._require(sub, *(("active",) if wanted else RUNNING), canceling=not wanted)
        refuse(resumes_at is not None and resumes_at <= sub.end, "Invalid")
        sub.pause_at_end, sub.resumes_at = wanted, resumes_at

    @verb
    def resume(self, sub: Subscription, by_customer: bool = False) -> None:
        """A new period now, charged at once. Source: manage.mdx "Resume"."""
        self._require(sub, "paused", canceling=True)
        self._ensure_continuable(sub, self.now, by_customer)
        self._renew(sub)

    @verb
    def move_end(self, sub: Subscription, end: datetime) -> None:
        """The period ends at another time, which costs nothing. Source: docs/api/subscriptions.md."""
        self._require(sub, "active", canceling=True)
        refuse(end <= self.now, "Invalid")
        sub.ensure_paused_before(end)
        sub.end, sub.anchor = end, end.day

    def access(self, sub: Subscription, grace_days: int = 0) -> bool:
        """Whether benefits are held now. Source: failed-payments.mdx "Benefit revocation grace period"; manage.mdx."""
        in_grace = sub.past_due_at is not None and self.now < sub.past_due_at + timedelta(days=grace_days)
        return sub.status in ("active", "trialing") or (sub.status == "past_due" and in_grace)
