"""The e-mail of each purchase, for billing's list of what belongs to somebody else."""

from checkout.commands import buyers
from contracts.billing import CustomerCreatedV1

from services.checkout.tests.support import confirmed, customer_created, opened


async def test_each_purchase_of_an_unnamed_customer_has_its_address(
    client, sell, bus, sandbox, database, organization_id
):
    product = await sell(interval=None)
    event = customer_created(organization_id, organization_id, email="named@example.com")
    assert isinstance(event, CustomerCreatedV1)
    await bus.deliver(event)
    bought = await opened(client, product, customer_email="Ada@Example.com")
    named = await opened(client, product, customer_email=None, customer_id=str(organization_id))
    await opened(client, product)
    for checkout in (bought, named):
        assert (await confirmed(client, checkout)).status_code == 200
    found = [one async for one in buyers(database.transaction)]
    assert found == [{"checkout_id": bought["id"], "email": "Ada@Example.com"}]
