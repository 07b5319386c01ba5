"""What must be true of the books after any sequence: the audit, the invariants, the ledger, and what Stripe has."""

import json
from collections import Counter

from billing.audit.run import audit
from billing.invariants import INVARIANTS
from contracts.billing import Order, Refund
from servicekit import clock
from sqlalchemy import text

PERIOD_BILLED_TWICE = """
with begun as (
    select subject as subscription_id,
           (convert_from(payload, 'UTF8')::jsonb -> 'data' ->> 'current_period_start')::timestamptz as start
    from outbox where routing_key in ('subscription.cycled.v1', 'subscription.resumed.v1')
    union all
    select subscription_id, (terms ->> 'period_start')::timestamptz from subscription_changes
    where status = 'applied' and behavior = 'reset'
), billed as (
    select o.subscription_id, i.start_timestamp as start, array_agg(o.id) as orders
    from order_items i join orders o on o.id = i.order_id
    where o.subscription_id is not null and o.checkout_id is null and o.status <> 'void'
      and not i.proration and i.amount > 0
    group by 1, 2
)
select b.* from billed b where cardinality(b.orders) > (
    select count(*) from begun where begun.subscription_id = b.subscription_id and begun.start = b.start
)
"""
"""More whole periods are billed from an instant on than began then: by renewals, resumes, resets and ends of trials.

What a checkout billed is left out: it is ordered once, by its id.
"""
LINE_BILLED_TWICE = """
with lines as (
    select o.id as order_id, i.label, i.start_timestamp, i.end_timestamp, i.computation -> 'inputs' as inputs,
           (i.computation ->> 'rule' = 'credit_for_paid_time')::int as is_rest, count(*) as times
    from order_items i join orders o on o.id = i.order_id where i.proration and o.status <> 'void'
    group by 1, 2, 3, 4, 5, 6
)
select l.* from lines l where l.times > (
    select greatest(count(*), l.is_rest) from subscription_changes c where c.order_id = l.order_id
) + (
    select count(*) from billing_entries e where e.order_id = l.order_id and e.label = l.label
      and (e.start_timestamp, e.end_timestamp) = (l.start_timestamp, l.end_timestamp)
      and e.computation -> 'inputs' = l.inputs
)
"""
"""A prorated line that is neither of the change which its order bills, nor of an entry that the order has taken, nor
the credit for paid time at the end of a trial."""
REFUNDED_TOO_MUCH = """
select p.id from payments p left join refunds r on r.payment_id = p.id and r.status <> 'failed'
group by p.id having coalesce(sum(r.amount + r.tax_amount), 0) > p.amount
"""


async def check(database, stripe, worlds):
    """Lines that say what is wrong with the books; none when all is right."""
    report = await audit(database, None)
    lines = [line for one in report.differences.values() for line in one.lines()]
    async with database.transaction() as session:
        for invariant in INVARIANTS:
            values = {"now": clock.now()} if ":now" in invariant.broken_by else {}
            rows = (await session.execute(text(invariant.broken_by), values)).all()
            lines += [f"{invariant.name}: {row}" for row in rows]
        for name, statement in (
            ("a period is billed twice", PERIOD_BILLED_TWICE),
            ("a line is billed twice", LINE_BILLED_TWICE),
            ("refunded too much", REFUNDED_TOO_MUCH),
        ):
            lines += [f"{name}: {row}" for row in (await session.execute(text(statement))).all()]
        lines += [
            f"{row} is open still"
            for row in await session.execute(text("select id from payments where status = 'open'"))
        ]
        rows = await session.execute(
            text("select organization_id, sum(amount) from ledger_entries where account = 'processor' group by 1")
        )
        booked = dict(rows.all())
        for world in worlds:
            owner = world.real.owner
            held = stripe.holds(str(owner))
            if booked.get(owner, 0) != held:
                lines.append(f"Stripe holds {held} of {owner}, booked are {booked.get(owner, 0)}")
        lines += await _replayed(session)
    return lines


async def _replayed(session):
    """Where the events alone do not give the balances of the ledger."""
    rows = await session.execute(
        text("select routing_key, organization_id, payload from outbox where routing_key ~ '^(order.paid|refund)' "
             "order by id")
    )  # fmt: skip
    told, refunds = Counter(), {}
    for row in rows:
        data = json.loads(row.payload)["data"]
        if row.routing_key == "order.paid.v1":
            order = Order.model_validate(data, extra="ignore", context={"tolerant": True})
            told[row.organization_id, "tax_payable"] -= order.tax_amount
            told[row.organization_id, "owed"] -= order.net_amount + order.applied_balance_amount
            told[row.organization_id, "paid"] += order.total_amount + order.applied_balance_amount
        else:
            refund = Refund.model_validate(data, extra="ignore", context={"tolerant": True})
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
    names = {*told, *booked}
    return [
        f"{kind} of {owner}: events give {told[owner, kind]}, the ledger {booked[owner, kind]}"
        for owner, kind in names
        if told[owner, kind] != booked[owner, kind]
    ]
