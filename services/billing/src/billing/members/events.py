"""What is said about members."""

from datetime import datetime
from typing import TypeVar

from contracts import billing as contracts
from contracts.event import Event

from billing.members.models import Member

Told = TypeVar("Told", bound=Event[contracts.Member])


def shape(member: Member) -> contracts.Member:
    """The public shape of a member."""
    return contracts.Member(
        id=member.id,
        created_at=member.created_at,
        modified_at=member.modified_at,
        organization_id=member.organization_id,
        customer_id=member.customer_id,
        email=member.email,
        name=member.name,
        external_id=member.external_id,
        role=member.role,
    )


def told(contract: type[Told], member: Member, at: datetime) -> Told:
    """One of the events about a member, with their shape after the change."""
    return contract(subject=member.id, organization_id=member.organization_id, time=at, data=shape(member))
