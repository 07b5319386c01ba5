"""Invoices and receipts as PDFs: from the order alone, made once, kept for whoever has a link, and for nobody else."""

import asyncio
import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from billing.documents import content, issue
from billing.documents.render import checksum, rendered
from billing.orders.models import Order
from contracts.billing import OrderUpdatedV1
from contracts.identity import InvoiceSettings, Organization, OrganizationCreatedV1
from servicekit import clock
from sqlalchemy import select

ADDRESS = {"country": "DE", "line1": "Unter den Linden 1", "postal_code": "10117", "city": "Berlin"}
VAT = {
    "amount": 463, "taxable_amount": 2437, "taxability_reason": "standard_rated", "rate": "19", "display_name": "VAT",
    "country": "DE", "state": None,
}  # fmt: skip


@pytest.fixture
async def sold(bus, purchased, organization_id):
    """Sells to a buyer with an address, by a seller that is known. Returns the order's path."""
    settings = InvoiceSettings(legal_name="Acme Software SAS", tax_id="FR40303265045", note="RCS Paris 303 265 045")
    data = Organization(
        id=organization_id, created_at=clock.now(), modified_at=None, name="Acme", slug="acme", avatar_url=None,
        email="billing@acme.example", website=None, country="FR", invoice_settings=settings,
    )  # fmt: skip
    await bus.deliver(OrganizationCreatedV1(subject=data.id, organization_id=data.id, time=data.created_at, data=data))

    async def sell(**changes):
        customer = {"billing_name": "Lovelace GmbH", "billing_address": ADDRESS, **changes.pop("customer", {})}
        fields = {
            "tax": 463, "amount": 2900, "net_amount": 2437, "total_amount": 2900, "tax_behavior": "inclusive",
            "tax_breakdown": [VAT], **changes,
        }  # fmt: skip
        event = purchased(customer=customer, **fields)
        if event.data.payment is not None:
            event.data.payment.amount = event.data.total_amount
        await bus.deliver(event)
        return f"/v1/orders/{event.data.order_id}"

    return sell


async def loaded(database, path):
    async with database.transaction() as session:
        return (await session.execute(select(Order).where(Order.id == UUID(path[-36:])))).scalar_one()


def local(url):
    """A link's path and query, for the client of the tests."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


async def test_an_invoice_is_made_on_demand_and_given_to_whoever_has_the_link(client, anonymous, sold, bus):
    order = await sold()
    assert (await client.get(f"{order}/invoice")).status_code == 404
    made = await client.post(f"{order}/invoice")
    assert (made.status_code, made.text) == (202, "null")
    assert (await client.get(order)).json()["is_invoice_generated"] is True
    url = (await client.get(f"{order}/invoice")).json()["url"]
    given = await anonymous.get(local(url))
    assert (given.status_code, given.headers["content-type"]) == (200, "application/pdf")
    assert given.content.startswith(b"%PDF-")
    assert "invoice-ACME-" in given.headers["content-disposition"]
    assert (await client.post(f"{order}/invoice")).status_code == 202
    assert (await anonymous.get(local((await client.get(f"{order}/invoice")).json()["url"]))).content == given.content
    told = [event.data.is_invoice_generated for event in await bus.recorded(OrderUpdatedV1)]
    assert told.count(True) == 1


async def test_an_unchanged_order_is_not_rendered_again_and_a_changed_one_is(client, anonymous, sold, monkeypatch):
    order, made = await sold(), []

    async def counted(document):
        made.append(document)
        return await rendered(document)

    monkeypatch.setattr(issue, "rendered", counted)
    for _ in range(3):
        assert (await client.post(f"{order}/invoice")).status_code == 202
    assert len(made) == 1
    before = (await anonymous.get(local((await client.get(f"{order}/invoice")).json()["url"]))).content
    await client.patch(order, json={"billing_name": "Lovelace & Töchter AG"})
    assert (await client.post(f"{order}/invoice")).status_code == 202
    after = (await anonymous.get(local((await client.get(f"{order}/invoice")).json()["url"]))).content
    assert len(made) == 2
    assert after != before
    assert made[1]["buyer"]["name"] == "Lovelace & Töchter AG"


async def test_ten_at_once_make_one_document(client, sold, database):
    order = await sold()
    answers = await asyncio.gather(*(client.post(f"{order}/invoice") for _ in range(10)))
    assert {answer.status_code for answer in answers} == {202}
    assert (await loaded(database, order)).invoice_checksum


async def test_the_seller_stays_as_it_was_when_the_first_document_was_made(client, sold, database, bus):
    order = await sold()
    await client.post(f"{order}/invoice")
    kept = (await loaded(database, order)).seller_data
    assert (kept["name"], kept["tax_id"], kept["country"]) == ("Acme Software SAS", "FR40303265045", "FR")


@pytest.mark.parametrize(
    ("customer", "field"),
    [({"billing_address": None}, "billing_address"), ({"billing_name": None, "name": None}, "billing_name")],
)
async def test_an_invoice_needs_a_name_and_an_address(client, sold, customer, field):
    order = await sold(customer=customer)
    answer = await client.post(f"{order}/invoice")
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", field])
    fixed = {"billing_name": "Ada", "billing_address": ADDRESS}
    await client.patch(order, json=fixed)
    assert (await client.post(f"{order}/invoice")).status_code == 202


@pytest.mark.parametrize("status", ["draft", "void"])
async def test_drafts_and_void_orders_have_none(client, sold, database, status):
    order = await sold()
    async with database.transaction() as session:
        row = (await session.execute(select(Order).where(Order.id == UUID(order[-36:])))).scalar_one()
        row.status = status
    answer = await client.post(f"{order}/invoice")
    assert (answer.status_code, answer.json()["error"]) == (409, "OrderNotInvoiceable")


async def test_links_end_and_are_for_one_document(client, anonymous, sold):
    order, other = await sold(), await sold(email="other@example.com")
    for path in (order, other):
        await client.post(f"{path}/invoice")
    url = local((await client.get(f"{order}/invoice")).json()["url"])
    assert (await anonymous.get(url.replace(order[-36:], other[-36:]))).status_code == 403
    assert (await anonymous.get(url.replace("/invoice/", "/receipt/"))).status_code == 403
    assert (await anonymous.get(url[:-1] + ("0" if url[-1] != "0" else "1"))).status_code == 403
    clock.move(timedelta(minutes=11))
    assert (await anonymous.get(url)).status_code == 403


async def test_nobody_else_reaches_a_document(client, stranger, anonymous, sold):
    order = await sold()
    await client.post(f"{order}/invoice")
    for path in (f"{order}/invoice", f"{order}/receipt"):
        assert (await stranger.get(path)).status_code == 404
        assert (await anonymous.get(path)).status_code == 401
    assert (await stranger.post(f"{order}/invoice")).status_code == 404


async def test_a_receipt_is_made_when_it_is_asked_for_and_again_after_a_refund(client, anonymous, sold, database):
    order = await sold()
    first = (await anonymous.get(local((await client.get(f"{order}/receipt")).json()["url"]))).content
    assert (await anonymous.get(local((await client.get(f"{order}/receipt")).json()["url"]))).content == first
    async with database.transaction() as session:
        row = (await session.execute(select(Order).where(Order.id == UUID(order[-36:])))).scalar_one()
        row.refund(1000, 190, clock.now())
    refunded = (await anonymous.get(local((await client.get(f"{order}/receipt")).json()["url"]))).content
    assert refunded != first


async def test_before_it_is_paid_there_is_no_receipt(client, sold, database):
    order = await sold(off=2900, tax=0, net_amount=0, total_amount=0, tax_behavior=None, tax_breakdown=None)
    assert (await client.get(f"{order}/receipt")).status_code == 404


DOCUMENT = {
    "title": "Invoice", "number": "ACME-1", "buyer_label": "Bill to",
    "seller": {"name": "Acme", "lines": ["FR"]},
    "buyer": {"name": "#evil[*x*] $y$ <a> \\ \" 株式会社", "lines": ["@x"]},
    "facts": [["Invoice number", "ACME-1"]],
    "items": [{"label": "= Heading `raw` // comment", "note": None, "tax": "0", "amount": "1"}],
    "taxes": [], "notes": ["*not bold*"], "payments": [],
    "totals": [{"label": "Total", "amount": "1", "strong": True}],
}  # fmt: skip


def test_the_same_data_gives_the_same_bytes_in_another_process_and_elsewhere():
    here = hashlib.sha256(asyncio.run(rendered(DOCUMENT))).hexdigest()
    program = (
        "import asyncio, hashlib, json, sys; from billing.documents.render import rendered; "
        "print(hashlib.sha256(asyncio.run(rendered(json.load(sys.stdin)))).hexdigest())"
    )
    environment = {"PATH": "/usr/bin:/bin", "TZ": "Pacific/Auckland", "LANG": "C", "HOME": "/nonexistent"}
    there = subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(DOCUMENT), env=environment, capture_output=True, text=True,
        check=True, cwd=Path("/"),
    )  # fmt: skip
    assert there.stdout.strip() == here
    assert checksum(DOCUMENT) != checksum({**DOCUMENT, "number": "ACME-2"})


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (123456, "eur", "1,234.56 EUR"), (-5, "usd", "−0.05 USD"), (1234, "jpy", "1,234 JPY"), (0, "krw", "0 KRW"),
        (1234567, "kwd", "1,234.567 KWD"), (1, "bhd", "0.001 BHD"), (99_999_999, "usd", "999,999.99 USD"),
        (20050, "ugx", "200.50 UGX"), (12400, "isk", "124.00 ISK"), (-17500, "huf", "−175.00 HUF"),
    ],
)  # fmt: skip
def test_amounts_have_the_decimals_of_their_currency(amount, currency, shown):
    assert content.money(amount, currency) == shown


@pytest.mark.parametrize(
    ("country", "sentence"), [("DE", "Article 196 of Council Directive 2006/112/EC"), ("AU", "recipient of the supply")]
)
async def test_a_reverse_charge_says_so(client, sold, database, country, sentence):
    item = {**VAT, "amount": 0, "taxable_amount": 2900, "taxability_reason": "reverse_charge", "rate": None}
    order = await sold(
        tax=0, net_amount=2900, tax_behavior="exclusive", tax_breakdown=[{**item, "country": country}],
        customer={"tax_id": "DE136695976", "tax_id_format": "eu_vat"},
    )  # fmt: skip
    shape = (await client.get(order, headers={"Polar-Version": "2026-10"})).json()
    assert shape["tax_id"] == ["DE136695976", "eu_vat"]
    made = await document_of(database, order)
    assert any(sentence in note for note in made["notes"])
    assert "Tax ID: DE136695976" in made["buyer"]["lines"]
    assert made["taxes"][0]["rate"] == "reverse charge"


async def document_of(database, path):
    """The data of an order's invoice."""
    from billing.orders import queries

    async with database.transaction() as session:
        order = (await session.execute(select(Order).where(Order.id == UUID(path[-36:])))).scalar_one()
        (shape,) = await queries.shapes(session, [order])
        return content.invoice(shape, content.seller_of({"name": "Acme", "country": "FR"}))


async def test_an_invoice_s_rows_add_up(sold, database):
    made = await document_of(database, await sold())
    rows = {row["label"]: row["amount"] for row in made["totals"]}
    assert rows == {
        "Subtotal": "29.00 USD", "Total": "29.00 USD", "Net amount": "24.37 USD", "Tax included": "4.63 USD",
        "Amount due": "0.00 USD",
    }  # fmt: skip
    assert made["taxes"] == [{"name": "VAT DE", "rate": "19 %", "taxable": "24.37 USD", "amount": "4.63 USD"}]
    assert "Prices include tax." in made["notes"]


@pytest.mark.parametrize(
    ("balance", "status", "shown"),
    [
        (-1355, "paid", {"Applied balance": "−13.55 USD", "Paid by card": "16.45 USD", "Amount due": "0.00 USD"}),
        (-1355, "refunded", {"Applied balance": "−13.55 USD", "Paid by card": "16.45 USD", "Amount due": "0.00 USD"}),
        (-1355, "pending", {"Applied balance": "−13.55 USD", "Amount due": "16.45 USD"}),
        (-3000, "paid", {"Applied balance": "−30.00 USD", "Amount due": "0.00 USD"}),
        (400, "paid", {"Applied balance": "4.00 USD", "Paid by card": "34.00 USD", "Amount due": "0.00 USD"}),
    ],
)
async def test_documents_show_what_the_balance_paid_and_what_the_card_paid(sold, database, balance, status, shown):
    order = await sold(
        amount=3000, tax=0, net_amount=3000, total_amount=3000, tax_behavior="exclusive", tax_breakdown=None
    )
    async with database.transaction() as session:
        row = (await session.execute(select(Order).where(Order.id == UUID(order[-36:])))).scalar_one()
        row.status, row.applied_balance_amount = status, balance
    made = await document_of(database, order)
    rows = {row["label"]: row["amount"] for row in made["totals"]}
    expected = {"Subtotal": "30.00 USD", "Tax": "0.00 USD", "Total": "30.00 USD", **shown}
    assert list(rows.items()) == list(expected.items())


def test_days_are_those_of_utc():
    assert content._day(datetime(2026, 2, 28, 23, 59, tzinfo=UTC)) == "28 February 2026"
