"""What is compared after each step: rows of the model and of the product, in one form."""

from collections import Counter, defaultdict

from sqlalchemy import text

STATUSES = {None: "succeeded", "returned": "refunded"}
"""Of payments, by what the model says of their decline."""
SQL = {
    "orders": """
        select o.organization_id, o.id, o.subscription_id, o.customer_id, o.billing_reason, o.status, o.created_at,
            o.currency, o.subtotal_amount, o.discount_amount, o.net_amount, o.tax_amount, o.total_amount,
            o.applied_balance_amount, o.refunded_amount, o.refunded_tax_amount,
            (select coalesce(array_agg(array[i.amount, i.discount_amount, i.tax_amount, i.proration::int]), '{}')
                from order_items i where i.order_id = o.id) as lines,
            (select coalesce(array_agg(array[p.amount::text, p.status, p.processor_id]), '{}')
                from payments p where p.order_id = o.id and p.decline_code is distinct from 'order_void') as payments,
            (select coalesce(array_agg(array[r.amount::text, r.tax_amount::text, r.status]), '{}')
                from refunds r where r.order_id = o.id and r.processor_id is not null) as refunds
        from orders o where o.organization_id = any(:owners) order by o.id""",
    "subscriptions": """
        select organization_id, id, customer_id, status, product_data ->> 'name' as product, amount,
            coalesce(seats, units) as quantity, current_period_start, current_period_end, trial_end,
            cancel_at_period_end, pause_at_period_end, resumes_at, ended_at, past_due_at, pending_update, anchor_day
        from subscriptions where organization_id = any(:owners)""",
    "balances": "select organization_id, customer_id, currency, amount from customer_balances where amount <> 0 "
                "and organization_id = any(:owners)",
    "waiting": "select organization_id, subscription_id, amount from billing_entries where order_id is null "
               "and dropped_at is null and organization_id = any(:owners)",
}  # fmt: skip


async def read(database, owners):
    """The rows of several organizations, by organization."""
    found = defaultdict(lambda: {name: [] for name in SQL})
    async with database.transaction() as session:
        for name, statement in SQL.items():
            for row in await session.execute(text(statement), {"owners": list(owners)}):
                found[row.organization_id][name].append(row)
    return found


def _sorted(rows):
    return tuple(sorted(tuple(row) for row in rows))


def _at(instant):
    return instant and instant.strftime("%Y-%m-%d %H:%M:%S")


def of_product(rows, world):
    """Rows of the product, and the ids of its orders by their row."""
    names = {id: name for name, id in world.names()}
    shown, ids = Counter(), defaultdict(list)
    for row in rows["orders"]:
        # How many retries at one instant come before the one that gives up, is not laid down.
        payments = _sorted((int(amount), status) for amount, status, _ in row.payments if row.status != "void")
        order = (
            "order", names.get(str(row.subscription_id)), names.get(str(row.customer_id)), _at(row.created_at),
            row.billing_reason.replace("subscription_cancel", "subscription_cycle"), row.status, row.currency,
            f"subtotal {row.subtotal_amount} discount {row.discount_amount} net {row.net_amount} tax {row.tax_amount} "
            f"total {row.total_amount} applied {row.applied_balance_amount}",
            ("lines", *_sorted((a, d, t, bool(p)) for a, d, t, p in row.lines)), ("payments", *payments),
            ("refunds", *_sorted((int(amount), int(tax), status) for amount, tax, status in row.refunds)),
        )  # fmt: skip
        shown[order] += 1
        paid = [processor for _, status, processor in row.payments if status == "succeeded"]
        ids[order].append((str(row.id), paid[0] if paid else None))
    by_name = {world.real.id_of(product): name for name, product in world.real.products.items()}
    for row in rows["subscriptions"]:
        pending = row.pending_update or {}
        quantity = pending.get("seats") or pending.get("units")
        terms = {
            "product": by_name.get(pending.get("product_id")),
            "quantity": quantity if quantity != row.quantity else None,
        }
        shown[
            "subscription", names.get(str(row.id)), row.status, row.product, row.quantity, row.amount,
            f"{_at(row.current_period_start)} to {_at(row.current_period_end)}", ("trial", _at(row.trial_end)),
            ("cancels", row.cancel_at_period_end), ("pauses", row.pause_at_period_end, _at(row.resumes_at)),
            ("ended", _at(row.ended_at)), ("past due", _at(row.past_due_at)),
            ("pending", *sorted((kind, value) for kind, value in terms.items() if value)),
        ] += 1  # fmt: skip
    for row in rows["balances"]:
        shown["balance", names.get(str(row.customer_id)), row.currency, row.amount] += 1
    for row in rows["waiting"]:
        shown["waits", names.get(str(row.subscription_id)), row.amount] += 1
    return shown, ids


def order_row(order, world):
    """An order of the model."""
    name, shows = world.name_of, "discounts of lines" in world.real.SHOWS
    return (
        "order", name(order.subscription), name(order.customer), _at(order.at), order.reason, order.status,
        order.currency, f"subtotal {order.subtotal} discount {order.discount} net {order.net} tax {order.tax} "
        f"total {order.total} applied {order.applied}",
        ("lines", *_sorted(
            (line.amount, line.discount if shows else 0, line.tax, line.proration) for line in order.lines
        )),
        ("payments", *_sorted(
            (one.amount, STATUSES.get(one.code, "failed")) for one in order.payments if order.status != "void"
        )),
        ("refunds", *_sorted((refund.amount, refund.tax, refund.status) for refund in order.refunds)),
    )  # fmt: skip


def of_model(world):
    """Rows of the model."""
    shown = Counter(order_row(order, world) for order in world.model.orders)
    for one in world.model.subscriptions:
        pending = {**one.pending}
        if "product" in pending:
            pending["product"] = pending["product"].name
        shown[
            "subscription", world.name_of(one), one.status, one.product.name, one.quantity, one.cost(),
            f"{_at(one.start)} to {_at(one.end)}", ("trial", _at(one.trial_end)), ("cancels", one.cancel_at_end),
            ("pauses", one.pause_at_end, _at(one.resumes_at)), ("ended", _at(one.ended_at)),
            ("past due", _at(one.past_due_at)), ("pending", *sorted(pending.items())),
        ] += 1  # fmt: skip
        for line in one.waiting if "waiting lines" in world.real.SHOWS else ():
            shown["waits", world.name_of(one), line.amount] += 1
    for customer in world.customers if "balances" in world.real.SHOWS else ():
        for currency, amount in customer.balances.items():
            if amount:
                shown["balance", world.name_of(customer), currency, amount] += 1
    return shown


def differences(model, product):
    """Lines that say what only one of both has; none when they agree."""
    return [f"model:   {_said(row)}" for row in (model - product).elements()] + [
        f"product: {_said(row)}" for row in (product - model).elements()
    ]


def _said(row):
    return " | ".join(str(part) for part in row)
