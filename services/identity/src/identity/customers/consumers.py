"""What is heard about customers."""

from collections.abc import Sequence
from uuid import UUID

from contracts.billing import CustomerCreatedV1, CustomerDeletedV1, CustomerUpdatedV1
from servicekit.consumers import Consumers
from servicekit.database import project_all
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.customer_sessions.models import CustomerSession
from identity.customers.models import Customer

consumers = Consumers("identity.customers")


@consumers.on(CustomerCreatedV1, CustomerUpdatedV1, CustomerDeletedV1, together=True)
async def keep_customers(
    events: Sequence[CustomerCreatedV1 | CustomerUpdatedV1 | CustomerDeletedV1], session: AsyncSession
) -> None:
    """Keeps the customers as they are now. Whose address changed is let in again by a code to the new one,
    or stays in with a session that its proof opened."""
    rows = [
        {
            "organization_id": event.organization_id,
            "external_id": event.data.external_id,
            "is_deleted": event.data.deleted_at is not None,
            "data": event.data.model_dump(mode="json"),
        }
        for event in events
    ]
    changed = await _with_another_address(session, events)
    await project_all(session, Customer, list(zip(events, rows, strict=True)))
    for customer_id, email in changed.items():
        proven = func.coalesce(func.lower(CustomerSession.email) == (email or "").lower(), False)
        over = delete(CustomerSession).where(CustomerSession.customer_id == customer_id, ~proven)
        await session.execute(over)


async def _with_another_address(
    session: AsyncSession, events: Sequence[CustomerCreatedV1 | CustomerUpdatedV1 | CustomerDeletedV1]
) -> dict[UUID, str | None]:
    """Which of the customers are known here with an older event and another e-mail address; with the new one."""
    latest = {event.subject: event for event in sorted(events, key=lambda event: event.sequence)}
    known = select(Customer.id, Customer.sequence, Customer.data["email"].astext.label("email"))
    rows = await session.execute(known.where(Customer.id.in_(latest)))
    return {
        row.id: latest[row.id].data.email
        for row in rows
        if row.email is not None
        and row.sequence < latest[row.id].sequence
        and row.email.lower() != (latest[row.id].data.email or "").lower()
    }
