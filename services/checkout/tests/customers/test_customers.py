"""Whose purchase it is: the id of an e-mail's customer, while billing tells of that customer."""

import asyncio

import pytest
from checkout.customers.models import Customer, CustomerReservation
from checkout.customers.operations import id_of_email
from servicekit.testing import eventually
from servicekit.testing.harness import SECRET
from sqlalchemy import select, text

EMAIL = "ada@example.com"
WAITING = text("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")


@pytest.mark.parametrize(
    ("told", "is_the_buyer"),
    [
        ({"email": EMAIL.upper(), "is_deleted": False}, True),
        ({"email": EMAIL, "is_deleted": True}, False),
        ({"email": "grace@example.com", "is_deleted": False}, False),
    ],
    ids=["created", "deleted", "renamed"],
)
async def test_a_customer_is_told_of_between_the_two_looks(database, organization_id, told, is_the_buyer):
    async def asked():
        async with database.transaction() as session:
            return await id_of_email(session, organization_id, EMAIL, SECRET)

    async def is_waiting():
        async with database.transaction() as session:
            return (await session.execute(WAITING)).scalar_one() == 1

    promised = await asked()
    async with database.transaction() as session:
        await session.execute(select(CustomerReservation).with_for_update())
        second = asyncio.create_task(asked())
        await eventually(is_waiting, what="the second buyer behind the reservation")
        session.add(
            Customer(
                id=promised,
                organization_id=organization_id,
                sequence=1,
                checksum=None,
                data={},
                external_id=None,
                **told,
            )
        )
    assert (await second == promised) is is_the_buyer
