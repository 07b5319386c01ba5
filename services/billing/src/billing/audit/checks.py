"""What is compared. A check is a query for differences: `subject`, `what`, what was `expected`, and what was `found`.

They share no code with what wrote the rows, so that one mistake does not hide itself. `:ids` are those of the batch at
hand, `:organization` is the one that is looked at, or null for all.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One comparison. `look` says where to look on when it fails; `{}` in it is the subject."""

    name: str
    differing: str
    look: str


_PAID = "('paid', 'partially_refunded', 'refunded')"
_MINE = "(cast(:organization as uuid) is null or {0}.organization_id = cast(:organization as uuid))"


def _values(rows: str) -> str:
    return f"cross join lateral (values {rows}) as compared (what, expected, found)"


_EVENTS = "select sequence, routing_key, convert_from(payload, 'UTF8') from outbox where subject = '{}' order by 1"
_UNEQUAL = "compared.expected is distinct from compared.found"

OF_ORDERS = (
    Check(
        "an order's lines add up to it",
        f"""
        select o.id as subject, what, expected, found from orders o
        cross join lateral (
            select coalesce(sum(amount), 0) as amount, coalesce(sum(discount_amount), 0) as discount,
                   coalesce(sum(tax_amount), 0) as tax, coalesce(bool_or(computation is not null), false) as kept
            from order_items where order_id = o.id
        ) lines
        {
            _values('''
            ('subtotal_amount', lines.amount, o.subtotal_amount),
            ('discount_amount', case when lines.kept then lines.discount else o.discount_amount end, o.discount_amount),
            ('tax_amount', lines.tax, o.tax_amount),
            ('net_amount', o.subtotal_amount - o.discount_amount
                           - case when o.tax_behavior = 'inclusive' then o.tax_amount else 0 end, o.net_amount),
            ('total_amount', o.net_amount + o.tax_amount, o.total_amount)
        ''')
        }
        where o.id = any(:ids) and {_UNEQUAL}
        """,
        "GET /v1/orders/{}/explain; select * from order_items where order_id = '{}'",
    ),
    Check(
        "an order's tax is that of its jurisdictions",
        """
        select o.id as subject, 'tax_amount' as what, taxes.amount as expected, o.tax_amount as found from orders o
        cross join lateral (
            select sum((part ->> 'amount')::bigint) as amount from jsonb_array_elements(o.tax_breakdown) part
        ) taxes
        where o.id = any(:ids) and jsonb_array_length(o.tax_breakdown) > 0 and taxes.amount <> o.tax_amount
        """,
        "select tax_breakdown from orders where id = '{}'",
    ),
    Check(
        "an order is paid with what is due, and an unpaid one is not",
        f"""
        select o.id as subject, what, expected, found from orders o
        cross join lateral (
            select coalesce(sum(amount), 0) as amount, count(*) filter (where currency <> o.currency) as foreign_ones
            from payments where order_id = o.id and status = 'succeeded'
        ) paid
        {
            _values(f'''
            ('payments', case when o.status in {_PAID} then o.total_amount + o.applied_balance_amount else 0 end,
                         paid.amount),
            ('payments in another currency', 0, paid.foreign_ones)
        ''')
        }
        where o.id = any(:ids) and {_UNEQUAL}
        """,
        "select * from payments where order_id = '{}'",
    ),
    Check(
        "an order's payment stands in the ledger",
        f"""
        select o.id as subject, what, expected, found from orders o
        cross join lateral (
            select coalesce(sum(amount), 0) as amount, coalesce(sum(processor_fee_amount), 0) as fee
            from payments where order_id = o.id and status = 'succeeded'
        ) paid
        cross join lateral (
            select coalesce(sum(e.amount) filter (where t.kind = 'payment' and e.account = 'processor'), 0) as amount,
                   coalesce(sum(e.amount) filter (where t.kind = 'processor_fee' and t.dispute_id is null
                                                  and e.account = 'processor_fees'), 0) as fee,
                   coalesce(-sum(e.amount) filter (where e.account = 'platform_fee'), 0) as platform_fee
            from ledger_transactions t join ledger_entries e on e.transaction_id = t.id where t.order_id = o.id
        ) booked
        {
            _values('''
            ('paid', paid.amount, booked.amount), ('processor fee', paid.fee, booked.fee),
            ('platform fee', o.platform_fee_amount, booked.platform_fee)
        ''')
        }
        where o.id = any(:ids) and {_UNEQUAL}
        """,
        "select t.kind, e.* from ledger_transactions t join ledger_entries e on e.transaction_id = t.id "
        "where t.order_id = '{}'",
    ),
    Check(
        "a paid order is settled in the ledger",
        f"""
        select o.id as subject, what, expected, found from orders o
        cross join lateral (
            select coalesce(sum(e.amount) filter (where e.account = 'merchant_balance'), 0) as merchant,
                   coalesce(sum(e.amount) filter (where e.account = 'tax_payable'), 0) as tax,
                   coalesce(sum(e.amount) filter (where e.account = 'customer_balance'), 0) as credit,
                   coalesce(sum(e.amount) filter (where e.account = 'customer_payments'), 0) as passing
            from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
            where t.order_id = o.id and t.kind in ('payment', 'balance')
              and t.refund_id is null and t.dispute_id is null
        ) booked
        cross join lateral (select case when o.status in {_PAID} then 1 else 0 end as settled) is_paid
        {
            _values('''
            ('merchant_balance', -settled * o.net_amount, booked.merchant),
            ('tax_payable', -settled * o.tax_amount, booked.tax),
            ('customer_balance', -settled * o.applied_balance_amount, booked.credit),
            ('customer_payments', 0, booked.passing)
        ''')
        }
        where o.id = any(:ids) and {_UNEQUAL}
        """,
        "select t.kind, e.* from ledger_transactions t join ledger_entries e on e.transaction_id = t.id "
        "where t.order_id = '{}'",
    ),
    Check(
        "an order and its payment know their refunds",
        f"""
        select o.id as subject, what, expected, found from orders o
        cross join lateral (
            select coalesce(sum(amount), 0) as net, coalesce(sum(tax_amount), 0) as tax,
                   coalesce(sum(amount + tax_amount) filter (where status = 'succeeded'), 0) as given
            from refunds where order_id = o.id and status in ('pending', 'succeeded')
        ) refunded
        cross join lateral (
            select coalesce(sum(refunded_amount), 0) as amount from payments where order_id = o.id
        ) of_payments
        {
            _values('''
            ('refunded_amount', refunded.net::text, o.refunded_amount::text),
            ('refunded_tax_amount', refunded.tax::text, o.refunded_tax_amount::text),
            ('refunded of its payments', (refunded.net + refunded.tax)::text, of_payments.amount::text),
            ('status',
             case when refunded.given = 0 then 'paid'
                  when refunded.given >= o.total_amount + least(0, o.applied_balance_amount) then 'refunded'
                  else 'partially_refunded' end,
             o.status)
        ''')
        }
        where o.id = any(:ids) and {_UNEQUAL} and (what <> 'status' or o.status in {_PAID})
        """,
        "GET /v1/refunds/?order_id={}; select * from refunds where order_id = '{}'",
    ),
    Check(
        "refunds stand in the ledger as they ended",
        f"""
        select r.id as subject, what, expected, found from refunds r
        cross join lateral (
            select coalesce(sum(e.amount) filter (where e.account = 'processor'), 0) as processor,
                   coalesce(sum(e.amount) filter (where e.account = 'merchant_balance'), 0) as merchant,
                   coalesce(sum(e.amount) filter (where e.account = 'tax_payable'), 0) as tax,
                   coalesce(sum(e.amount) filter (where e.account = 'customer_balance'), 0) as credit,
                   coalesce(sum(e.amount) filter (where e.account = 'refunds'), 0) as passing
            from ledger_transactions t join ledger_entries e on e.transaction_id = t.id where t.refund_id = r.id
        ) booked
        cross join lateral (select case when r.status = 'succeeded' then 1 else 0 end as given) is_given
        {
            _values('''
            ('processor', -given * (r.amount + r.tax_amount), booked.processor),
            ('merchant_balance', given * (r.amount - r.balance_amount), booked.merchant),
            ('tax_payable', given * r.tax_amount, booked.tax),
            ('customer_balance', given * r.balance_amount, booked.credit),
            ('refunds', 0, booked.passing)
        ''')
        }
        where r.order_id = any(:ids) and {_UNEQUAL}
        """,
        "select t.kind, e.* from ledger_transactions t join ledger_entries e on e.transaction_id = t.id "
        "where t.refund_id = '{}'",
    ),
    Check(
        "disputes stand in the ledger as they ended",
        f"""
        select d.id as subject, what, expected, found from disputes d
        cross join lateral (
            select coalesce(sum(e.amount) filter (where e.account = 'disputes'), 0) as held,
                   coalesce(sum(e.amount) filter (where e.account = 'processor' and t.kind <> 'processor_fee'), 0)
                       as processor,
                   coalesce(sum(e.amount) filter (where e.account in ('merchant_balance', 'customer_payments')), 0)
                       as payer,
                   coalesce(sum(e.amount) filter (where e.account = 'tax_payable'), 0) as tax,
                   coalesce(sum(e.amount) filter (where e.account = 'customer_balance'), 0) as credit,
                   coalesce(sum(e.amount) filter (where e.account = 'processor_fees'), 0) as fee
            from ledger_transactions t join ledger_entries e on e.transaction_id = t.id where t.dispute_id = d.id
        ) booked
        cross join lateral (
            select case when d.withdrawn_at is null then 0 else 1 end as taken,
                   case when d.reinstated_at is null then 0 else 1 end as returned,
                   case when d.charged_at is null then 0 else 1 end as lost
        ) went
        cross join lateral (
            select coalesce(d.recovered_amount, 0) as net, coalesce(d.recovered_tax_amount, 0) as tax
        ) credit
        {
            _values('''
            ('disputes', (taken - returned - lost) * (d.amount + d.tax_amount), booked.held),
            ('processor', (returned - taken) * (d.amount + d.tax_amount), booked.processor),
            ('merchant_balance or customer_payments', lost * (d.amount - credit.net), booked.payer),
            ('tax_payable', lost * (d.tax_amount - credit.tax), booked.tax),
            ('customer_balance', credit.net + credit.tax, booked.credit),
            ('processor fee', d.fee_amount, booked.fee)
        ''')
        }
        where d.order_id = any(:ids) and {_UNEQUAL}
        """,
        "GET /v1/disputes/{}; select t.kind, e.* from ledger_transactions t "
        "join ledger_entries e on e.transaction_id = t.id where t.dispute_id = '{}'",
    ),
    Check(
        "an order is as its last event says",
        f"""
        select o.id as subject, what, expected, found from orders o
        cross join lateral (
            select convert_from(payload, 'UTF8')::jsonb -> 'data' as data from outbox
            where subject = o.id and routing_key like 'order.%' order by sequence desc limit 1
        ) said
        {
            _values('''
            ('status', data ->> 'status', o.status),
            ('net_amount', data ->> 'net_amount', o.net_amount::text),
            ('tax_amount', data ->> 'tax_amount', o.tax_amount::text),
            ('total_amount', data ->> 'total_amount', o.total_amount::text),
            ('currency', data ->> 'currency', o.currency),
            ('lines', jsonb_array_length(data -> 'items')::text,
                      (select count(*) from order_items where order_id = o.id)::text),
            ('applied_balance_amount', data ->> 'applied_balance_amount', o.applied_balance_amount::text)
        ''')
        }
        where o.id = any(:ids) and {_UNEQUAL}
        """,
        _EVENTS,
    ),
    Check(
        "an order was said to be paid once, with what the ledger has",
        f"""
        select o.id as subject, what, expected, found from orders o
        cross join lateral (
            select count(*) as times,
                   coalesce(sum((data ->> 'total_amount')::bigint + (data ->> 'applied_balance_amount')::bigint), 0)
                       as paid
            from (
                select convert_from(payload, 'UTF8')::jsonb -> 'data' as data from outbox
                where subject = o.id and routing_key = 'order.paid.v1'
            ) events
        ) said
        cross join lateral (
            select coalesce(sum(e.amount), 0) as paid from ledger_transactions t
            join ledger_entries e on e.transaction_id = t.id
            where t.order_id = o.id and t.kind = 'payment' and e.account = 'processor'
        ) booked
        {
            _values(f'''
            ('order.paid events', case when o.status in {_PAID} then 1 else 0 end, said.times),
            ('paid', said.paid, booked.paid)
        ''')
        }
        where o.id = any(:ids) and {_UNEQUAL}
          and exists (select from outbox where subject = o.id and routing_key = 'order.created.v1')
        """,
        _EVENTS,
    ),
    Check(
        "a refund is as its last event says",
        f"""
        select r.id as subject, what, expected, found from refunds r
        cross join lateral (
            select convert_from(payload, 'UTF8')::jsonb -> 'data' as data from outbox
            where subject = r.id and routing_key like 'refund.%' order by sequence desc limit 1
        ) said
        {
            _values('''
            ('status', data ->> 'status', r.status), ('amount', data ->> 'amount', r.amount::text),
            ('tax_amount', data ->> 'tax_amount', r.tax_amount::text)
        ''')
        }
        where r.order_id = any(:ids) and {_UNEQUAL}
        """,
        _EVENTS,
    ),
)

OF_CUSTOMERS = (
    Check(
        "a customer's balance is the sum of its entries, and stands in the ledger",
        f"""
        select c.id as subject, what || ' in ' || currency as what, expected, found from customers c
        cross join lateral (
            select currency, sum(kept) as kept, sum(moved) as moved, -sum(booked) as booked from (
                select currency, amount as kept, 0 as moved, 0 as booked from customer_balances
                where customer_id = c.id
                union all
                select currency, 0, amount, 0 from customer_balance_entries where customer_id = c.id
                union all
                select e.currency, 0, 0, e.amount from ledger_transactions t
                join ledger_entries e on e.transaction_id = t.id
                where t.customer_id = c.id and e.account = 'customer_balance'
                union all
                -- What a pending order took, or gave, stands in the ledger when it is settled.
                select currency, 0, 0, -applied_balance_amount from orders
                where customer_id = c.id and status = 'pending' and applied_balance_amount <> 0
            ) all_sides group by currency
        ) balance
        {_values("('balance', balance.moved, balance.kept), ('balance of the ledger', balance.booked, balance.kept)")}
        where c.id = any(:ids) and {_UNEQUAL}
        """,
        "select * from customer_balance_entries where customer_id = '{}' order by created_at",
    ),
    Check(
        "a customer's invoice numbers have no gap",
        """
        select c.id as subject, 'invoices' as what, c.invoices_count as expected, count(o.id) as found
        from customers c left join orders o on o.customer_id = c.id
        and o.invoice_number like '%' || c.invoice_prefix || '-%'
        where c.id = any(:ids) group by c.id having count(o.id) <> c.invoices_count
        """,
        "select invoice_number from orders where customer_id = '{}' order by 1",
    ),
)

OF_THE_LEDGER = (
    Check(
        "every movement balances",
        f"""
        select t.id as subject, 'sum in ' || e.currency as what, 0 as expected, sum(e.amount) as found
        from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
        where {_MINE.format("t")} group by t.id, e.currency having sum(e.amount) <> 0
        """,
        "select * from ledger_entries where transaction_id = '{}'",
    ),
    Check(
        "every movement is of an order, refund, dispute or payment that exists",
        f"""
        select t.id as subject, t.kind as what, 'what it names' as expected, 'nothing' as found
        from ledger_transactions t
        where {_MINE.format("t")} and (
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
            where p.status in ('succeeded', 'duplicate') and {_MINE.format("p")}
            union all
            select organization_id, currency, -processor_fee_amount, 0 from payments p
            where p.status = 'refunded' and {_MINE.format("p")}
            union all
            select organization_id, currency, -amount - tax_amount, 0 from refunds r
            where r.status = 'succeeded' and {_MINE.format("r")}
            union all
            select organization_id, currency,
                   case when withdrawn_at is null or reinstated_at is not null then 0 else -amount - tax_amount end
                   - fee_amount, 0
            from disputes d where {_MINE.format("d")}
            union all
            select organization_id, currency, 0, amount from ledger_entries e
            where e.account = 'processor' and {_MINE.format("e")}
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
            where o.status in {_PAID} and {_MINE.format("o")}
            union all
            select organization_id, currency, -tax_amount, 0 from refunds r
            where r.status = 'succeeded' and {_MINE.format("r")}
            union all
            select organization_id, currency, coalesce(recovered_tax_amount, 0) - tax_amount, 0 from disputes d
            where d.charged_at is not null and {_MINE.format("d")}
            union all
            select organization_id, currency, 0, -amount from ledger_entries e
            where e.account = 'tax_payable' and {_MINE.format("e")}
        ) both_sides group by organization_id, currency having sum(expected) <> sum(found)
        """,
        "select currency, sum(amount) from ledger_entries where account = 'tax_payable' "
        "and organization_id = '{}' group by 1",
    ),
)
