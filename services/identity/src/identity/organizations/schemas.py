"""Organizations as the API shows and takes them."""

from typing import Annotated

from contracts import identity as contracts
from pydantic import BaseModel, StringConstraints

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]


class OrganizationRead(contracts.Organization):
    """An organization."""


class OrganizationUpdate(BaseModel):
    """What may be changed; what is absent stays."""

    name: Name | None = None
    email: Annotated[str, StringConstraints(max_length=254)] | None = None
    website: Annotated[str, StringConstraints(max_length=2083)] | None = None
    avatar_url: Annotated[str, StringConstraints(max_length=2083)] | None = None
