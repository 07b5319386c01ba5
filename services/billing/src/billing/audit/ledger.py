"""What is compared of the ledger as a whole: it balances, and agrees with what Stripe holds and what is owed."""

from billing.audit.checks import MINE, PAID, Check

OF_THE_LEDGER = (
    Check(
        "every movement balances",
        f"""
        select t.id as subject, 'sum in ' || e.currency as what, 0 as expected, sum(e.amount) as found
        from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
        where {MINE.format("t")} group by t.id, e.currency having sum(e.amount) <> 0
        """,
        "select * from ledger_entries where transaction_id = '{}'",
    ),
    Check(
        "every movement is of an order, refund, dispute or payment that exists",
        f"""
        select t.id as subject, t.kind as what, 'what it names' as expected, 'nothing' as found
        from ledger_transactions t
        where {MINE.format("t")} and (
            (t.order_id is not null and not exists (select from orders where id = t.order_id))
            or (t.payment_id is not null and not exists (select from payments where id = t.payment_id))
            or (t.refund_id is not null and not exists (select from refunds where id = t.refund_id))
            or (t.dispute_id is not null and not exists (select from disputes where id = t.dispute_id))
        )
        """,
        "select * from ledger_transactions where id = '{}'",
    ),
    Check(
        "what Stripe holds is what came, less what it kept, what was given back, and what banks took",
        f"""
        select organization_id as subject, 'processor in ' || currency as what, sum(expected) as expected,
               sum(found) as found
        from (
            select organization_id, currency, amount - processor_fee_amount as expected, 0 as found from payments p
            where p.status in ('succeeded', 'duplicate') and {MINE.format("p")}
            union all
            select organization_id, currency, -processor_fee_amount, 0 from payments p
            where p.status = 'refunded' and {MINE.format("p")}
            union all
            select organization_id, currency, -amount - tax_amount, 0 from refunds r
            where r.status = 'succeeded' and {MINE.format("r")}
            union all
            select organization_id, currency,
                   case when withdrawn_at is null or reinstated_at is not null then 0 else -amount - tax_amount end
                   - fee_amount, 0
            from disputes d where {MINE.format("d")}
            union all
            select organization_id, currency, 0, amount from ledger_entries e
            where e.account = 'processor' and {MINE.format("e")}
        ) both_sides group by organization_id, currency having sum(expected) <> sum(found)
        """,
        "select t.kind, e.currency, sum(e.amount) from ledger_entries e join ledger_transactions t "
        "on t.id = e.transaction_id where e.account = 'processor' and e.organization_id = '{}' group by 1, 2",
    ),
    Check(
        "the tax that is owed is that of the orders",
        f"""
        select organization_id as subject, 'tax in ' || currency as what, sum(expected) as expected,
               sum(found) as found
        from (
            select organization_id, currency, tax_amount as expected, 0 as found from orders o
            where o.status in {PAID} and {MINE.format("o")}
            union all
            select organization_id, currency, -tax_amount, 0 from refunds r
            where r.status = 'succeeded' and {MINE.format("r")}
            union all
            select organization_id, currency, coalesce(recovered_tax_amount, 0) - tax_amount, 0 from disputes d
            where d.charged_at is not null and {MINE.format("d")}
            union all
            select organization_id, currency, 0, -amount from ledger_entries e
            where e.account = 'tax_payable' and {MINE.format("e")}
        ) both_sides group by organization_id, currency having sum(expected) <> sum(found)
        """,
        "select currency, sum(amount) from ledger_entries where account = 'tax_payable' "
        "and organization_id = '{}' group by 1",
    ),
)
