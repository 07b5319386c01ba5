"""Every switch of a seller's settings lets out its own mail and no other."""

from collections import Counter
from datetime import timedelta

import pytest
from billing.disputes.operations import hear
from billing.receipts.operations import SWITCHES
from billing.subscriptions.reminders import remind_due
from contracts.catalog import ProductCreatedV1
from contracts.identity import CustomerEmailSettings, NotificationSettings
from servicekit import clock
from sqlalchemy import text

NAMES = sorted(CustomerEmailSettings.model_fields)
RUNS = 4
"""In so many lives each switch is on and off in a pattern of its own: its place in NAMES, as bits."""
TWICE = ("payment_method_expiration_reminder", "subscription_confirmation", "subscription_past_due")
WRITTEN = Counter(NAMES) + Counter(TWICE)
"""How many mails a life has for each switch: two subscriptions begin, each with a card, and a payment fails twice."""


def on_in(run):
    assert len(NAMES) < 2**RUNS - 1
    return {name for place, name in enumerate(NAMES, 1) if place >> run & 1}


async def written(database):
    """How many mails were written, by the switch that lets them out."""
    rows = text("""
        select m.kind, case when o.period_start = s.trial_end and o.billing_reason = 'subscription_cycle'
            then 'subscription_cycle_after_trial' else o.billing_reason end as reason
        from mails m left join orders o on o.id = m.about left join subscriptions s on s.id = o.subscription_id
    """)
    async with database.transaction() as session:
        found = (await session.execute(rows)).all()
    of_kind = {"payment_failed": "subscription_past_due"}
    return Counter(
        SWITCHES[row.reason] if row.kind == "order_confirmation" else of_kind.get(row.kind, row.kind) for row in found
    )


@pytest.mark.parametrize("run", range(RUNS))
async def test_a_switch_of_customers_mails(run, bus, purchased, database, lives, sells):
    on = on_in(run)
    await sells(wanted=on)
    await bus.deliver(purchased(interval=None, email="once@example.com"))
    await bus.deliver(purchased(interval="year", email="year@example.com"))
    other = purchased(amount=9900).data.product
    announced = ProductCreatedV1(
        subject=other.id, organization_id=other.organization_id, time=clock.now(), sequence=1, data=other
    )
    await bus.deliver(announced)
    await lives(change_to=other.id)
    async with database.transaction() as session:
        ends = (await session.execute(text("select max(current_period_end) from subscriptions"))).scalar_one()
    clock.move(ends - timedelta(days=6) - clock.now())
    await remind_due(database.transaction)
    assert await written(database) == Counter({name: WRITTEN[name] for name in on})


@pytest.mark.parametrize(
    ("switch", "kind", "locale", "subject"),
    [
        ("new_order", "sale", None, "New sale: Pro Plan"),
        ("new_subscription", "sale", "fr", "Nouvelle vente : Pro Plan"),
        ("new_dispute", "dispute", "de", "Eine Zahlung über 15,00 USD wird angefochten"),
    ],
)
async def test_a_switch_of_the_sellers_mails(switch, kind, locale, subject, bus, purchased, database, sells):
    await sells(wanted=False, notified={switch}, locale=locale)
    once = purchased(interval=None, amount=1500)
    for event in (once, once, purchased()):
        await bus.deliver(event)
    dispute = {
        "id": "dp_1", "object": "dispute", "amount": 1500, "currency": "usd", "status": "needs_response",
        "payment_intent": once.data.payment.processor_id, "created": int(clock.now().timestamp()),
        "reason": "fraudulent", "balance_transactions": [], "evidence_details": {"due_by": None},
    }  # fmt: skip
    for _ in range(2):
        async with database.transaction() as session:
            assert await hear(session, dispute)
    async with database.transaction() as session:
        sent = (await session.execute(text("select kind, recipient, subject from mails"))).all()
    assert sent == [(kind, "help@acme.example", subject)]


def test_every_switch_of_the_sellers_is_tested():
    (marked,) = test_a_switch_of_the_sellers_mails.pytestmark
    assert {case[0] for case in marked.args[1]} == set(NotificationSettings.model_fields)
