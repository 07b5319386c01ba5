"""Connections as the API shows and takes them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from servicekit.inputs import Input

Platform = Literal["github", "discord"]


class BenefitConnectionAuthorize(Input):
    """What is to be connected, and where the browser goes then: a path, or a page of an allowed origin."""

    platform: Platform
    account: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9-]{1,39}$")] | None = Field(
        default=None,
        description="The login of the GitHub user or organization that has the App installed, or the id of the Discord "
        "server. It is needed when the person administers several installations.",
    )
    return_to: Annotated[str, StringConstraints(max_length=2000)] = "/"
    organization_id: UUID | None = None


class BenefitConnectionAuthorization(BaseModel):
    """The page on which a person who administers the installation or the server connects it; good for ten minutes,
    once."""

    url: str


class BenefitConnectionRead(BaseModel):
    """A GitHub App installation or a Discord server that the organization connected."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    created_at: datetime
    modified_at: datetime | None
    organization_id: UUID
    platform: Platform
    external_id: str = Field(description="GitHub's id of the installation, or Discord's id of the server.")
    name: str = Field(description="The GitHub account's login or the server's name, as of the last connect.")
    connected_by: str | None = Field(description="The account that connected it; null for the suite's operator.")
