"""Customer sessions as the API shows and takes them."""

from typing import Annotated
from uuid import UUID

from contracts import billing as contracts
from contracts.event import Instant
from pydantic import BaseModel, Field, StringConstraints, model_validator
from servicekit.inputs import Input

Url = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2083, pattern=r"^https?://[^\s]+$")]
ExternalId = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class CustomerSessionCreate(Input):
    """For whom: the customer's id, or the merchant's own id of the customer."""

    customer_id: UUID | None = None
    external_customer_id: ExternalId | None = None
    customer_external_id: ExternalId | None = Field(
        default=None, deprecated=True, description="The name of `external_customer_id` in early clients."
    )
    return_url: Url | None = None

    @model_validator(mode="after")
    def _names_one(self) -> "CustomerSessionCreate":
        if self.external_customer_id is None:
            self.external_customer_id = self.__dict__["customer_external_id"]
        if (self.customer_id is None) == (self.external_customer_id is None):
            raise ValueError("either customer_id or external_customer_id is required")
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


class CustomerCustomerSession(BaseModel):
    """A session as its customer sees it."""

    expires_at: Instant
    return_url: str | None


class PortalAuthenticatedUser(BaseModel):
    """Who is in the portal."""

    type: str
    name: str | None
    email: str
    customer_id: UUID
    member_id: UUID | None = None
    role: str | None = None
