"""What is compared of credits: they are bounded by the orders that they correct."""

from billing.audit.checks import Check

OF_CREDITS = (
    Check(
        "what is credited of an order is what later lines and waiting entries give back, and no more than it billed",
        """
        select o.id as subject, what, expected, found from orders o
        cross join lateral (
            select coalesce(-sum((part -> 'tax' ->> 'net')::bigint), 0) as net,
                   coalesce(-sum((part -> 'tax' ->> 'amount')::bigint), 0) as tax
            from (
                select jsonb_array_elements(i.corrects) as part from orders later
                join order_items i on i.order_id = later.id
                where later.subscription_id = o.subscription_id and later.status <> 'void'
                  and not exists (select from billing_entries e where e.order_id = later.id and e.corrects = i.corrects)
                union all
                select jsonb_array_elements(e.corrects) from billing_entries e
                where e.subscription_id = o.subscription_id and e.dropped_at is null
                  and not exists (select from orders taker where taker.id = e.order_id and taker.status = 'void')
            ) parts where part ->> 'order_id' = o.id::text
        ) credited
        cross join lateral (
            select coalesce(sum(amount - discount_amount), 0) as amount from order_items
            where order_id = o.id and amount > 0
        ) billed
        cross join lateral (values
            ('credited_amount', credited.net, o.credited_amount),
            ('credited_tax_amount', credited.tax, o.credited_tax_amount),
            ('credited beyond what it billed', 0, greatest(0, o.credited_amount - billed.amount))
        ) as compared (what, expected, found)
        where o.id = any(:ids) and o.subscription_id is not null and compared.expected is distinct from compared.found
        """,
        "select i.order_id, i.label, i.corrects from order_items i where i.corrects::text like '%{}%'",
    ),
)
