"""What is true of plan changes, cancels and pauses that were acknowledged between the troubles."""

from collections import Counter
from typing import Any

from polar_cli.prove.load import Purchase
from polar_cli.prove.records import Databases, Findings


async def check_changes(
    findings: Findings, databases: Databases, purchases: list[Purchase], stripe: list[dict[str, Any]]
) -> None:
    """A change that was acknowledged was made once: on the subscription, in its orders and lines, and at Stripe."""
    subscriptions = {str(row["id"]): row for row in await databases.rows("billing", "select * from subscriptions")}
    orders: dict[str, list[Any]] = {}
    updates = "select id, subscription_id, status from orders where billing_reason = 'subscription_update'"
    for row in await databases.rows("billing", updates):
        orders.setdefault(str(row["subscription_id"]), []).append(row)
    entries = Counter(
        str(row[0])
        for row in await databases.rows("billing", "select subscription_id from billing_entries where order_id is null")
    )
    charged = Counter(intent["metadata"].get("order_id") for intent in stripe if intent["status"] == "succeeded")
    for purchase in purchases:
        subscription_id = purchase.ids.get("subscription_id", "")
        subscription = subscriptions.get(subscription_id)
        if purchase.changed is None or subscription is None:
            continue
        name = f"purchase {purchase.number}: change {purchase.changed}"
        paid = [order for order in orders.get(subscription_id, []) if order["status"] == "paid"]
        is_dearer = str(subscription["product_id"]) == purchase.tenant.dearer_product_id
        findings.count(f"{name}: orders of it", len(paid), 1 if purchase.changed == 3 else 0)
        findings.count(f"{name}: its charges at Stripe", sum(charged[str(order["id"])] for order in paid), len(paid))
        findings.count(f"{name}: lines that wait", entries[subscription_id], 2 if purchase.changed == 5 else 0)
        wanted = {
            3: is_dearer,
            5: is_dearer and subscription["cancel_at_period_end"],
            7: subscription["pause_at_period_end"],
            9: not is_dearer and subscription["pending_update"] is not None,
        }
        if not wanted[purchase.changed]:
            findings.lost.append(f"{name} is not on the subscription")
