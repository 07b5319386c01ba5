"""The session that comes with a purchase, and its end when somebody else buys with the same e-mail."""

from datetime import timedelta
from uuid import UUID

import pytest
from contracts.billing import Customer, CustomerCreatedV1
from contracts.checkout import CheckoutSucceededV1, Purchase, PurchaseSession
from identity.email_updates.models import EmailUpdate
from identity.organizations.models import Organization
from servicekit import auth, clock, ids
from servicekit.testing.harness import SECRET
from servicekit.tokens import generate, hashed
from sqlalchemy import select


@pytest.fixture
def purchase(organization_id):
    """Builds `checkout.succeeded` of one customer, and the token of its session."""
    customer_id = ids.uuid7()

    def build(*, is_new=True, has_session=True):
        now, product_id, token = clock.now(), ids.uuid7(), generate("polar_cst_")
        price = {
            "id": ids.uuid7(), "created_at": now, "modified_at": None, "source": "catalog", "amount_type": "fixed",
            "price_currency": "usd", "tax_behavior": None, "is_archived": False, "product_id": product_id,
            "price_amount": 0,
        }  # fmt: skip
        product = {
            "id": product_id, "created_at": now, "modified_at": None, "trial_interval": None,
            "trial_interval_count": None, "name": "Pro", "description": None, "visibility": "public",
            "recurring_interval": None, "recurring_interval_count": None, "meter_interval": None,
            "meter_interval_count": None, "is_recurring": False, "is_archived": False, "is_deletable": True,
            "organization_id": organization_id, "metadata": {}, "prices": [price], "archived_prices": [],
            "benefits": [], "medias": [], "attached_custom_fields": [],
        }  # fmt: skip
        buyer = {
            "id": customer_id, "email": "ada@example.com", "name": None, "billing_name": None, "billing_address": None,
            "tax_id": None, "external_id": None, "metadata": {},
        }  # fmt: skip
        given = PurchaseSession(
            token_hash=hashed(token, SECRET).hex(),
            expires_at=clock.wall() + timedelta(hours=1),
            is_of_new_customer=is_new,
        )
        data = Purchase.model_validate({
            "checkout_id": ids.uuid7(), "organization_id": organization_id, "order_id": ids.uuid7(),
            "subscription_id": None, "customer": buyer, "product": product, "price": price, "discount": None,
            "currency": "usd", "amount": 0, "discount_amount": 0, "net_amount": 0, "tax_amount": 0,
            "tax_behavior": None, "total_amount": 0, "payment": None, "metadata": {}, "custom_field_data": {},
            "confirmed_at": now, "succeeded_at": now, "customer_session": given if has_session else None,
        })  # fmt: skip
        return CheckoutSucceededV1(
            subject=data.checkout_id, organization_id=organization_id, time=now, sequence=1, data=data
        ), token

    build.customer_id = customer_id
    return build


@pytest.fixture
def known(bus, organization_id, purchase):
    """Tells of the customer, as billing does a moment after the purchase."""

    async def known(created_at=None):
        at = created_at or clock.now()
        data = Customer(
            id=purchase.customer_id, created_at=at, modified_at=None, metadata={}, external_id=None,
            email="ada@example.com", email_verified=False, type="individual", name=None, billing_name=None,
            billing_address=None, tax_id=None, locale=None, organization_id=organization_id, deleted_at=None,
            first_user_event_at=None, avatar_url=None, default_payment_method_id=None,
        )  # fmt: skip
        await bus.deliver(
            CustomerCreatedV1(subject=data.id, organization_id=organization_id, time=at, sequence=1, data=data)
        )

    return known


async def is_in(anonymous, token):
    answer = await anonymous.get("/internal/authenticate", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code == 200


async def test_a_new_customer_is_in_for_an_hour(anonymous, bus, purchase, known):
    event, token = purchase()
    await bus.deliver(event)
    assert not await is_in(anonymous, token)
    await known()
    assert await is_in(anonymous, token)
    await bus.deliver(event)
    clock.move(timedelta(hours=1, seconds=1))
    assert not await is_in(anonymous, token)


async def test_a_change_of_address_that_was_asked_for_in_it_ends_with_it(
    anonymous, bus, purchase, known, organization_id, database
):
    """A stranger takes something with Ada's address, asks for their own address, and waits until Ada buys."""
    (first, token), (second, _) = purchase(), purchase(has_session=False)
    await bus.deliver(first)
    await known()
    async with database.transaction() as session:
        allowed = {"customer_portal_settings": {"customer": {"allow_email_change": True}}}
        session.add(Organization(id=organization_id, name="Shop", slug="shop", settings=allowed))
    principal = await anonymous.get("/internal/authenticate", headers={"Authorization": f"Bearer {token}"})
    headers = {auth.HEADER: principal.headers[auth.HEADER]}
    path = "/v1/customer-portal/customers/me/email-update/request"
    assert (await anonymous.post(path, headers=headers, json={"email": "eve@example.com"})).status_code == 202
    async with database.transaction() as session:
        waiting = (await session.execute(select(EmailUpdate))).scalar_one()
        assert waiting.checkout_id == first.data.checkout_id
    await bus.deliver(second)
    async with database.transaction() as session:
        assert (await session.execute(select(EmailUpdate))).first() is None


@pytest.mark.parametrize("is_heard_first", [True, False])
async def test_another_purchase_ends_it_in_whatever_order(anonymous, bus, purchase, known, is_heard_first):
    (first, token), (second, _) = purchase(), purchase(has_session=False)
    for event in (second, first) if is_heard_first else (first, second):
        await bus.deliver(event)
    await known()
    assert not await is_in(anonymous, token)


async def test_the_session_of_a_customer_whom_the_seller_named_stays(anonymous, bus, purchase, known):
    await known()
    (first, token), (second, _) = purchase(is_new=False), purchase(has_session=False)
    await bus.deliver(first)
    await bus.deliver(second)
    assert await is_in(anonymous, token)


async def test_a_customer_who_was_there_before_is_not_new(anonymous, bus, purchase, known):
    await known(clock.now() - timedelta(seconds=1))
    event, token = purchase()
    await bus.deliver(event)
    assert not await is_in(anonymous, token)
    assert UUID(str(event.data.customer.id)) == purchase.customer_id
