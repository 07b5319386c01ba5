"""What sequences reached: change modes by price kind, endings, and what else there is."""

from collections import Counter

from tests.model.driver.catalog import DISCOUNTS, PRODUCTS


def of(world):
    """Counts of what happened in one shop, by group and name."""
    seen = Counter()
    for act, refusal, kind in world.done:
        if refusal:
            seen["refused", f"{act.verb}: {refusal}"] += 1
            continue
        seen["verb", act.verb] += 1
        about = act.about
        if act.verb == "change":
            what = "quantity" if "quantity" in about else "product"
            seen["change", f"{about['behavior']} of {what}, {kind}"] += 1
        if act.verb == "buy":
            seen["sold", f"{PRODUCTS[about['product']].prices[0][1].kind} in {about['currency']}"] += 1
            if about.get("discount"):
                discount = DISCOUNTS[about["discount"]]
                seen["discount", f"{'fixed' if discount.amounts else 'percentage'}, {discount.duration}"] += 1
    model = world.model
    for one in model.subscriptions:
        if one.trial_start and one.status != "trialing":
            seen["trial", "over"] += 1
        if one.status == "canceled":
            seen["ending", _ending(world, one)] += 1
        elif one.status in ("paused", "past_due"):
            seen["ending", f"still {one.status}"] += 1
    for order in model.orders:
        seen["order", f"{order.reason}, {order.status}"] += 1
        if any(line.corrects for line in order.lines):
            seen["order", "with credit"] += 1
        if order.applied and order.status != "void":
            seen["balance", "pays" if order.applied < 0 else "is collected or kept"] += 1
        for refund in order.refunds:
            seen["refund", refund.status] += 1
        if order.dispute:
            seen["dispute", order.dispute] += 1
        if sum(bool(payment.code) for payment in order.payments) and order.charged:
            seen["dunning", "recovered"] += 1
    return seen


def _ending(world, subscription):
    number = world.model.subscriptions.index(subscription)
    if any(
        act.verb == "revoke" and act.about["subscription"] == number and not refusal for act, refusal, _ in world.done
    ):
        return "revoked"
    if any(order.dispute == "lost" for order in world.model.orders if order.subscription is subscription):
        return "a dispute was lost"
    return "with its period" if subscription.cancel_at_end else "dunning gave up"


def table(seen):
    """The counts as lines of text."""
    groups = {}
    for (group, name), count in sorted(seen.items()):
        groups.setdefault(group, []).append(f"{name} {count}")
    return [f"{group + ':':<10} {', '.join(names)}" for group, names in groups.items()]
