"""One shop: the model and the product side by side, and what can be done to both."""

from dataclasses import dataclass, field
from datetime import timedelta

from tests.model.driver import compare
from tests.model.driver.catalog import DISCOUNTS, HOMES, INCLUSIVE, ONCE, PLACES, PRODUCTS, RECURRING
from tests.model.reference.billing import BEHAVIORS, RUNNING, Billing
from tests.model.reference.books import Customer, Order
from tests.model.reference.orders import UNRECOVERABLE

SUBSCRIPTIONS = 4
"""Of one shop: more of them are more of the same."""
VERBS = (
    *["buy"] * 3, *["change"] * 10, *["set_trial"] * 2, *["set_discount"] * 2, "drop_pending", *["cancel"] * 2,
    *["uncancel"] * 2, "revoke", *["pause"] * 2, "unpause", *["resume"] * 2, *["add_card"] * 2, *["turn"] * 3, "move",
    *["refund"] * 4, "end_refund", "dispute", *["decide"] * 2, "draft", "finalize", "pay_again", "silence", "repeat",
    "come_twice", *["upgrade"] * 2, "move_end",
)  # fmt: skip


@dataclass(frozen=True)
class Act:
    """One step: so many seconds later, a verb with what it is about, by name and number."""

    wait: int
    verb: str
    about: dict = field(default_factory=dict)

    def __str__(self):
        return f"act({self.wait}, {', '.join([repr(self.verb), *(f'{k}={v!r}' for k, v in self.about.items())])})"


def act(wait, verb, **about):
    """A step of a script."""
    return Act(wait, verb, about)


def _is_free(subscription):
    """Whether a checkout can upgrade it. Source: Polar, checkout/schemas.py `subscription_id`."""
    price = subscription.product.price(subscription.currency)
    return subscription.status in ("active", "trialing") and price.kind == "fixed" and not price.amount


class Digits:
    """Choices out of one drawn number."""

    def __init__(self, number):
        self.number = number

    def below(self, count):
        self.number, digit = divmod(self.number, count)
        return digit

    def one(self, things):
        return things[self.below(len(things))] if things else None


class World:
    """Customers live at three places, in the order of `HOMES`; subscriptions and orders go by their number."""

    def __init__(self, start, make_product):
        self.start = start
        self.model = Billing(start)
        self.customers = [
            Customer(name, tax=PLACES[home][2]) for name, home in zip(("Ada", "Bob", "Cleo"), HOMES, strict=True)
        ]
        self.homes = dict(zip(self.customers, HOMES, strict=True))
        self.real = make_product(self)
        self.acts, self.failure = [], None
        self.done = []
        """Steps that were taken, what they were refused for, and the kind of the subscription's price."""
        self._ids, self.paid_by = {}, {}

    @property
    def known(self):
        """Customers that the product knows."""
        return [one for one in self.customers if one in self._ids]

    # Names

    def name(self, thing, id):
        """The product's id of something that the model made."""
        self._ids[thing] = id

    def names(self):
        """Names and ids of customers and subscriptions."""
        return [(name, id) for thing, id in self._ids.items() if (name := self.name_of(thing))]

    def id_of(self, thing):
        """The product's id of what the model has."""
        return self._ids[thing]

    def payments_of(self, order):
        """The processor's id of what paid an order."""
        return self.paid_by[order]

    def name_of(self, thing):
        """A name that is the same in each run."""
        if isinstance(thing, Customer):
            return thing.name
        return f"#{self.model.subscriptions.index(thing)}" if thing in self.model.subscriptions else None

    def home_of(self, customer):
        """Where a customer lives."""
        return self.homes[customer]

    # Choosing

    def choose(self, wait, verb, number):
        """A step out of drawn numbers; one that there is nothing for becomes a purchase."""
        digits = Digits(number)
        about = getattr(self, f"_choose_{verb}", self._choose_subscription)(digits)
        return Act(wait, verb, about) if about is not None else Act(wait, "buy", self._choose_buy(digits))

    def _choose_buy(self, digits):
        running = [one for one in self.model.subscriptions if one.status != "canceled"]
        name = digits.one(RECURRING if len(running) < SUBSCRIPTIONS else ONCE)
        product = PRODUCTS[name]
        currency = digits.one(
            [*("usd", "eur") * 2, *(one for one, _ in product.prices if one not in self.real.NOT_SOLD)]
        )
        price = product.price(currency)
        about = {"customer": digits.below(3), "product": name, "currency": currency}
        if price.tiers:
            about["quantity"] = 1 + digits.below(14)
        if price.kind == "custom":
            about["chosen"] = 100 + digits.below(5000)
        fitting = [one.name for one in DISCOUNTS.values() if one.applies(product, currency)]
        return about | ({"discount": digits.one(fitting)} if digits.below(3) == 0 else {})

    def _one_subscription(self, digits):
        running = [at for at, one in enumerate(self.model.subscriptions) if one.status in (*RUNNING, "paused")]
        return digits.one(running if running and digits.below(8) else range(len(self.model.subscriptions)))

    def _choose_subscription(self, digits):
        at = self._one_subscription(digits)
        return None if at is None else {"subscription": at}

    def _choose_change(self, digits):
        """Another product, seats or units; now and then with a discount, or with it taken away."""
        at = self._one_subscription(digits)
        if at is None:
            return None
        about = {"subscription": at, "behavior": digits.one(BEHAVIORS)}
        one = self.model.subscriptions[at]
        if one.quantity is not None and digits.below(2):
            about["quantity"] = 1 + digits.below(14)
        else:
            kind = one.product.price(one.currency).kind
            kind = kind if kind != "custom" else "fixed"
            alike = [name for name in RECURRING if PRODUCTS[name].price("usd").kind == kind]
            about["product"] = digits.one(alike if digits.below(10) else RECURRING)
        return about | ({"discount": digits.one((None, *DISCOUNTS))} if digits.below(5) == 0 else {})

    def _choose_uncancel(self, digits):
        """By the seller, or by the customer, who needs a card."""
        chosen = self._choose_subscription(digits)
        return chosen and chosen | ({"by_customer": True} if "portal" in self.real.SHOWS and digits.below(2) else {})

    _choose_resume = _choose_uncancel

    def _choose_move_end(self, digits):
        chosen = self._choose_subscription(digits)
        return chosen and chosen | {"days": digits.one((-1, 2, 10, 45))}

    def _choose_upgrade(self, digits):
        """A checkout for a free subscription."""
        at = digits.one([at for at, one in enumerate(self.model.subscriptions) if _is_free(one)])
        if at is None or "portal" not in self.real.SHOWS:
            return None
        name = digits.one([one for one in RECURRING if one != "Free" and PRODUCTS[one].price("usd").kind != "custom"])
        price = PRODUCTS[name].price("usd")
        about = {"subscription": at, "product": name, "currency": digits.one(("usd", "eur"))}
        return about | ({"quantity": 1 + digits.below(14)} if price.tiers else {})

    def _choose_come_twice(self, digits):
        def declined(one):
            return one.status in ("paid", "void") and one.charged and any(paid.code for paid in one.payments)

        return self._order_where(digits, declined) if "portal" in self.real.SHOWS else None

    def _choose_set_trial(self, digits):
        chosen = self._choose_subscription(digits)
        return chosen and chosen | {"days": digits.one((None, 3, 20, 40))}

    def _choose_set_discount(self, digits):
        chosen = self._choose_subscription(digits)
        return chosen and chosen | {"discount": digits.one((None, *DISCOUNTS))}

    def _choose_pause(self, digits):
        chosen = self._choose_subscription(digits)
        return chosen and chosen | {"days": digits.one((None, None, 20, 45))}

    def _known(self, digits):
        return digits.one([at for at, one in enumerate(self.customers) if one in self._ids])

    def _choose_turn(self, digits):
        """A card that was lost stays so: it is replaced."""
        at = digits.one([at for at, one in enumerate(self.customers) if one.card and one.card not in UNRECOVERABLE])
        return None if at is None else {"customer": at, "card": digits.one(("good",) * 3 + self.real.CODES)}

    def _choose_add_card(self, digits):
        at = self._known(digits)
        return None if at is None else {"customer": at, "card": digits.one(("good", "good", *self.real.CODES))}

    def _choose_silence(self, digits):
        """The next charge is not answered, where it would be paid: who was declined is told at another time."""
        cards = [one.card for one in self.customers if one.card]
        return {} if cards and set(cards) == {"good"} else None

    def _choose_repeat(self, digits):
        return {} if self.model.orders else None

    def _choose_move(self, digits):
        at = self._known(digits)
        return None if at is None else {"customer": at, "place": digits.one(list(PLACES))}

    def _choose_draft(self, digits):
        at = self._known(digits)
        return (
            None
            if at is None
            else {
                "customer": at,
                "product": digits.one(ONCE),
                "currency": digits.one(("usd", "eur", "jpy", "isk", "huf")),
            }
        )

    def _order_where(self, digits, condition):
        at = digits.one([at for at, one in enumerate(self.model.orders) if condition(one)])
        return None if at is None else {"order": at}

    def _choose_finalize(self, digits):
        return self._order_where(
            digits, lambda one: one.status == "draft" or (one.subscription is None and not one.at.second)
        )

    def _choose_pay_again(self, digits):
        return self._order_where(digits, lambda one: one.customer.card and (one.status == "pending" or one.retries))

    def _choose_refund(self, digits):
        chosen = self._order_where(digits, lambda one: one.status != "draft" and (one.charged or not one.at.second))
        return chosen and chosen | {
            "part": digits.one((1, 2, 4, 4, 5)),
            "status": digits.one(self.real.REFUNDS),
        }

    def _choose_end_refund(self, digits):
        chosen = self._order_where(digits, lambda one: any(refund.status == "pending" for refund in one.refunds))
        return chosen and chosen | {"status": digits.one(("succeeded", "failed"))}

    def _choose_dispute(self, digits):
        return self._order_where(digits, lambda one: one.charged > one.refunded and one.dispute is None)

    def _choose_decide(self, digits):
        chosen = self._order_where(digits, lambda one: one.dispute == "open")
        return chosen and chosen | {"won": bool(digits.below(2))}

    # Doing

    async def perform(self, act):
        """Does a step to both. Returns what differs in how they answer, none when nothing does."""
        self.acts.append(act)
        verb, about = act.verb, dict(act.about)
        for name, known in (("product", PRODUCTS), ("discount", DISCOUNTS)):
            if about.get(name):
                about[name] = known[about[name]]
        subject = [
            things[about.pop(name)]
            for name, things in (
                ("customer", self.customers), ("subscription", self.model.subscriptions), ("order", self.model.orders),
            )
            if name in about
        ]  # fmt: skip
        kind = subject[0].product.price(subject[0].currency).kind if "subscription" in act.about else None
        expected, refusal = await self._do(verb, subject, about)
        self.done.append((act, expected, kind))
        if refusal in self.real.UNANSWERED and expected is None:
            return []
        if refusal != expected:
            return [f"model:   {expected or 'done'}", f"product: {refusal or 'done'}"]
        return []

    async def _do(self, verb, subject, about):
        """What the model and the product refuse it for."""
        if verb == "wait":
            return None, None
        if verb in ("silence", "repeat"):
            return None, await getattr(self.real, verb)()
        if verb == "move":
            (customer,), place = subject, about["place"]
            customer.tax, self.homes[customer] = PLACES[place][2], place
            return None, await self.real.move(customer, place)
        if verb == "turn":
            (customer,) = subject
            customer.card = about["card"]
            return None, await self.real.turn(customer, customer.card)
        subject, about = self._timed(verb, subject, about)
        name, wanted = {"uncancel": ("cancel", [False]), "unpause": ("pause", [False])}.get(verb, (verb, []))
        more = {"draft": True} if verb == "draft" else {}
        if verb in ("buy", "draft", "upgrade"):
            name, more["inclusive"] = "buy", (about["product"].name, about["currency"]) in INCLUSIVE
        free = None
        if verb == "upgrade":
            (chosen,) = subject
            free = chosen if _is_free(chosen) else None  # what is not free any more is left alone
            subject, more["upgrade"] = [chosen.customer], free
        effects = getattr(self.model, name)(self.model.now, *subject, *wanted, **about, **more)
        if verb == "upgrade":
            return effects.refusal, await self.real.buy(effects, *subject, **about, upgrade=free)
        return effects.refusal, await getattr(self.real, verb)(effects, *subject, **about)

    def _timed(self, verb, subject, about):
        """Instants and amounts that a step gives as days or parts."""
        if verb in ("set_trial", "pause", "move_end"):
            days = about.pop("days")
            about["resumes_at" if verb == "pause" else "end"] = days and self.model.now + timedelta(days=days)
        if verb == "refund":
            part, (left, _) = about.pop("part"), self.model.refundable(*subject)
            about["amount"] = left + 1 if part == 5 else max(1, left * part // 4)
        if verb == "end_refund":
            subject = [[one for one in subject[0].refunds if one.status == "pending"][0]]  # noqa: RUF015
        return subject, about

    def compare(self, rows):
        """What differs between the model and the product's rows. Gives new orders of the model their ids."""
        product, found = compare.of_product(rows, self)
        lines = compare.differences(compare.of_model(self), product)
        if not lines:
            known = {id for thing, id in self._ids.items() if isinstance(thing, Order)}
            for order in self.model.orders:
                same = found[compare.order_row(order, self)]
                if order not in self._ids:
                    self._ids[order] = next(id for id, _ in same if id not in known)
                    known.add(self._ids[order])
                self.paid_by[order] = next((paid for id, paid in same if id == self._ids[order] and paid), None)
        return lines
