"""Login codes as the API takes them."""

from typing import Annotated
from uuid import UUID

from contracts.event import Instant
from pydantic import BaseModel, Field, StringConstraints
from servicekit.fields import Email
from servicekit.inputs import Input

Code = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^\d{6}$"), Field(examples=["482915"])]


class LoginCodeRequest(Input):
    """A customer of a seller who wants to be let in."""

    email: Email
    organization_id: UUID


class LoginCodeAuthenticate(LoginCodeRequest):
    """The same, with the code of the mail."""

    code: Code


class CustomerSessionToken(BaseModel):
    """A session of an hour."""

    token: str
    expires_at: Instant
