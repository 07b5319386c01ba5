"""Connecting accounts, as the API shows and takes it."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints
from servicekit.inputs import Input

Platform = Literal["github", "discord"]


class OAuthAccountAuthorize(Input):
    """Where an account is to be connected, and where the browser goes then: a path, or a page of an allowed origin."""

    platform: Platform
    return_to: Annotated[str, StringConstraints(max_length=2000)] = "/"


class OAuthAccountAuthorization(BaseModel):
    """The page of the other system to which the customer is sent; good for some minutes, once."""

    url: str


class OAuthAccountRead(BaseModel):
    """An account that the customer connected."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    created_at: datetime
    modified_at: datetime | None
    platform: Platform
    account_id: str
    username: str
