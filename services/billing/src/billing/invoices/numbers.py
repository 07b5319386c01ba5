"""Invoice numbers without gaps: a number is taken in the transaction that writes its order, and falls back with it.

They count for each customer (`ACME-K3F9Q2ZX-0001`), so that no two customers wait for each other, or for the whole
organization (`ACME-0001`) where it says so (Polar's rule).
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers.models import Customer
from billing.invoices.models import InvoiceCounter

PREFIX_LENGTH = 12


async def next_number(session: AsyncSession, customer: Customer, seller: Mapping[str, Any]) -> str:
    """The next number for a customer, whom the caller has locked. `seller` is the organization's public shape."""
    prefix = prefix_of(seller)
    if (seller.get("invoice_settings") or {}).get("numbering") != "organization":
        customer.invoices_count += 1
        own = f"{prefix}-{customer.invoice_prefix}" if prefix else customer.invoice_prefix
        return f"{own}-{customer.invoices_count:04d}"
    taken = (
        insert(InvoiceCounter)
        .values(organization_id=customer.organization_id, prefix=prefix or "INV", count=1)
        .on_conflict_do_update(
            index_elements=[InvoiceCounter.organization_id], set_={"count": InvoiceCounter.count + 1}
        )
        .returning(InvoiceCounter.prefix, InvoiceCounter.count)
    )
    row = (await session.execute(taken)).one()
    return f"{row.prefix}-{row.count:04d}"


def prefix_of(seller: Mapping[str, Any]) -> str:
    """What begins the numbers of a seller: its slug in capitals, without what is neither letter nor digit."""
    plain = unicodedata.normalize("NFKD", str(seller.get("slug") or "")).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Z0-9]", "", plain.upper())[:PREFIX_LENGTH]
