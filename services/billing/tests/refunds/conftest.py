"""Orders that a customer's balance paid in part, written and charged as drafts are."""

import pytest
from billing.customers import balances
from billing.customers import queries as customers
from billing.ledger.operations import About, write
from billing.orders.create import Line, Terms, open_order
from billing.orders.models import Order
from contracts.identity import Organization, OrganizationCreatedV1
from servicekit import clock
from sqlalchemy import select


@pytest.fixture
def charged(client, bus, purchased, sandbox, database, organization_id):
    """Charges a customer for lines (net, or gross where tax is inclusive), less their credit, in minor units.

    A negative `credit` is a debt. Returns the id of the order, which the local Stripe's saved card and the balance have
    paid.
    """

    async def charge(*amounts, credit=0, currency="eur", country="DE", behavior="exclusive", card="pm_card_visa"):
        seller = Organization(
            id=organization_id, created_at=clock.now(), modified_at=None, name="Acme", slug="acme", avatar_url=None,
            email=None, website=None, country="FR", default_tax_behavior=behavior,
        )  # fmt: skip
        told = OrganizationCreatedV1(
            subject=seller.id, organization_id=seller.id, time=seller.created_at, data=seller
        )  # fmt: skip
        await bus.deliver(told)
        address = {"country": country}
        event = purchased(card=sandbox.card(card), customer={"billing_address": address})
        await bus.deliver(event)
        at = clock.now()
        async with database.transaction() as session:
            customer = await customers.lock(session, event.data.customer.id)
            balances.move(session, customer, None, credit, currency, reason="adjustment", at=at)
            about = About(
                organization_id=organization_id, currency=currency, occurred_at=at, customer_id=customer.id
            )  # fmt: skip
            write(session, "balance", about, {"merchant_balance": credit, "customer_balance": -credit})
            lines = [Line(label=f"Line {number}", amount=amount) for number, amount in enumerate(amounts, 1)]
            terms = Terms(billing_reason="purchase", currency=currency, description="Lines", status="draft")
            order = await open_order(session, customer=customer, lines=lines, terms=terms, at=at)
        finalized = await client.post(f"/v1/orders/{order.id}/finalize", json={})
        assert finalized.status_code == 200, finalized.text
        assert finalized.json()["status"] == "paid"
        return order.id

    return charge


@pytest.fixture
def credited(database):
    """Notes on an order what was given as credit for time that it billed, as who writes credits does."""

    async def credit(order_id, amount, tax_amount):
        async with database.transaction() as session:
            order = (await session.execute(select(Order).where(Order.id == order_id).with_for_update())).scalar_one()
            order.credited_amount, order.credited_tax_amount = amount, tax_amount

    return credit
