"""What is compared of customers: their balances and the numbers of their invoices."""

from billing.audit.checks import UNEQUAL, Check, values

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
        {values("('balance', balance.moved, balance.kept), ('balance of the ledger', balance.booked, balance.kept)")}
        where c.id = any(:ids) and {UNEQUAL}
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
