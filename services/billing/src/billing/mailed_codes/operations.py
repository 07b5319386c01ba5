"""Codes of withdrawals and links of cancellations: few for each resource, few for all that cost nothing."""

from datetime import timedelta
from uuid import UUID

from servicekit import clock, mailed_codes
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers.models import Customer
from billing.mailed_codes.models import MailedCode


async def issue(
    session: AsyncSession,
    customer: Customer,
    purpose: str,
    about: UUID,
    code_hash: bytes,
    lifetime: timedelta,
    *,
    is_free: bool,
) -> bool:
    """Keeps a new code for a resource of a customer. Returns False where none is mailed now.

    Anybody takes as much as they like of what is free with somebody's e-mail, and knows its numbers: it is counted
    together. Whoever asks again while a code is good has declared when they asked first.
    """
    values = {"organization_id": customer.organization_id, "requested_at": clock.now()}
    keys = [{"purpose": purpose, "about": about}]
    if is_free:
        keys.insert(0, {"purpose": f"free {purpose}", "about": customer.id})
    for key in keys:
        if not await mailed_codes.issue(
            session, MailedCode, key, code_hash, lifetime, keeping=("requested_at",), **values
        ):
            return False
    return True
