"""Random sequences of what merchants, customers, banks and time do: the books are right after every one of them.

500 sequences of 30 operations and 6 steps of time each. The cheap way to so many: twenty sequences live in twenty
organizations of one database at once, so that one step of time, one look of every timer, and one audit serve all of
them, and one waits for the database while another works; nothing is migrated or restarted in between, and Stripe's
protocol is answered in this process. In a search they work one after the other, so that a failing example can shrink to
the least of operations, as any of hypothesis.
"""

import asyncio
import json
import os
from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from billing.audit.run import audit
from billing.disputes.timers import follow_disputes
from billing.invariants import INVARIANTS
from billing.orders.dunning import retry_due
from billing.payments.timers import collect_due, refund_duplicates
from billing.refunds.timers import finish_refunds
from billing.subscriptions.renewals import renew_due
from billing.subscriptions.timers import end_canceled_subscriptions, pause_subscriptions, resume_subscriptions
from contracts.billing import Order, Refund
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from servicekit import clock
from servicekit.testing.harness import empty
from sqlalchemy import text

from services.billing.tests.properties.shop import Shop
from services.billing.tests.properties.stripe_in_process import InProcessStripe

TOGETHER = 20
SEARCHES = "POLAR_PROPERTY_EXAMPLES" in os.environ
"""Other sequences each time, made small when they fail; without it, the same 500 in each run, in bounded time."""
EXAMPLES = int(os.environ.get("POLAR_PROPERTY_EXAMPLES", "25"))
OPERATIONS, STEPS = 30, 6
seen = Counter()

OPERATION = st.integers(0, 0xFFFF)
SEQUENCE = st.lists(OPERATION, min_size=OPERATIONS, max_size=OPERATIONS)
DAYS = st.lists(st.sampled_from([0, 1, 3, 8, 15, 31]), min_size=STEPS, max_size=STEPS)


BILLED_TWICE = """
select i.id, o.subscription_id, i.start_timestamp, j.start_timestamp from order_items i
join orders o on o.id = i.order_id and o.status <> 'void'
join orders p on p.subscription_id = o.subscription_id and p.status <> 'void'
join order_items j on j.order_id = p.id and j.id > i.id
where not i.proration and not j.proration
  and o.billing_reason <> 'subscription_update' and p.billing_reason <> 'subscription_update'
  and tstzrange(i.start_timestamp, i.end_timestamp) && tstzrange(j.start_timestamp, j.end_timestamp)
  and not exists (
      select from orders c where c.subscription_id = o.subscription_id and c.billing_reason = 'subscription_update'
        and c.status <> 'void' and c.created_at between i.start_timestamp and j.start_timestamp
  )
"""
"""Two lines for one time of a subscription, with no change between them that credited the first or began anew."""


@given(sequences=st.lists(SEQUENCE, min_size=TOGETHER, max_size=TOGETHER), days=DAYS)
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=not SEARCHES, database=None,
    suppress_health_check=list(HealthCheck), phases=[Phase.generate, *([Phase.shrink] if SEARCHES else [])],
)  # fmt: skip
async def test_the_books_are_right_after_every_sequence(app, sequences, days):
    database = app.state.database
    await empty(database)
    stripe = InProcessStripe()
    shops = [Shop(database, stripe, number) for number in range(len(sequences))]
    try:
        await asyncio.gather(*(shop.open() for shop in shops))
        for step, passing in enumerate(days):
            share = slice(step * OPERATIONS // STEPS, (step + 1) * OPERATIONS // STEPS)
            work = [shop.do_all(sequence[share]) for shop, sequence in zip(shops, sequences, strict=True)]
            if SEARCHES:
                for one in work:
                    await one
            else:
                await asyncio.gather(*work)
            clock.move(timedelta(days=passing, seconds=61))
            await everything_due(database, stripe)
            for shop in shops:
                await shop.hear_again()
        stripe.silent = 0
        for _ in range(3):
            clock.move(timedelta(hours=2))
            await everything_due(database, stripe)
            for shop in shops:
                await shop.hear_again()
        await check(database, stripe, shops)
    finally:
        clock.reset()
    seen.update(sequences=len(shops), operations=sum(shop.done for shop in shops))
    for shop in shops:
        seen.update(shop.refused)


async def everything_due(database, stripe):
    """What the worker's timers do, until nothing is left to do."""
    timers = (
        end_canceled_subscriptions, pause_subscriptions, resume_subscriptions, renew_due, retry_due,
        partial(collect_due, processor=stripe), partial(finish_refunds, processor=stripe),
        partial(follow_disputes, processor=stripe), partial(refund_duplicates, processor=stripe),
    )  # fmt: skip
    for _ in range(200):
        done = 0
        for timer in timers:
            done += await timer(database.transaction)
        if not done:
            return
    pytest.fail("the timers never come to an end")


async def check(database, stripe, shops):
    """Everything that must be true of the books, whatever happened."""
    report = await audit(database, None)
    assert [line for one in report.differences.values() for line in one.lines()] == []
    async with database.transaction() as session:
        for invariant in INVARIANTS:
            values = {"now": clock.now()} if ":now" in invariant.broken_by else {}
            assert (await session.execute(text(invariant.broken_by), values)).all() == [], invariant.name
        twice = await session.execute(text(BILLED_TWICE))
        assert twice.all() == [], "a period is billed twice"
        exceeding = await session.execute(
            text("""
            select p.id from payments p left join refunds r on r.payment_id = p.id and r.status <> 'failed'
            group by p.id having coalesce(sum(r.amount + r.tax_amount), 0) > p.amount
        """)
        )
        assert exceeding.all() == []
        booked = dict((await session.execute(text("""
            select organization_id, sum(amount) from ledger_entries where account = 'processor' group by 1
        """))).all())  # fmt: skip
        open_ones = (await session.execute(text("select count(*) from payments where status = 'open'"))).scalar_one()
        assert open_ones == 0
        for shop in shops:
            assert shop.unheard == []
            held = stripe.holds(str(shop.organization_id))
            assert booked.get(shop.organization_id, 0) == held, await _differing(session, stripe, shop)
        await replayed(session)


async def replayed(session):
    """The events alone give the balances of the ledger."""
    rows = await session.execute(
        text("select routing_key, organization_id, payload from outbox where routing_key ~ '^(order.paid|refund)' "
             "order by id")
    )  # fmt: skip
    told, refunds = Counter(), {}
    for row in rows:
        if row.routing_key == "order.paid.v1":
            order = Order.model_validate(json.loads(row.payload)["data"], extra="ignore", context={"tolerant": True})
            told[row.organization_id, "tax_payable"] -= order.tax_amount
            told[row.organization_id, "owed"] -= order.net_amount + order.applied_balance_amount
            told[row.organization_id, "paid"] += order.total_amount + order.applied_balance_amount
        else:
            refund = Refund.model_validate(json.loads(row.payload)["data"], extra="ignore", context={"tolerant": True})
            # The return of a payment that nobody owed is no refund of what was sold.
            if refund.id != refund.payment_id:
                refunds[refund.id] = refund
    for refund in refunds.values():
        if refund.status == "succeeded":
            told[refund.organization_id, "tax_payable"] += refund.tax_amount
            told[refund.organization_id, "owed"] += refund.amount
            told[refund.organization_id, "paid"] -= refund.amount + refund.tax_amount
    booked = Counter()
    rows = await session.execute(
        text("""
        select e.organization_id, e.account, t.kind, sum(e.amount) as amount from ledger_entries e
        join ledger_transactions t on t.id = e.transaction_id
        where t.dispute_id is null and (t.order_id is not null or t.kind not in ('payment', 'processor_fee'))
        group by 1, 2, 3
    """)
    )
    for row in rows:
        if row.account == "tax_payable":
            booked[row.organization_id, "tax_payable"] += row.amount
        if row.account in ("merchant_balance", "customer_balance") and row.kind != "platform_fee":
            booked[row.organization_id, "owed"] += row.amount
        if row.account == "processor" and row.kind in ("payment", "refund", "refund_reversal"):
            booked[row.organization_id, "paid"] += row.amount
    assert {name: amount for name, amount in told.items() if amount} == {
        name: int(amount) for name, amount in booked.items() if amount
    }


def test_the_sequences_did_something():
    """The operations reach deep: half or more are carried out, and what is refused is refused for many reasons."""
    if not seen["sequences"]:
        pytest.skip("the sequences did not run")
    assert seen["sequences"] >= EXAMPLES * TOGETHER
    assert seen["operations"] >= seen["sequences"] * OPERATIONS // 2, dict(seen)
    assert {"RefundedAlready", "DisputedOrder", "PaymentFailed", "AlreadyCanceledSubscription"} <= set(seen)


async def _differing(session, stripe, shop):
    """Payments of a shop of which Stripe holds other than what is booked, with all that either knows."""
    lines = []
    for intent in stripe.intents.values():
        if intent.metadata["organization_id"] != str(shop.organization_id):
            continue
        held = stripe.held_of(intent)
        rows = (
            await session.execute(
                text("""
            select p.id, p.status, p.order_id, t.kind, e.amount from payments p
            left join ledger_transactions t on t.payment_id = p.id
            left join ledger_entries e on e.transaction_id = t.id and e.account = 'processor'
            where p.processor_id = :id
        """),
                {"id": intent.id},
            )
        ).all()
        booked = sum(row.amount or 0 for row in rows)
        if booked != held:
            known = (
                await session.execute(
                    text("""
                select p.id, p.status, p.processor_id, p.amount, p.order_id, o.status from payments p
                join orders o on o.id = p.order_id where p.order_id = cast(:order as uuid)
            """),
                    {"order": intent.metadata.get("order_id")},
                )
            ).all()
            lines.append(f"{vars(intent)}: {held} at Stripe, booked {rows}; of its order {known}")
    return lines
