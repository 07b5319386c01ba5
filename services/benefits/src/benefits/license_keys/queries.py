"""Finding license keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from contracts.billing import Customer as CustomerShape
from servicekit import clocks
from servicekit.auth import Principal, owned_by
from servicekit.lists import Page, Sorting, fetch_page
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.customers.models import Customer
from benefits.license_keys.models import LicenseKey, LicenseKeyActivation

COLUMNS: dict[str, Any] = {"created_at": LicenseKey.created_at, "last_validated_at": LicenseKey.last_validated_at}
HIDDEN: Mapping[str, Any] = {
    "modified_at": None, "metadata": {}, "external_id": None, "name": None, "billing_name": None,
    "billing_address": None, "tax_id": None, "locale": None, "first_user_event_at": None,
    "default_payment_method_id": None,
}  # fmt: skip
"""What of its customer is not shown to whoever has a key and no token.

Anybody may buy with somebody's e-mail, and then holds a key of theirs: it tells nothing that was not typed with it.
"""


@dataclass(frozen=True)
class LicenseKeyFilter:
    """What a list of license keys is narrowed to."""

    organization_id: Sequence[UUID] | None = None
    benefit_id: Sequence[UUID] | None = None
    customer_id: Sequence[UUID] | None = None
    status: Sequence[str] | None = None


async def list_keys(
    session: AsyncSession, principal: Principal, wanted: LicenseKeyFilter, page: Page, sorting: Sorting
) -> tuple[list[dict[str, Any]], int]:
    """A page of the caller's license keys, as fields."""
    statement = select(LicenseKey).where(owned_by(principal, LicenseKey))
    for name, values in vars(wanted).items():
        if values is not None:
            statement = statement.where(getattr(LicenseKey, name).in_(values))
    found, total = await fetch_page(session, statement, page, sorting.clauses(COLUMNS, LicenseKey.id))
    holders = select(Customer).where(Customer.id.in_({key.customer_id for key in found}))
    customers = {customer.id: customer for customer in (await session.execute(holders)).scalars()}
    return [_fields(key, customers[key.customer_id]) for key in found], total


async def find(session: AsyncSession, principal: Principal, id: UUID, *, lock: bool = False) -> LicenseKey | None:
    """A license key of the caller."""
    statement = select(LicenseKey).where(owned_by(principal, LicenseKey), LicenseKey.id == id)
    if lock:
        statement = statement.with_for_update()
    return (await session.execute(statement)).scalar_one_or_none()


async def by_key(session: AsyncSession, organization_id: UUID, key: str) -> LicenseKey | None:
    """A license key by what is written on it, locked; who asks comes without a token and stands at its test clock."""
    statement = select(LicenseKey, clocks.instant_at(LicenseKey.organization_id)).where(
        LicenseKey.organization_id == organization_id, LicenseKey.key == key
    )
    row = (await session.execute(statement.with_for_update(of=LicenseKey))).one_or_none()
    if row is None:
        return None
    clocks.stand(organization_id, row.instant)
    return cast(LicenseKey, row.LicenseKey)


async def activation(session: AsyncSession, key: LicenseKey, id: UUID) -> LicenseKeyActivation | None:
    """A live activation of a key."""
    statement = select(LicenseKeyActivation).where(
        LicenseKeyActivation.id == id,
        LicenseKeyActivation.license_key_id == key.id,
        LicenseKeyActivation.deactivated_at.is_(None),
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def activations(session: AsyncSession, key: LicenseKey) -> list[LicenseKeyActivation]:
    """The live activations of a key, the oldest first."""
    statement = select(LicenseKeyActivation).where(
        LicenseKeyActivation.license_key_id == key.id, LicenseKeyActivation.deactivated_at.is_(None)
    )
    return list((await session.execute(statement.order_by(LicenseKeyActivation.id))).scalars())


async def fields(session: AsyncSession, key: LicenseKey) -> dict[str, Any]:
    """What is shown of a key, its customer included."""
    return _fields(key, await session.get_one(Customer, key.customer_id))


def _fields(key: LicenseKey, customer: Customer) -> dict[str, Any]:
    shown = {name: getattr(key, name) for name in (*LicenseKey.__table__.columns.keys(), "display_key")}
    shown["customer"] = CustomerShape.model_validate(customer.data, extra="ignore", context={"tolerant": True})
    return shown
