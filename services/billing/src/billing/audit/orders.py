"""What is compared of orders: their lines, payments, refunds and disputes, and what of them is in the ledger."""

from billing.audit.checks import PAID, UNEQUAL, Check, values

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
            values('''
            ('subtotal_amount', lines.amount, o.subtotal_amount),
            ('discount_amount', case when lines.kept then lines.discount else o.discount_amount end, o.discount_amount),
            ('tax_amount', lines.tax, o.tax_amount),
            ('net_amount', o.subtotal_amount - o.discount_amount
                           - case when o.tax_behavior = 'inclusive' then o.tax_amount else 0 end, o.net_amount),
            ('total_amount', o.net_amount + o.tax_amount, o.total_amount)
        ''')
        }
        where o.id = any(:ids) and {UNEQUAL}
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
            values(f'''
            ('payments', case when o.status in {PAID} then o.total_amount + o.applied_balance_amount else 0 end,
                         paid.amount),
            ('payments in another currency', 0, paid.foreign_ones)
        ''')
        }
        where o.id = any(:ids) and {UNEQUAL}
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
            values('''
            ('paid', paid.amount, booked.amount), ('processor fee', paid.fee, booked.fee),
            ('platform fee', o.platform_fee_amount, booked.platform_fee)
        ''')
        }
        where o.id = any(:ids) and {UNEQUAL}
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
        cross join lateral (select case when o.status in {PAID} then 1 else 0 end as settled) is_paid
        {
            values('''
            ('merchant_balance', -settled * o.net_amount, booked.merchant),
            ('tax_payable', -settled * o.tax_amount, booked.tax),
            ('customer_balance', -settled * o.applied_balance_amount, booked.credit),
            ('customer_payments', 0, booked.passing)
        ''')
        }
        where o.id = any(:ids) and {UNEQUAL}
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
            values('''
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
        where o.id = any(:ids) and {UNEQUAL} and (what <> 'status' or o.status in {PAID})
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
            values('''
            ('processor', -given * (r.amount + r.tax_amount), booked.processor),
            ('merchant_balance', given * (r.amount - r.balance_amount), booked.merchant),
            ('tax_payable', given * r.tax_amount, booked.tax),
            ('customer_balance', given * r.balance_amount, booked.credit),
            ('refunds', 0, booked.passing)
        ''')
        }
        where r.order_id = any(:ids) and {UNEQUAL}
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
            values('''
            ('disputes', (taken - returned - lost) * (d.amount + d.tax_amount), booked.held),
            ('processor', (returned - taken) * (d.amount + d.tax_amount), booked.processor),
            ('merchant_balance or customer_payments', lost * (d.amount - credit.net), booked.payer),
            ('tax_payable', lost * (d.tax_amount - credit.tax), booked.tax),
            ('customer_balance', credit.net + credit.tax, booked.credit),
            ('processor fee', d.fee_amount, booked.fee)
        ''')
        }
        where d.order_id = any(:ids) and {UNEQUAL}
        """,
        "GET /v1/disputes/{}; select t.kind, e.* from ledger_transactions t "
        "join ledger_entries e on e.transaction_id = t.id where t.dispute_id = '{}'",
    ),
)
