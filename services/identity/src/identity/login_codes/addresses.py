"""Whose an e-mail address is: customers, and members of teams. One who proves it is let in as one of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.customers.models import Customer
from identity.members.models import Member
from identity.organizations.models import Organization

MOST = 50
"""So many choices at most: an address may be known to any number of sellers."""


@dataclass(frozen=True)
class Account:
    """What an address opens: a customer's portal, with the rights of a member where it is a member's address."""

    customer: Customer
    organization: Organization
    member: Member | None = None


async def accounts_of(session: AsyncSession, email: str, organization_id: UUID | None) -> list[Account]:
    """What an address opens at an organization, or at every one, in the order of their names.

    Its own customers come first: any team can add an address as a member's. In a team where the address is a member's,
    that member's role counts, even if the team itself has the address.
    """
    known = (
        select(Customer, Organization)
        .join(Organization, Organization.id == Customer.organization_id)
        .where(~Customer.is_deleted)
    )
    if organization_id is not None:
        known = known.where(Customer.organization_id == organization_id)
    same = func.lower(email)
    own = known.where(func.lower(Customer.data["email"].astext) == same).limit(MOST)
    teams = (
        known.join(Member, Member.customer_id == Customer.id)
        .add_columns(Member)
        .where(func.lower(Member.email) == same, ~Member.is_deleted)
        .limit(MOST)
    )
    found = {row.Customer.id: Account(row.Customer, row.Organization) for row in await session.execute(own)}
    for row in await session.execute(teams):
        found[row.Customer.id] = Account(row.Customer, row.Organization, row.Member)
    return sorted(found.values(), key=_place)[:MOST]


def code_owner(accounts: Sequence[Account], email: str, organization_id: UUID | None) -> UUID:
    """Whose row of codes it is: the one customer's, or the address's, at the organization or at every one.

    Earlier releases know codes of customers only, and check those of this one beside it.
    """
    if organization_id is not None and len(accounts) == 1 and accounts[0].member is None:
        return accounts[0].customer.id
    return uuid5(NAMESPACE_URL, f"/identity/login-codes/{organization_id or ''}/{email.lower()}")


def _place(account: Account) -> tuple[bool, str, str, str]:
    name = account.customer.data.get("name") or ""
    return account.member is not None, account.organization.name.casefold(), name, str(account.customer.id)
