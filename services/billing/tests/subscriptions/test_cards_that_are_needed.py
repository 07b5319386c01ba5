"""The only card is not removed while a subscription has something to pay: also what waits, and what is scheduled."""

from datetime import UTC, datetime, timedelta

import pytest
from servicekit.testing import signed_headers

MINE = "/v1/customer-portal/customers/me/payment-methods"
START = datetime(2027, 4, 1, tzinfo=UTC)
IN_USE = (400, "PaymentMethodInUseByActiveSubscription")


@pytest.fixture(autouse=True)
async def at_a_seller(seller):
    """Customers may do in the portal what they may as the settings come."""
    await seller()


@pytest.fixture
def removed(client, organization_id):
    """Has the customer remove their only card. Returns the status, and the error if there is one."""

    async def remove(purchase):
        own = signed_headers(organization_id, "customer_portal:write", customer_id=purchase.customer.id)
        (card,) = (await client.get(MINE, headers=own)).json()["items"]
        answer = await client.delete(f"{MINE}/{card['id']}", headers=own)
        return answer.status_code, answer.json()["error"] if answer.status_code >= 400 else None

    return remove


async def test_what_waits_when_it_is_canceled_is_paid(bought_at, announced, patched, listed, gone_to, removed):
    """By the customer alone, with the settings as they come: the dearest plan to the end of the period for nothing."""
    purchase, enterprise = await bought_at(START, 3000), await announced(99900)
    await gone_to(START + timedelta(days=1))
    assert (await patched(purchase, portal=True, product_id=enterprise.id)).status_code == 200
    assert (await patched(purchase, portal=True, cancel_at_period_end=True)).status_code == 200
    assert await removed(purchase) == IN_USE
    await gone_to(datetime(2027, 5, 1, tzinfo=UTC))
    assert [(one["status"], one["total_amount"]) for one in await listed(purchase)][1:] == [("paid", 93670)]
    assert await removed(purchase) == (204, None)


async def test_what_waits_of_a_plan_that_is_free_again_is_paid(bought_at, announced, patched, gone_to, removed):
    purchase, enterprise, free = await bought_at(START, 3000), await announced(99900), await announced(0)
    assert (await patched(purchase, portal=True, product_id=enterprise.id)).status_code == 200
    await gone_to(START + timedelta(days=29))
    assert (await patched(purchase, portal=True, product_id=free.id)).status_code == 200
    assert await removed(purchase) == IN_USE


async def test_a_credit_that_waits_needs_no_card(bought_at, announced, patched, removed):
    purchase, free = await bought_at(START, 3000), await announced(0)
    assert (await patched(purchase, portal=True, product_id=free.id)).status_code == 200
    assert await removed(purchase) == (204, None)


@pytest.mark.parametrize("then", [{}, {"pending_update": None}, {"cancel_at_period_end": True}])
async def test_a_dear_product_that_is_scheduled_is_paid(bought_at, announced, patched, removed, then):
    purchase, free, enterprise = await bought_at(START, 3000), await announced(0), await announced(99900)
    for change in ({"product_id": free.id, "proration_behavior": "invoice"},
                   {"product_id": enterprise.id, "proration_behavior": "next_period"}, then):  # fmt: skip
        assert not change or (await patched(purchase, **change)).status_code == 200
    assert await removed(purchase) == ((204, None) if then else IN_USE)


@pytest.mark.parametrize(("resumes_at", "expected"), [("2027-06-01T00:00:00Z", IN_USE), (None, (204, None))])
async def test_a_pause_that_ends_by_itself_needs_a_card(bought_at, patched, gone_to, removed, resumes_at, expected):
    purchase = await bought_at(START, 3000)
    until = {"resumes_at": resumes_at} if resumes_at else {}
    assert (await patched(purchase, pause_at_period_end=True, **until)).status_code == 200
    await gone_to(datetime(2027, 5, 1, tzinfo=UTC))
    assert await removed(purchase) == expected
