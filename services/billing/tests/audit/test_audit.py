"""The audit agrees with what the service wrote, and names every kind of difference that is planted by SQL."""

import os
import subprocess
import sys

import pytest
from billing.audit.run import audit, compare
from billing.disputes import operations as disputes
from servicekit import ids
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


@pytest.fixture
async def books(client, bus, purchased, sandbox, database, organization_id):
    """Sales, a refund, a lost dispute, and a customer's credit of 5.00: `order`, `disputed`, `customer`."""

    async def sell(method="pm_card_visa", **changes):
        changes = {"amount": 10000, "tax": 1900, "interval": None, **changes}
        total = changes["amount"] - changes.get("off", 0) + changes["tax"]
        event = purchased(processor_id=sandbox.pay(total, method), **changes)
        await bus.deliver(event)
        return event.data

    sold = await sell()
    await sell(interval="month", email="bob@example.com", off=1000)
    disputed = await sell("pm_card_createDispute", email="eve@example.com")
    async with database.transaction() as session:
        await session.execute(
            text("""
            with credit as (
                insert into customer_balances (customer_id, currency, organization_id, amount, modified_at)
                values (:customer, 'usd', :organization, 500, now())
            ), entry as (
                insert into customer_balance_entries
                    (id, organization_id, customer_id, currency, amount, reason, created_at)
                values (gen_random_uuid(), :organization, :customer, 'usd', 500, 'adjustment', now())
            ), movement as (
                insert into ledger_transactions (id, organization_id, created_at, kind, customer_id, occurred_at)
                values (:movement, :organization, now(), 'balance', :customer, now())
            ) select 1
            """),
            {"customer": sold.customer.id, "organization": organization_id, "movement": (movement := ids.uuid7())},
        )
        await session.execute(
            text("insert into ledger_entries (id, transaction_id, organization_id, account, amount, currency) values "
                 "(gen_random_uuid(), :movement, :organization, 'customer_balance', -500, 'usd'), "
                 "(gen_random_uuid(), :movement, :organization, 'merchant_balance', 500, 'usd')"),
            {"movement": movement, "organization": organization_id},
        )  # fmt: skip
    body = {"order_id": str(sold.order_id), "amount": 3333, "reason": "other"}
    assert (await client.post("/v1/refunds/", json=body)).status_code == 201
    opened = sandbox.objects("charge.dispute.created")[0]
    sandbox.control(f"disputes/{opened['id']}/decide", won=False)
    for said in sandbox.objects("charge.dispute.funds_withdrawn", "charge.dispute.closed"):
        async with database.transaction() as session:
            assert await disputes.hear(session, said)
    return {"order": sold.order_id, "disputed": disputed.order_id, "customer": sold.customer.id}


async def differing(database, organization=None):
    report = await audit(database, organization)
    return report, [line for one in report.differences.values() for line in one.lines()]


async def test_what_was_written_agrees(books, database, organization_id):
    report, lines = await differing(database)
    assert lines == []
    assert (report.orders, report.customers) == (3, 3)
    assert (await differing(database, organization_id))[0].orders == 3
    assert (await differing(database, ids.uuid7()))[0].orders == 0


async def bend(database, *changes, **values):
    """Edits as a superuser can, with every rule of the database out of force."""
    async with database.transaction() as session:
        await session.execute(text("set local session_replication_role = replica"))
        for change in changes:
            await session.execute(text(change), values)


PLANTED = {
    "a line": (
        ["update order_items set amount = amount + 1 where order_id = :order"],
        "an order's lines add up to it", "subtotal_amount of {order} should be 10001, is 10000",
    ),
    "a line and its order": (
        ["update order_items set amount = amount + 1 where order_id = :order",
         "alter table orders drop constraint orders_net_check",
         "alter table orders drop constraint orders_totals_check",
         "update orders set subtotal_amount = subtotal_amount + 1, net_amount = net_amount + 1, "
         "total_amount = total_amount + 1 where id = :order"],
        "amounts follow from what was kept of their making", "Pro Plan of {order} should be 10000, is 10001",
    ),
    "a line's tax": (
        ["update order_items set tax_amount = tax_amount - 5 where order_id = :order"],
        "an order's lines add up to it", "tax_amount of {order} should be 1895, is 1900",
    ),
    "a discount": (
        ["update order_items set discount_amount = 7 where order_id = :order"],
        "an order's lines add up to it", "discount_amount of {order} should be 7, is 0",
    ),
    "a jurisdiction": (
        ["""update orders set tax_breakdown = '[{"amount": 1899, "taxable_amount": 10000, "rate": "19"}]'
            where id = :order"""],
        "an order's tax is that of its jurisdictions", "tax_amount of {order} should be 1899, is 1900",
    ),
    "a payment": (
        ["update payments set amount = amount + 100 where order_id = :order"],
        "an order is paid with what is due, and an unpaid one is not", "payments of {order} should be 11900, is 12000",
    ),
    "a payment's currency": (
        ["update payments set currency = 'eur' where order_id = :order"],
        "an order is paid with what is due, and an unpaid one is not",
        "payments in another currency of {order} should be 0, is 1",
    ),
    "a fee": (
        ["update payments set processor_fee_amount = 59 where order_id = :order"],
        "an order's payment stands in the ledger", "processor fee of {order} should be 59, is 0",
    ),
    "an entry of the ledger": (
        ["update ledger_entries set amount = amount - 1 where account = 'tax_payable' and transaction_id = (select id "
         "from ledger_transactions where order_id = :order and kind = 'balance' and refund_id is null)"],
        "a paid order is settled in the ledger", "tax_payable of {order} should be -1900, is -1901",
    ),
    "a movement that is gone": (
        ["delete from ledger_entries where transaction_id in (select id from ledger_transactions where order_id = "
         ":order and kind = 'payment')"],
        "an order's payment stands in the ledger", "paid of {order} should be 11900, is 0",
    ),
    "a refund": (
        ["update refunds set amount = amount + 1 where order_id = :order"],
        "an order and its payment know their refunds", "refunded_amount of {order} should be 3334, is 3333",
    ),
    "a status": (
        ["update orders set status = 'refunded' where id = :order"],
        "an order and its payment know their refunds", "status of {order} should be partially_refunded, is refunded",
    ),
    "a refund's end": (
        ["update refunds set status = 'failed' where order_id = :order"],
        "refunds stand in the ledger as they ended", "should be 0, is -3966",
    ),
    "a dispute": (
        ["update disputes set amount = amount + 1"],
        "disputes stand in the ledger as they ended", "should be -11901, is -11900",
    ),
    "an event": (
        ["update outbox set payload = convert_to(replace(convert_from(payload, 'UTF8'), "
         r"""'"total_amount"\:11900', '"total_amount"\:11901'), 'UTF8') where subject = :order"""],
        "an order is as its last event says", "total_amount of {order} should be 11901, is 11900",
    ),
    "an event that is gone": (
        ["delete from outbox where subject = :order and routing_key = 'order.paid.v1'"],
        "an order was said to be paid once, with what the ledger has",
        "order.paid events of {order} should be 1, is 0",
    ),
    "a balance": (
        ["update customer_balances set amount = amount + 3 where customer_id = :customer"],
        "a customer's balance is the sum of its entries, and stands in the ledger",
        "balance in usd of {customer} should be 500, is 503",
    ),
    "an entry of a balance": (
        ["update customer_balance_entries set amount = amount + 2 where customer_id = :customer and amount > 0"],
        "a customer's balance is the sum of its entries, and stands in the ledger",
        "balance in usd of {customer} should be 502, is 500",
    ),
    "an invoice number": (
        ["update orders set invoice_number = null where id = :order"],
        "a customer's invoice numbers have no gap", "invoices of {customer} should be 1, is 0",
    ),
    "the tax that is owed": (
        ["update refunds set tax_amount = tax_amount + 1 where order_id = :order"],
        "the tax that is owed is that of the orders", "tax in usd of ",
    ),
    "an unbalanced movement": (
        ["update ledger_entries set amount = amount + 1 where account = 'processor'"],
        "every movement balances", "sum in usd of ",
    ),
    "an order that is gone": (
        ["delete from order_items where order_id = :order", "delete from orders where id = :order"],
        "every movement is of an order, refund, dispute or payment that exists", "should be what it names, is nothing",
    ),
    "a rule of the database": (
        ["alter table ledger_entries disable trigger ledger_entries_append_only"],
        "the ledger's rules are in force", "ledger_entries_append_only",
    ),
}  # fmt: skip


async def test_every_kind_of_difference_is_named(books, database):
    missed = {}
    for kind, (changes, check, said) in PLANTED.items():
        async with AsyncSession(database.engine) as session:
            await session.execute(text("set local session_replication_role = replica"))
            for change in changes:
                await session.execute(text(change), {name: books[name] for name in books if f":{name}" in change})
            report = await compare(session, None, lambda line: None)
            await session.rollback()
        found = report.differences.get(check)
        shown = "\n".join(found.lines()) if found else f"only {list(report.differences)}"
        if said.format(**books) not in shown or "  → " not in shown:
            missed[kind] = shown
    assert missed == {}
    assert (await audit(database, None)).differences == {}


def run(settings, *arguments):
    environment = {
        **os.environ, "ENVIRONMENT": "test", "DATABASE_URL": settings.database_url, "RABBITMQ_URL": "amqp://127.0.0.1:1/",
        "SECRET": settings.secret, "STRIPE_SECRET_KEY": "sk_test_none", "FILES_URL": settings.files_url,
    }  # fmt: skip
    command = [sys.executable, "-m", "billing.commands", "audit", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


async def test_the_command_answers_and_fails_on_a_difference(books, database, settings, organization_id):
    good = run(settings)
    assert (good.returncode, good.stdout.splitlines()[-1][:1]) == (0, "✓"), good.stdout + good.stderr
    await bend(database, "update payments set amount = amount + 1 where order_id = :order", order=books["order"])
    bad = run(settings, "--organization", str(organization_id))
    assert bad.returncode == 1
    assert f"payments of {books['order']} should be 11900, is 11901" in bad.stdout
    assert "the first difference is" in bad.stdout
    assert run(settings, "--organization", str(ids.uuid7())).returncode == 0
    assert run(settings, "--organization", "nonsense").returncode == 2
