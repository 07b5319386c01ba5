"""A customer's state: what it has, in one answer."""

import pytest
from contracts.benefits import Benefit, BenefitGrant, BenefitGrantCreatedV1, BenefitGrantRevokedV1
from contracts.billing import CustomerCreatedV1
from servicekit import clock, ids


@pytest.fixture
async def granted(bus, purchased, organization_id):
    """A purchase, and the event of its grant."""
    event = purchased(customer={"external_id": "user-1"})
    await bus.deliver(event)
    now = clock.now()
    customer = (await bus.recorded(CustomerCreatedV1))[-1].data
    benefit = Benefit(
        id=ids.uuid7(), created_at=now, modified_at=None, type="custom", description="Thanks", selectable=True,
        deletable=True, is_deleted=False, organization_id=organization_id, metadata={"tier": "gold"},
        visibility="public", visibility_configurable=True, properties={"note": None},
    )  # fmt: skip
    grant = BenefitGrant(
        id=ids.uuid7(), created_at=now, modified_at=None, organization_id=organization_id, is_granted=True,
        is_revoked=False, granted_at=now, revoked_at=None, subscription_id=event.data.subscription_id, order_id=None,
        customer_id=customer.id, member_id=None, benefit_id=benefit.id, error=None, customer=customer, benefit=benefit,
        properties={}, previous_properties=None,
    )  # fmt: skip
    told = BenefitGrantCreatedV1(subject=grant.id, organization_id=organization_id, time=now, sequence=1, data=grant)
    await bus.deliver(told)
    return event.data, told


async def test_what_a_customer_has_now(client, stranger, bus, granted):
    purchase, _ = granted
    path = f"/v1/customers/{purchase.customer.id}/state"
    state = (await client.get(path)).json()
    (subscription,) = state["active_subscriptions"]
    assert (subscription["id"], subscription["status"]) == (str(purchase.subscription_id), "active")
    (grant,) = state["granted_benefits"]
    assert grant["benefit_type"] == "custom"
    assert grant["benefit_metadata"] == {"tier": "gold"}
    assert state["active_meters"] == []
    assert (await client.get("/v1/customers/external/user-1/state")).json() == state
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.get("/v1/customers/external/user-1/state")).status_code == 404


async def test_what_ended_or_was_revoked_is_not_in_it(client, bus, granted):
    purchase, told = granted
    await client.delete(f"/v1/subscriptions/{purchase.subscription_id}")
    gone = told.data.model_copy(update={"is_granted": False, "is_revoked": True, "granted_at": None})
    revoked = BenefitGrantRevokedV1(
        subject=gone.id, organization_id=gone.organization_id, time=clock.now(), sequence=2, data=gone
    )
    await bus.deliver(revoked)
    state = (await client.get(f"/v1/customers/{purchase.customer.id}/state")).json()
    assert (state["active_subscriptions"], state["granted_benefits"]) == ([], [])
