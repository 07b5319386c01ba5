"""What is heard about customers: addresses that they have proven at identity."""

from contracts.identity import CustomerEmailVerifiedV1
from servicekit.consumers import Consumers
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers import operations
from billing.members import operations as members

consumers = Consumers("billing.customers")


@consumers.on(CustomerEmailVerifiedV1)
async def update_email(event: CustomerEmailVerifiedV1, session: AsyncSession) -> None:
    """Gives the customer the new address, and the member of a team who had the old one."""
    customer = await operations.verify_email(session, event.data)
    if customer is not None:
        await members.follow_email(session, customer, event.data.old_email)
