"""A customer who wants to be let in, and their mailbox."""

import email
import email.policy
from uuid import UUID

import pytest
from contracts.billing import Customer, CustomerCreatedV1
from identity.commands import create_organization
from servicekit import clock, ids, mail


@pytest.fixture
async def ada(settings, database, bus):
    """A customer of an organization that exists: the body that asks for a code."""
    made = await create_organization(settings, "Acme", "acme", frozenset({"orders:read"}))
    organization_id = UUID(made["organization_id"])
    data = Customer(
        id=ids.uuid7(), created_at=clock.now(), modified_at=None, metadata={}, external_id=None,
        email="Ada@Example.com", email_verified=False, type="individual", name="Ada", billing_name=None,
        billing_address=None, tax_id=None, locale=None, organization_id=organization_id, deleted_at=None,
        first_user_event_at=None, avatar_url=None, default_payment_method_id=None,
    )  # fmt: skip
    told = CustomerCreatedV1(subject=data.id, organization_id=organization_id, time=clock.now(), sequence=1, data=data)
    await bus.deliver(told)
    return {"email": "ada@example.com", "organization_id": str(organization_id)}


@pytest.fixture
def mailed(database, tmp_path):
    """Sends what is due into a folder, and reads the mails there, the oldest first."""

    async def mailed():
        await mail.send_mails(mail.sender(f"file://{tmp_path}"), "portal@acme.example")(database.transaction)
        found = [path.read_bytes() for path in sorted(tmp_path.glob("*.eml"))]
        return [email.message_from_bytes(one, policy=email.policy.default) for one in found]

    return mailed
