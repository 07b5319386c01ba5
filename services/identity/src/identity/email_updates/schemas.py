"""Changes of e-mail addresses as the API takes them."""

from typing import Annotated

from pydantic import BaseModel, StringConstraints
from servicekit.fields import Email
from servicekit.inputs import Input

Token = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]


class CustomerEmailUpdateRequest(Input):
    """The address that the customer wants."""

    email: Email


class CustomerEmailUpdateVerifyRequest(Input):
    """The token of the mailed link."""

    token: Token


class CustomerEmailUpdateVerifyResponse(BaseModel):
    """A new session: those that were open ended with the old address."""

    token: str
