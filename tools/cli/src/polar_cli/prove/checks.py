"""What is true after everything has settled: asked of the databases and of the local Stripe, one rule a function."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from uuid import UUID

from polar_cli.prove.changes import check_changes
from polar_cli.prove.load import REFUNDED, Buyers, Purchase, Receiver
from polar_cli.prove.records import AtStripe, Databases, Findings
from polar_cli.state import SERVICES

HELD_BACK_SECONDS = 60
CHATTER = r"\.(digested|drifted)\.v1$"
"""Said for ever, whether or not anything happens: who waited for the last of it would not come to an end."""
ON_ITS_WAY_SECONDS = 10
"""Services say digests at any moment: an event is lost when it is still missing after this long."""


async def unsettled(databases: Databases) -> list[str]:
    """What is still on its way: unpublished events, messages that wait, open payments, due deliveries."""
    found = []
    for service in SERVICES:
        waiting = await databases.value(
            service, "select count(*) from outbox where published_at is null and routing_key !~ $1", CHATTER
        )
        retries = await databases.value(service, "select count(*) from retries")
        if waiting or retries:
            found.append(f"{service}: {waiting} unpublished, {retries} retries")
    late = {queue: len(events) for queue, events in (await unhandled(databases, CHATTER)).items()}
    if late:
        found.append(f"{sum(late.values())} events not handled yet: {late}")
    payments = await databases.value("checkout", "select count(*) from payments where status = 'open'")
    payments += await databases.value("billing", "select count(*) from payments where status = 'open'")
    refunds = await databases.value("billing", "select count(*) from refunds where status = 'pending'")
    changes = await databases.value("benefits", "select count(*) from product_changes")
    due = await databases.value("webhooks", "select count(*) from webhook_events where due_at is not null")
    if payments or refunds or changes or due:
        waiting = f"{payments} open payments, {refunds} pending refunds"
        found.append(f"{waiting}, {changes} product changes, {due} webhooks due")
    return found


async def queues() -> dict[str, set[str]]:
    """Each queue and the events that it is bound to, from the services' own consumers."""
    import importlib

    return {
        flow.queue: set(flow.handlers)
        for service in SERVICES
        for flow in importlib.import_module(f"{service}.worker").FLOWS
    }


async def unhandled(databases: Databases, but: str = "^$") -> dict[str, set[Any]]:
    """The ids of the recorded events that a queue's service has not handled, by queue; `but` some routing keys."""
    missing: dict[str, set[Any]] = {}
    published: dict[str, set[Any]] = {}
    for service in SERVICES:
        rows = await databases.rows(service, "select event_id, routing_key from outbox where routing_key !~ $1", but)
        for row in rows:
            published.setdefault(row["routing_key"], set()).add(row["event_id"])
    for queue, keys in (await queues()).items():
        service = queue.partition(".")[0]
        rows = await databases.rows(service, "select event_id from inbox where queue = $1", queue)
        handled = {row["event_id"] for row in rows}
        wanted = set().union(*(published.get(key, set()) for key in keys))
        if wanted - handled:
            missing[queue] = wanted - handled
    return missing


async def check(
    databases: Databases, buyers: Buyers, receiver: Receiver, stripe: AtStripe, poisoned: int, dead: int
) -> Findings:
    """Every rule. `dead` is how many dead letters there are, of which `poisoned` were put there."""
    findings = Findings()
    await _purchases(findings, databases, buyers.purchases, stripe.intents)
    await _refunds(findings, databases, buyers.purchases, stripe.refunds)
    await check_changes(findings, databases, buyers.purchases, stripe.intents)
    await _events(findings, databases)
    await _money(findings, databases, stripe)
    await _projections(findings, databases)
    await _webhooks(findings, databases, buyers.purchases, receiver)
    for resource, webhook_id in buyers.replayed:
        times = sum(webhook_id == arrived for _, arrived in receiver.arrived.get(resource, []))
        if times < 2:
            findings.lost.append(f"webhook {webhook_id} was asked for once more and arrived {times} times")
    if dead != poisoned:
        findings.wrong.append(f"{dead} dead letters, of which {poisoned} were put there")
    if receiver.forged:
        findings.wrong.append(f"{receiver.forged} webhooks had a wrong signature")
    return findings


async def _purchases(
    findings: Findings, databases: Databases, purchases: list[Purchase], stripe: list[dict[str, Any]]
) -> None:
    checkouts: dict[int, list[Any]] = {}
    query = "select id, status, discount_id, metadata->>'purchase' as number from checkouts where metadata ? 'purchase'"
    for row in await databases.rows("checkout", query):
        checkouts.setdefault(int(row["number"]), []).append(row)
    paid = Counter(intent["metadata"].get("checkout_id") for intent in stripe if intent["status"] == "succeeded")
    orders = Counter(str(row[0]) for row in await databases.rows("billing", "select checkout_id from orders"))
    payments = Counter(str(row[0]) for row in await databases.rows("billing", "select checkout_id from payments"))
    subscriptions = {
        str(row["checkout_id"]): row for row in await databases.rows("billing", "select * from subscriptions")
    }
    started = Counter(str(row[0]) for row in await databases.rows("billing", "select checkout_id from subscriptions"))
    grants = Counter(
        str(row[0]) for row in await databases.rows("benefits", "select subscription_id from benefit_grants")
    )
    held = Counter(
        str(row[0])
        for row in await databases.rows(
            "benefits", "select subscription_id from benefit_grants where granted_at is not null"
        )
    )
    for purchase in purchases:
        name = f"purchase {purchase.number}"
        if purchase.problem:
            findings.lost.append(f"{name} was never acknowledged: {purchase.problem}")
            continue
        made = checkouts.get(purchase.number, [])
        findings.count(f"{name}: checkouts", len(made))
        if not made:
            continue
        checkout_id = str(made[0]["id"])
        if made[0]["status"] != "succeeded":
            findings.lost.append(f"{name}: its checkout is {made[0]['status']}")
        findings.count(f"{name}: charges at Stripe", paid[checkout_id])
        findings.count(f"{name}: orders", orders[checkout_id])
        findings.count(f"{name}: payments", payments[checkout_id])
        findings.count(f"{name}: subscriptions", started[checkout_id])
        subscription = subscriptions.get(checkout_id)
        if subscription is None:
            continue
        if str(subscription["id"]) != purchase.ids["subscription_id"]:
            findings.wrong.append(f"{name}: the subscription has another id than the buyer was told")
        if purchase.ended and subscription["status"] != "canceled":
            findings.lost.append(f"{name}: its end")
        owed = 0 if subscription["status"] == "canceled" else 1
        # Ended before its begin was handled, it never came to own anything; else its grant is kept, and revoked.
        kept = grants[str(subscription["id"])]
        findings.count(f"{name}: grants", kept, max(owed, min(kept, 1)))
        findings.count(f"{name}: grants held", held[str(subscription["id"])], owed)
    await _redemptions(findings, databases)


async def _redemptions(findings: Findings, databases: Databases) -> None:
    rows = await databases.rows(
        "checkout",
        "select d.id, d.redemptions_count, (select count(*) from redemptions r where r.discount_id = d.id) as kept, "
        "(select count(*) from checkouts c where c.discount_id = d.id and c.status = 'succeeded') as used "
        "from discounts d",
    )
    for row in rows:
        findings.count(f"discount {row['id']}: redemptions counted", row["redemptions_count"], row["used"])
        findings.count(f"discount {row['id']}: redemptions kept", row["kept"], row["used"])


async def _unpublished(databases: Databases) -> dict[str, set[Any]]:
    query = "select event_id from outbox where published_at is null"
    return {service: {row["event_id"] for row in await databases.rows(service, query)} for service in SERVICES}


async def _events(findings: Findings, databases: Databases) -> None:
    first = await unhandled(databases), await _unpublished(databases)
    if any(events for found in first for events in found.values()):
        await asyncio.sleep(ON_ITS_WAY_SECONDS)
    handled, published = await unhandled(databases), await _unpublished(databases)
    for queue, events in handled.items():
        lost = events & first[0].get(queue, set())
        if lost:
            findings.lost.append(f"{queue}: {len(lost)} events were never handled")
    for service, events in published.items():
        lost = events & first[1].get(service, set())
        if lost:
            findings.lost.append(f"{service}: {len(lost)} events were never published")
    for service in SERVICES:
        twice = await databases.value(
            service,
            "select count(*) from (select 1 from inbox group by event_id, queue having count(*) > 1) doubled",
        )
        if twice:
            findings.duplicated.append(f"{service}: {twice} events were handled twice")
        gaps = await databases.value(
            service,
            "select count(*) from (select subject from outbox group by subject "
            "having count(distinct sequence) <> max(sequence) or count(*) <> max(sequence)) holes",
        )
        if gaps:
            findings.lost.append(f"{service}: the events of {gaps} resources are not numbered without gaps")
        kept = await databases.value(service, "select count(*) from retries")
        if kept:
            findings.lost.append(f"{service}: {kept} messages still wait to be tried again")


async def _refunds(
    findings: Findings, databases: Databases, purchases: list[Purchase], stripe: list[dict[str, Any]]
) -> None:
    """A refund that was acknowledged was made once: at Stripe, in billing, and on its order."""
    query = (
        "select r.id, r.order_id, r.status, r.amount, o.refunded_amount "
        "from refunds r join orders o on o.id = r.order_id"
    )
    kept: dict[str, list[Any]] = {}
    for row in await databases.rows("billing", query):
        kept.setdefault(str(row["order_id"]), []).append(row)
    paid_back = Counter(refund["metadata"].get("order_id") for refund in stripe if refund["status"] == "succeeded")
    for purchase in purchases:
        order_id = purchase.ids.get("order_id", "")
        name = f"purchase {purchase.number}"
        wanted = 1 if purchase.refund_id else 0
        rows = kept.get(order_id, [])
        findings.count(f"{name}: refunds", len(rows), wanted)
        findings.count(f"{name}: refunds at Stripe", paid_back[order_id], wanted)
        for row in rows:
            if (str(row["id"]), row["status"], row["amount"], row["refunded_amount"]) != (
                purchase.refund_id, "succeeded", REFUNDED, REFUNDED,
            ):  # fmt: skip
                findings.wrong.append(f"{name}: its refund is {dict(row)}")


async def _money(findings: Findings, databases: Databases, stripe: AtStripe) -> None:
    off = await databases.value(
        "billing",
        "select count(*) from (select transaction_id from ledger_entries group by transaction_id, currency "
        "having sum(amount) <> 0) unbalanced",
    )
    if off:
        findings.wrong.append(f"{off} ledger transactions do not balance")
    ledger = int(
        await databases.value(
            "billing",
            "select coalesce(sum(amount), 0) from ledger_entries where account in ('processor', 'processor_fees')",
        )
    )
    charged = sum(intent["amount_received"] for intent in stripe.intents if intent["status"] == "succeeded")
    given_back = sum(refund["amount"] for refund in stripe.refunds if refund["status"] == "succeeded")
    if ledger != charged - given_back:
        findings.wrong.append(f"the ledger has {ledger} at the processor: {charged} charged, {given_back} given back")


PROJECTIONS = (
    ("catalog", "product", "checkout", "select id, sequence, data from products"),
    ("billing", "customer", "checkout", "select id, sequence, data from customers"),
    ("billing", "customer", "benefits", "select id, sequence, data from customers"),
    ("billing", "customer", "identity", "select id, sequence, data from customers"),
    ("billing", "subscription", "checkout", "select id, sequence, null as data from subscriptions"),
    ("identity", "organization", "billing", "select id, sequence, data from organizations"),
    ("identity", "organization", "checkout", "select id, sequence, data from organizations"),
    ("benefits", "benefit", "catalog", "select id, sequence, data from benefits"),
)


async def _projections(findings: Findings, databases: Databases) -> None:
    for owner, kind, holder, query in PROJECTIONS:
        latest = {
            row["subject"]: row
            for row in await databases.rows(
                owner,
                "select distinct on (subject) subject, sequence, payload from outbox where routing_key like $1 "
                # A customer's state is a resource of its own, made of several: nobody keeps a copy.
                "and routing_key not like '%.state_changed.%' "
                "and organization_id <> $2 order by subject, sequence desc",
                f"{kind}.%",
                UUID(int=0),
            )
        }
        held = {row["id"]: row for row in await databases.rows(holder, query)}
        for subject, row in latest.items():
            copy = held.get(subject)
            if copy is None or copy["sequence"] != row["sequence"]:
                findings.wrong.append(f"{holder}'s copy of {kind} {subject} is not {owner}'s latest")
            elif copy["data"] is not None and json.loads(copy["data"]) != json.loads(row["payload"])["data"]:
                findings.wrong.append(f"{holder}'s copy of {kind} {subject} differs from {owner}'s")


async def _webhooks(findings: Findings, databases: Databases, purchases: list[Purchase], receiver: Receiver) -> None:
    for purchase in purchases:
        if not purchase.ids:
            continue
        order, subscription = purchase.ids["order_id"], purchase.ids["subscription_id"]
        expected = [(order, "order.created"), (order, "order.paid"), (subscription, "subscription.active")]
        if purchase.refund_id:
            expected += [(order, "order.refunded"), (purchase.refund_id, "refund.created")]
        for id, kind in expected:
            ids = {webhook_id for type, webhook_id in receiver.arrived.get(id, []) if type == kind}
            findings.count(f"purchase {purchase.number}: ids of its webhook {kind}", len(ids))
    rows = await databases.rows(
        "webhooks",
        "select resource_id, id, sequence, created_at, first_attempt_at from webhook_events order by sequence",
    )
    sequences: dict[str, list[Any]] = {}
    for row in rows:
        sequences.setdefault(str(row["resource_id"]), []).append(row)
    for resource, told in sequences.items():
        findings.wrong += list(_disorder(resource, told, receiver))


def _disorder(resource: str, told: list[Any], receiver: Receiver) -> Iterator[str]:
    """First attempts that overtook an earlier one about the same resource within the documented minute."""
    first: dict[str, int] = {}
    for position, (_, webhook_id) in enumerate(receiver.arrived.get(resource, [])):
        first.setdefault(webhook_id, position)
    for before, after in pairwise(told):
        places = first.get(str(before["id"])), first.get(str(after["id"]))
        if places[0] is None or places[1] is None or places[0] < places[1]:
            continue
        tried = after["first_attempt_at"]
        if tried is not None and (tried - before["created_at"]).total_seconds() < HELD_BACK_SECONDS:
            yield f"webhooks about {resource} came out of order"
