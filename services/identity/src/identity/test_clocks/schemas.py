"""Test clocks as the API shows and takes them."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from contracts.event import Instant
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from servicekit.inputs import Input

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]


class TestClockCreate(Input):
    """A clock that stands at `frozen_time`."""

    __test__: ClassVar[bool] = False
    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "Renewals", "frozen_time": "2027-01-31T09:00:00Z"}}
    )

    name: Name = "Test clock"
    frozen_time: AwareDatetime
    organization_id: UUID | None = None


class TestClockAdvance(Input):
    """Where the clock goes: later than it stands, and at most two years."""

    __test__: ClassVar[bool] = False
    model_config = ConfigDict(json_schema_extra={"example": {"frozen_time": "2027-03-01T09:00:00Z"}})

    frozen_time: AwareDatetime


class TestClockRead(BaseModel):
    """A clock. `ready`: everything that was due up to `frozen_time` has settled in every service."""

    __test__: ClassVar[bool] = False

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    organization_id: UUID
    name: str
    frozen_time: Instant
    present_time: Instant
    """Where it stands; on its way it stops at every instant at which something is due."""
    status: Literal["ready", "advancing"]
    waiting_for: list[str] = Field(default_factory=list)
    """While it advances: the services that have not answered, and what others have still to handle."""
