"""Access follows money: what is held without being paid, in trial or in grace is named."""

from datetime import timedelta

import pytest
from billing.audit.run import audit
from billing.invariants import INVARIANTS
from contracts.benefits import BenefitGrantCreatedV1
from servicekit import clock, ids
from servicekit.invariants import Invariants
from sqlalchemy import text

PAID = "an active subscription that costs something has an order for its present period"
HELD = "benefits are held for what is paid, in its trial, or in its grace period"
A_DAY_AGO = "modified_at = created_at - interval '1 day'"
ENDED = f"update subscriptions set status = 'canceled', ended_at = created_at, {A_DAY_AGO}"
PAST_DUE = f"update subscriptions set status = 'past_due', past_due_at = created_at - interval '3 days', {A_DAY_AGO}"
IN_GRACE = (
    'update organizations set data = data || \'{"subscription_settings": {"benefit_revocation_grace_period": 7}}\''
)


async def broken(database):
    invariants = Invariants(INVARIANTS)
    await invariants.check(database.transaction)
    own = {one.name for one in INVARIANTS}
    return {name for name, one in invariants.states.items() if not one.holds and name in own}


@pytest.fixture
def granted(bus):
    """The benefits service gives what a purchase bought."""

    async def give(purchase):
        now, owner, customer = clock.now(), purchase.organization_id, purchase.customer
        shape = {"id": ids.uuid7(), "created_at": now, "modified_at": None, "organization_id": owner}
        is_subscription = purchase.subscription_id is not None
        data = {
            **shape, "is_granted": True, "is_revoked": False, "granted_at": now, "revoked_at": None,
            "subscription_id": purchase.subscription_id, "order_id": None if is_subscription else purchase.order_id,
            "customer_id": customer.id, "member_id": None, "benefit_id": ids.uuid7(), "error": None,
            "properties": {}, "previous_properties": None,
            "customer": {**shape, "id": customer.id, "metadata": {}, "external_id": None, "email": customer.email,
                         "email_verified": False, "type": "individual", "name": "Ada", "billing_name": None,
                         "billing_address": None, "tax_id": None, "locale": None, "avatar_url": "",
                         "default_payment_method_id": None, "deleted_at": None, "first_user_event_at": None},
            "benefit": {**shape, "id": ids.uuid7(), "type": "custom", "description": "Support", "selectable": True,
                        "deletable": True, "is_deleted": False, "visibility": "public",
                        "visibility_configurable": True, "metadata": {}, "properties": {"note": None}},
        }  # fmt: skip
        await bus.deliver(BenefitGrantCreatedV1(subject=data["id"], organization_id=owner, time=now, data=data))

    return give


@pytest.mark.parametrize(
    ("changes", "faults", "names"),
    [
        ({}, [], set()),
        ({}, [ENDED], {HELD}),
        ({}, [ENDED, "update benefit_grants set is_granted = false"], set()),
        ({}, [ENDED, "update subscriptions set modified_at = now()"], set()),
        ({}, [ENDED, "update benefit_grants set subscription_id = null"], set()),
        ({}, [PAST_DUE], {HELD}),
        ({}, [PAST_DUE, IN_GRACE], set()),
        ({}, ["update orders set status = 'void'"], {PAID}),
        ({}, ["update subscriptions set current_period_start = current_period_start + interval '1 month'"], {PAID}),
        ({"interval": None}, [], set()),
        ({"interval": None}, ["update orders set benefits_revoked_at = created_at - interval '1 day'"], {HELD}),
        ({"interval": None}, ["update orders set status = 'void'"], {HELD}),
        ({"amount": 0}, ["update orders set status = 'void'"], set()),
    ],
)
async def test_access_follows_money(bus, purchased, granted, database, seller, changes, faults, names):
    await seller()
    event = purchased(**changes)
    await bus.deliver(event)
    await granted(event.data)
    async with database.transaction() as session:
        for fault in faults:
            await session.execute(text(fault))
    # Other invariants see some of these faults, too.
    assert await broken(database) & {PAID, HELD} == names
    report = await audit(database, None)
    assert report.differences.keys() & {PAID, HELD} == names


async def test_an_organization_with_a_test_clock_is_not_judged_by_the_machine_s_time(
    bus, purchased, granted, database, seller
):
    await seller()
    event = purchased()
    await bus.deliver(event)
    await granted(event.data)
    async with database.transaction() as session:
        await session.execute(text(ENDED))
        await session.execute(
            text(
                "insert into clocks (organization_id, clock_id, instant, round, answered, seen, recorded_after, "
                "recorded_until, is_deleted) values (:owner, :id, :at, 0, 0, '[]', 0, 0, false)"
            ),
            {"owner": event.organization_id, "id": ids.uuid7(), "at": clock.now() + timedelta(days=400)},
        )
    assert HELD not in await broken(database)
