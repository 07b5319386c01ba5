"""Login codes as the API takes them."""

from typing import Annotated
from uuid import UUID

from contracts.event import Instant
from pydantic import BaseModel, Field, StringConstraints
from servicekit.fields import Email
from servicekit.inputs import Input

Code = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^\d{6}$"), Field(examples=["482915"])]


class LoginCodeRequest(Input):
    """A customer, or a member of a team, who wants to be let in: at one seller, or at whichever knows the address."""

    email: Email
    organization_id: UUID | None = None


class LoginCodeAuthenticate(LoginCodeRequest):
    """The same, with the code of the mail."""

    code: Code
    customer_id: UUID | None = None
    """Which of the choices, where the address has several."""


class CustomerSelectionOrganization(BaseModel):
    """The seller of a choice."""

    id: UUID
    name: str
    slug: str


class CustomerSelectionOption(BaseModel):
    """One of the customers that an address opens; `role` is that of the address in a team."""

    id: UUID
    name: str | None
    role: str | None
    organization: CustomerSelectionOrganization


class CustomerSessionToken(BaseModel):
    """A session of an hour."""

    token: str
    expires_at: Instant
