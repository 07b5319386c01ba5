"""The names that the examples of docs/guides/money.md use: one customer who buys from the reference model's seller."""

from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from tests.model.reference.billing import Billing
from tests.model.reference.books import Customer, Order, Subscription
from tests.model.reference.terms import Discount, Price, Product, Tax

GERMANY, REVERSE_CHARGE = Tax("DE", Fraction(19, 100)), Tax("DE, with a VAT id")


def day(text: str) -> datetime:
    """The beginning of a day, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def plan(amount: int, name: str = "", interval: str | None = "month", currency: str = "usd", **more: Any) -> Product:
    """A product at a fixed price, in minor units. `interval` none: bought once. `trial=("day", 14)`: tried first."""
    return Product(name or f"{amount} {interval}", ((currency, Price("fixed", amount)),), interval, **more)


def seats(*tiers: int | tuple[int | None, str], mode: str = "volume") -> Product:
    """A month for each seat: at one price, or in tiers of `(up to, price of a seat)`, in decimal cents."""
    exact = tuple((None, Fraction(one)) if isinstance(one, int) else (one[0], Fraction(one[1])) for one in tiers)
    return Product(f"seats at {tiers}", (("usd", Price("seat_based", mode=mode, tiers=exact)),))


def percent(share: int, duration: str = "forever", **more: Any) -> Discount:
    """A discount: `once`, `repeating` for `months`, or `forever`; on all products, or those named by `products`."""
    return Discount(f"{share} %", Fraction(share, 100), duration=duration, **more)


def verb(name: str, on: Callable[["Sale"], Any] = lambda sale: sale.made) -> Callable[..., Any]:
    """A verb of the model, on what `on` picks. It returns what a refund gives back before tax, and its tax; else the
    amounts of the lines of the orders that it wrote, credits first; or the error."""

    def run(sale: "Sale", when: str, *args: Any, **named: Any) -> Any:
        effects = getattr(sale.billing, name)(day(when), on(sale), *args, **named)
        if name == "refund" and not effects.refusal:
            return effects.made.amount, effects.made.tax
        return effects.refusal or sorted(line.amount for order in effects.orders for line in order.lines)

    return run


class Sale:
    """A purchase, and what follows from it."""

    def __init__(self, billing: Billing, customer: Customer, made: Order | Subscription) -> None:
        self.billing, self.customer, self.made, self.orders = billing, customer, made, billing.orders

    order, first = property(lambda self: self.orders[-1]), property(lambda self: self.orders[0])
    balance = property(lambda self: self.customer.balances[self.made.currency])
    waiting = property(lambda self: sorted(line.amount for line in self.made.waiting))
    refundable = property(lambda self: self.billing.refundable(self.first))
    change, cancel, pause, resume = verb("change"), verb("cancel"), verb("pause"), verb("resume")
    revoke, set_trial, set_discount = verb("revoke"), verb("set_trial"), verb("set_discount")
    refund, dispute = verb("refund", lambda sale: sale.first), verb("dispute", lambda sale: sale.first)
    decide, finalize = verb("decide", lambda sale: sale.first), verb("finalize")
    move_end = verb("move_end")
    pay_again, add_card = verb("pay_again", lambda sale: sale.first), verb("add_card", lambda sale: sale.customer)

    def until(self, when: str) -> list[int]:
        """Lets time pass. Returns the amounts of the lines of the orders that were written meanwhile."""
        written = len(self.orders)
        self.billing.advance(day(when))
        return sorted(line.amount for order in self.orders[written:] for line in order.lines)


def buy(when: str, product: Product, *, card: Any = "good", tax: Tax = Tax(), balance: int = 0, **more: Any) -> Any:
    """A new customer buys, in the currency of the product; `card` none: without one. Returns the sale, or the error."""
    billing, ((currency, _),) = Billing(day(when)), product.prices
    customer = Customer("Ada", card, tax)
    customer.balances[currency] = balance
    effects = billing.buy(day(when), customer, product, currency, **more)
    return effects.refusal or Sale(billing, customer, effects.made)
