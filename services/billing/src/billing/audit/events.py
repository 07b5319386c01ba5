"""What is compared of events: an order and a refund are as they were last published, and paid once."""

from billing.audit.checks import PAID, UNEQUAL, Check, values

_EVENTS = "select sequence, routing_key, convert_from(payload, 'UTF8') from outbox where subject = '{}' order by 1"

OF_EVENTS = (
    Check(
        "an order is as its last event says",
        f"""
        select o.id as subject, what, expected, found from orders o
        cross join lateral (
            select convert_from(payload, 'UTF8')::jsonb -> 'data' as data from outbox
            where subject = o.id and routing_key like 'order.%' order by sequence desc limit 1
        ) said
        {
            values('''
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
        where o.id = any(:ids) and {UNEQUAL}
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
            values(f'''
            ('order.paid events', case when o.status in {PAID} then 1 else 0 end, said.times),
            ('paid', said.paid, booked.paid)
        ''')
        }
        where o.id = any(:ids) and {UNEQUAL}
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
            values('''
            ('status', data ->> 'status', r.status), ('amount', data ->> 'amount', r.amount::text),
            ('tax_amount', data ->> 'tax_amount', r.tax_amount::text)
        ''')
        }
        where r.order_id = any(:ids) and {UNEQUAL}
        """,
        _EVENTS,
    ),
)
