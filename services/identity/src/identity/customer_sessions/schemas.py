"""Customer sessions as the API shows and takes them."""

from typing import Annotated
from uuid import UUID

from contracts import billing as contracts
from contracts.event import Instant
from pydantic import BaseModel, Field, StringConstraints, model_validator
from servicekit.inputs import Input, ensure_one_form

Url = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2083, pattern=r"^https?://[^\s]+$")]
ExternalId = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class CustomerSessionCreate(Input):
    """For whom: the customer's id, or the merchant's own id of the customer.

    With a member of the customer's team, the session has the rights of that member's role.
    """

    customer_id: UUID | None = None
    external_customer_id: ExternalId | None = None
    customer_external_id: ExternalId | None = Field(
        default=None, deprecated=True, description="The name of `external_customer_id` in early clients."
    )
    member_id: UUID | None = None
    external_member_id: ExternalId | None = None
    return_url: Url | None = None

    @model_validator(mode="after")
    def _names_one(self) -> "CustomerSessionCreate":
        early = self.__dict__["customer_external_id"]
        if self.external_customer_id not in (None, early):
            ensure_one_form(self, "external_customer_id", "customer_external_id")
        self.external_customer_id = self.external_customer_id or early
        if (self.customer_id is None) == (self.external_customer_id is None):
            raise ValueError("either customer_id or external_customer_id is required")
        if self.member_id is not None and self.external_member_id is not None:
            raise ValueError("only one of member_id and external_member_id can be given")
        return self


class CustomerSessionRead(BaseModel):
    """A new session with its token, which is shown this once."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    token: str
    expires_at: Instant
    return_url: str | None
    customer_portal_url: str
    customer_id: UUID
    customer: contracts.Customer
    member_id: UUID | None = None
    """Of a session with the rights of a member of the team."""


class CustomerCustomerSession(BaseModel):
    """A session as its customer sees it."""

    expires_at: Instant
    return_url: str | None


class PortalAuthenticatedUser(BaseModel):
    """Who is in the portal: a customer (`customer`), or a member of a customer that is a team (`member`)."""

    type: str
    name: str | None
    email: str
    customer_id: UUID
    member_id: UUID | None = None
    role: str | None = None
    """`owner`, `billing_manager` or `member`; null for a customer, who may do whatever an owner may."""
    organization_id: UUID
    """The seller whose portal it is."""
