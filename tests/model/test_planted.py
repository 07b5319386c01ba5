"""The model, or the audit, names a fault: one is planted in each rule, in the code of the running product alone.

Each fault is shown by the fewest steps; the same steps without a fault differ in nothing. The books name what is billed
twice without the model.
"""

import inspect
import textwrap
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from billing.orders import amounts, corrections, dunning, models
from billing.subscriptions import changes, discounts, entries, operations, orders, paid, pending_updates, rises
from billing.subscriptions import models as subscriptions

from tests.model.driver.checks import check
from tests.model.driver.run import Runner, caller, replay, standing
from tests.model.driver.world import act

DAY = 86400


@dataclass
class Fault:
    """Text of a function (or of a property's getter) that is replaced, and steps that show it."""

    place: object
    old: str
    new: str
    acts: list


def waiting(*rest):
    """Steps after a change whose lines wait."""
    bought = act(0, "buy", customer=0, product="Small", currency="usd")
    return [bought, act(DAY, "change", subscription=0, behavior="prorate", product="Dear"), *rest]


SEATS = act(0, "buy", customer=0, product="Seats", currency="usd", quantity=5)
GERMAN = {"customer": 1, "currency": "usd"}
FAULTS = {
    "the end with the period bills nothing that waits": Fault(
        operations.end_with_period, "await bill_rest(session, subscription, customer, around, now)", "pass",
        waiting(act(0, "cancel", subscription=0), act(31 * DAY, "wait")),
    ),
    "a change at once leaves what waits": Fault(
        orders._write, "taken = around.entries.pop(subscription.id, [])",
        "taken = [] if terms.billing_reason == 'subscription_update' else around.entries.pop(subscription.id, [])",
        waiting(act(0, "change", subscription=0, behavior="invoice", product="Small")),
    ),
    "seats drop a scheduled product": Fault(
        pending_updates.follow, "if change is not None and asked is not None:", "if False:",
        [SEATS, act(0, "change", subscription=0, behavior="next_period", product="More seats"),
         act(DAY, "change", subscription=0, behavior="prorate", quantity=8)],
    ),
    "a credit is taxed as of today": Fault(
        corrections.taxed, "if not apart:", "if True:",
        [act(0, "buy", product="Dear", **GERMAN), act(DAY, "move", customer=1, place="a German business"),
         act(9 * DAY, "change", subscription=0, behavior="invoice", product="Small")],
    ),
    "a refund takes all of the tax": Fault(
        models.Order.refundable_tax_amount.fget,
        "tax = tax_of_part(self.refunded_total + left, total=self.total_amount, tax=self.tax_amount, step=least)",
        "tax = self.tax_amount",
        [act(0, "buy", product="Dear", **GERMAN), act(0, "buy", product="Small", **GERMAN),
         act(20 * DAY, "change", subscription=0, behavior="invoice", product="Large"),
         act(0, "change", subscription=1, behavior="invoice", product="Dear"),
         act(0, "draft", product="Once dear", **GERMAN), act(0, "finalize", order=4),
         *(act(0, "refund", order=order, part=4, status="succeeded") for order in (0, 1, 2, 3, 4))],
    ),
    "what was refunded is credited": Fault(
        paid.Paid.bounded, "if nominal <= bound + self._slack:", "if True:",
        [act(0, "buy", customer=0, product="Dear", currency="usd"),
         act(0, "refund", order=0, part=4, status="succeeded"),
         act(DAY, "change", subscription=0, behavior="invoice", product="Small")],
    ),
    "a discount of one product is lost on the way back": Fault(
        discounts.of_period, "present, aside = subscription.period_discount_data, _set_aside(subscription)",
        "present, aside = subscription.period_discount_data, None",
        [act(0, "buy", customer=0, product="Small", currency="usd", discount="half of Small and Seats"),
         act(DAY, "change", subscription=0, behavior="invoice", product="Large"),
         act(DAY, "change", subscription=0, behavior="invoice", product="Small")],
    ),
    "a revoke leaves what waits": Fault(
        entries.drop, "entry.dropped_at = entry.modified_at = now", "pass",
        waiting(act(DAY, "revoke", subscription=0)),
    ),
    "a debt is not collected": Fault(
        amounts.applied_balance, "applied = -min(balance, total)", "applied = -min(max(balance, 0), total)",
        [act(0, "buy", customer=0, product="Small", currency="usd"),
         act(0, "change", subscription=0, behavior="invoice", product="Small again"),
         act(31 * DAY, "wait")],
    ),
    "periods forget their anchor day": Fault(
        subscriptions.next_period_end, "day=min(anchor_day,", "day=min(start.day,",
        [act(0, "buy", customer=0, product="Small", currency="usd"), act(60 * DAY, "wait")],
    ),
    "the first retry comes after five days": Fault(
        dunning.plan_retry, "now + RETRIES[failures - 1]", "now + RETRIES[failures % len(RETRIES)]",
        [act(0, "buy", customer=0, product="Small", currency="usd"),
         act(0, "turn", customer=0, card="insufficient_funds"), act(31 * DAY, "wait")],
    ),
    "a rise in price needs no card": Fault(
        changes.ensure_chargeable, "if amount <= 0 or", "if True or",
        [act(0, "buy", customer=0, product="Free", currency="usd"),
         act(DAY, "change", subscription=0, behavior="prorate", product="Dear")],
    ),
    "a rise after a discount needs no card": Fault(
        rises.dearest, "for at in starts if", "for at in starts[:1] if",
        [act(0, "buy", customer=0, product="Free", currency="usd", discount="all of two months"),
         act(DAY, "change", subscription=0, behavior="reset", product="Dear")],
    ),
}  # fmt: skip


TWICE = {
    "a period is billed twice": [
        Fault(
            orders.bill_rest, "now, after=after)", "now, before=[price_line(subscription)], after=after)",
            waiting(act(0, "cancel", subscription=0), act(31 * DAY, "wait")),
        ),
        Fault(
            orders.bill_period, "before=[price_line(subscription)]", "before=[price_line(subscription)] * 2",
            [act(0, "buy", customer=0, product="Small", currency="usd"), act(31 * DAY, "wait")],
        ),
    ],
    "a line is billed twice": [
        Fault(
            orders._write, "entry.order_id, entry.modified_at = order.id, now", "pass", waiting(act(62 * DAY, "wait")),
        ),
    ],
}  # fmt: skip


@contextmanager
def planted(fault):
    """The function has the faulty code; whoever holds it runs that."""
    source = textwrap.dedent(inspect.getsource(fault.place))
    assert source.count(fault.old) == 1, f"{fault.place.__qualname__} does not say {fault.old!r} any more"
    lines = source.replace(fault.old, fault.new).splitlines()
    begins = next(at for at, line in enumerate(lines) if line.startswith(("def ", "async def ")))
    made = {}
    exec("from __future__ import annotations\n" + "\n".join(lines[begins:]), fault.place.__globals__, made)
    function = made[fault.place.__name__]
    right, fault.place.__code__ = fault.place.__code__, function.__code__
    try:
        yield
    finally:
        fault.place.__code__ = right


@pytest.fixture
async def runner(app, bus):
    async with caller(app) as client:
        made = Runner(app, client, bus)
        with standing(made):
            yield made


@pytest.mark.parametrize("name", FAULTS)
async def test_a_planted_fault_is_named(runner, name):
    with planted(FAULTS[name]):
        assert await replay(runner, FAULTS[name].acts)


async def test_without_a_fault_nothing_is_named(runner):
    faults = {**FAULTS, **{f"{name} {at}": one for name, some in TWICE.items() for at, one in enumerate(some)}}
    assert {name: lines for name, fault in faults.items() if (lines := await replay(runner, fault.acts))} == {}


@pytest.mark.parametrize(("named", "fault"), [(named, fault) for named, faults in TWICE.items() for fault in faults])
async def test_the_books_alone_name_what_is_billed_twice(runner, named, fault):
    with planted(fault):
        (world,) = await runner.open(1)
        await runner.run([one.wait for one in fault.acts], [fault.acts])
        lines = await check(runner.database, runner.stripe, [world])
    assert [line for line in lines if line.startswith(f"{named}: ")], lines
