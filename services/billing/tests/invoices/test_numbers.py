"""Invoice numbers have no gaps and no doubles, and nobody waits long for one: on the real database."""

import asyncio
import random

import pytest
from billing.customers.models import Customer
from billing.invoices.numbers import next_number, prefix_of
from servicekit import clock, ids
from sqlalchemy import select

AT_ONCE = 1_000


class GivenUp(Exception):
    """A transaction that falls back after it has taken its number."""


async def _customers(database, organization_id, count):
    async with database.transaction() as session:
        for number in range(count):
            session.add(
                Customer(
                    id=ids.uuid7(),
                    organization_id=organization_id,
                    created_at=clock.now(),
                    email=f"buyer-{number}@example.com",
                    user_metadata={},
                )
            )
    async with database.transaction() as session:
        return list((await session.execute(select(Customer.id))).scalars())


@pytest.mark.parametrize(("numbering", "buyers"), [("customer", 20), ("customer", 1), ("organization", 20)])
async def test_a_thousand_at_once_leave_no_gap_no_double_and_no_one_waiting(
    database, organization_id, numbering, buyers
):
    """A tenth of them falls back after taking a number, which the next one then takes. As many run at once as a service
    has connections; PostgreSQL itself refuses a wait for a lock that is longer than the service's own limit."""
    seller = {"slug": "acme-shop", "invoice_settings": {"numbering": numbering}}
    known = await _customers(database, organization_id, buyers)
    gate, draw = asyncio.Semaphore(20), random.Random(7)

    async def one(customer_id, falls_back):
        async with gate:
            try:
                async with database.transaction() as session:
                    statement = select(Customer).where(Customer.id == customer_id).with_for_update()
                    customer = (await session.execute(statement)).scalar_one()
                    number = await next_number(session, customer, seller)
                    await session.flush()
                    if falls_back:
                        raise GivenUp
            except GivenUp:
                return None
        return customer_id, number

    work = [one(draw.choice(known), draw.random() < 0.1) for _ in range(AT_ONCE)]
    taken = [number for number in await asyncio.gather(*work) if number is not None]
    assert len(taken) == len({number for _, number in taken}) > AT_ONCE * 0.8
    series = {}
    for customer_id, number in taken:
        series.setdefault(customer_id if numbering == "customer" else None, []).append(int(number.rpartition("-")[2]))
    for counted in series.values():
        assert sorted(counted) == list(range(1, len(counted) + 1))


@pytest.mark.parametrize(
    ("slug", "prefix"), [("acme-shop", "ACMESHOP"), ("müller", "MULLER"), ("", ""), (None, ""), ("a" * 40, "A" * 12)]
)
def test_numbers_begin_with_the_seller(slug, prefix):
    assert prefix_of({"slug": slug}) == prefix
