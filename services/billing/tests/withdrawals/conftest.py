"""A seller in Germany, what its buyers bought, and the mails that they are sent."""

from datetime import datetime

import pytest
from billing.withdrawals.periods import ends_at
from contracts.checkout import ImmediateDeliveryConsent
from contracts.identity import Organization, OrganizationCreatedV1, OrganizationUpdatedV1
from servicekit import clock
from sqlalchemy import text


@pytest.fixture
def told(bus, organization_id):
    """Tells billing of the seller, as it is after each change."""
    count = 0

    async def tell(**settings):
        nonlocal count
        count += 1
        data = Organization(
            id=organization_id, created_at=clock.now(), modified_at=None, name="Acme", slug="acme", avatar_url=None,
            email=None, website=None, country="DE", **settings,
        )  # fmt: skip
        contract = OrganizationCreatedV1 if count == 1 else OrganizationUpdatedV1
        await bus.deliver(
            contract(subject=data.id, organization_id=data.id, time=data.created_at, data=data, sequence=count)
        )

    return tell


@pytest.fixture
def bought(client, bus, purchased, sandbox, told):
    """Sells to a consumer for 100.00 and 19.00 of tax, once unless told otherwise; paid at the local Stripe.

    Returns the order as the API shows it.
    """

    async def buy(method="pm_card_visa", country="DE", consents=False, seller=None, **changes):
        await told(**(seller or {}))
        changes = {"amount": 10000, "tax": 1900, "interval": None, **changes}
        total = changes["amount"] - changes.get("off", 0) + changes["tax"]
        if consents:
            given = {"consented_at": clock.now(), "wording": "2026-12-01", "country": country, "locale": "de"}
            changes["immediate_delivery_consent"] = ImmediateDeliveryConsent(**given)
        address = {"country": country} if country else None
        processor_id = sandbox.pay(total, method) if total else None
        event = purchased(processor_id=processor_id, customer={"billing_address": address}, **changes)
        await bus.deliver(event)
        return (await client.get(f"/v1/orders/{event.data.order_id}")).json()

    return buy


@pytest.fixture
def mailed(database):
    """The mails of a kind that were written, the oldest first."""

    async def mailed(kind):
        statement = text("select recipient, subject, body, letter from mails where kind = :kind order by id")
        async with database.transaction() as session:
            return (await session.execute(statement, {"kind": kind})).all()

    return mailed


@pytest.fixture
def named(organization_id):
    """The body that names an order and its address."""

    def name(order, **changes):
        body = {"order_number": order["invoice_number"], "email": "ada@example.com", **changes}
        return {"organization_id": str(organization_id), **body}

    return name


@pytest.fixture
def declared(anonymous, mailed, named):
    """Declares a withdrawal from an order; returns the body that confirms it, with the code of the mail."""

    async def declare(order, **changes):
        body = named(order, **changes)
        answer = await anonymous.post("/v1/customer-portal/withdrawals/request", json=body)
        assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
        return {**body, "code": (await mailed("withdrawal_code"))[-1].subject[:6]}

    return declare


@pytest.fixture
def confirmed(anonymous, declared):
    """Withdraws from an order in both steps."""

    async def confirm(order, **changes):
        body = await declared(order)
        return await anonymous.post("/v1/customer-portal/withdrawals/confirm", json={**body, **changes})

    return confirm


@pytest.fixture
def late():
    """Moves the clock to so long before the end of an order's period (after it, when negative)."""

    def late(order, before, country="DE"):
        ends = ends_at(datetime.fromisoformat(order["created_at"]), country)
        clock.move(ends - before - clock.wall())
        return ends

    return late
