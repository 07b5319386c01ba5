"""A proven address becomes the customer's, unless another customer came first; and what else they change themselves."""

import pytest
from contracts.billing import CustomerUpdatedV1
from contracts.identity import CustomerEmailVerifiedV1, EmailUpdate
from servicekit import clock, ids
from servicekit.testing import signed_headers

ME = "/v1/customer-portal/customers/me"


@pytest.fixture
async def ada(client):
    return (await client.post("/v1/customers/", json={"email": "ada@example.com"})).json()


@pytest.fixture
def proven(bus, organization_id):
    """Identity tells that a customer has proven an address."""

    async def tell(customer_id, old, new, owner=None, checkout_id=None):
        owner = owner or organization_id
        data = EmailUpdate(
            organization_id=owner, customer_id=customer_id, old_email=old, email=new, checkout_id=checkout_id
        )
        event = CustomerEmailVerifiedV1(subject=data.customer_id, organization_id=owner, time=clock.now(), data=data)
        await bus.deliver(event)

    return tell


async def address_of(client, customer):
    found = (await client.get(f"/v1/customers/{customer['id']}")).json()
    return found["email"], found["email_verified"]


async def test_the_address_is_taken_over(client, ada, proven, bus):
    await proven(ada["id"], "ADA@example.com", "Lovelace@example.com")
    assert await address_of(client, ada) == ("Lovelace@example.com", True)
    (told,) = await bus.recorded(CustomerUpdatedV1)
    assert told.data.email == "Lovelace@example.com"
    await proven(ada["id"], "ada@example.com", "late@example.com")
    assert await address_of(client, ada) == ("Lovelace@example.com", True)


async def test_who_came_first_keeps_it(client, ada, proven, bus):
    assert (await client.post("/v1/customers/", json={"email": "bob@example.com"})).status_code == 201
    await proven(ada["id"], "ada@example.com", "BOB@example.com")
    assert await address_of(client, ada) == ("ada@example.com", False)
    assert await bus.recorded(CustomerUpdatedV1) == []


async def test_who_had_not_proven_the_old_address_takes_only_their_own_purchase_along(client, bus, purchased, proven):
    """A stranger bought with Ada's address and asked for another one; Ada's purchase was quicker."""
    stranger, ada = purchased(email="ada@example.com"), purchased(email="ada@example.com")
    await bus.deliver(stranger, ada)
    (order, _) = (await client.get("/v1/orders/", params={"limit": 2})).json()["items"]
    customer = {"id": order["customer_id"]}
    await proven(customer["id"], "ada@example.com", "eve@example.com", checkout_id=stranger.data.checkout_id)
    assert await address_of(client, customer) == ("ada@example.com", False)
    alone = purchased(email="typo@example.com")
    await bus.deliver(alone)
    (order, *_) = (await client.get("/v1/orders/", params={"checkout_id": str(alone.data.checkout_id)})).json()["items"]
    customer = {"id": order["customer_id"]}
    await proven(customer["id"], "typo@example.com", "bob@example.com", checkout_id=alone.data.checkout_id)
    assert await address_of(client, customer) == ("bob@example.com", True)


async def test_another_organization_changes_nobody(client, ada, proven):
    await proven(ada["id"], "ada@example.com", "eve@example.com", ids.uuid7())
    assert await address_of(client, ada) == ("ada@example.com", False)


async def test_a_deleted_customer_stays_so(client, ada, proven, bus):
    assert (await client.delete(f"/v1/customers/{ada['id']}")).status_code == 204
    await proven(ada["id"], "ada@example.com", "new@example.com")
    assert await bus.recorded(CustomerUpdatedV1) == []


async def test_customers_change_their_name_and_language(client, ada, organization_id, bus):
    own = signed_headers(organization_id, "customer_portal:write", customer_id=ada["id"])
    answer = await client.patch(ME, headers=own, json={"name": "Ada", "locale": "de"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["name"], answer.json()["locale"]) == ("Ada", "de")
    assert (await bus.recorded(CustomerUpdatedV1))[-1].data.locale == "de"
    assert (await client.patch(ME, headers=own, json={"email": "x@example.com"})).status_code == 422
    assert (await client.patch(ME, headers=own, json={"locale": None})).json()["locale"] is None
