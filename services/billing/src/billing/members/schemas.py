"""Members as the API shows and takes them."""

from typing import Literal
from uuid import UUID

from contracts import billing as contracts
from contracts.event import Instant
from pydantic import BaseModel, ConfigDict
from servicekit.fields import Email, Line
from servicekit.inputs import Input

from billing.customers.schemas import ExternalId

Role = Literal["owner", "billing_manager", "member"]


class MemberCreate(Input):
    """A new member of a team; its owner is there already."""

    email: Email
    name: Line | None = None
    external_id: ExternalId | None = None
    role: Literal["billing_manager", "member"] = "member"


class MemberUpdate(Input):
    """What may change; what is absent stays. Who is made owner takes over, and the former owner manages the bills."""

    name: Line | None = None
    email: Email | None = None
    role: Role | None = None


class MemberRead(contracts.Member):
    """A member."""


class CustomerPortalMemberCreate(Input):
    """A new member, by the team itself."""

    email: Email
    name: Line | None = None
    role: Literal["billing_manager", "member"] = "member"


class CustomerPortalMemberUpdate(Input):
    """What a team changes of its members; what is absent stays."""

    name: Line | None = None
    role: Role | None = None


class CustomerPortalMember(BaseModel):
    """A member as their team sees them."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    email: str
    name: str | None
    role: str
