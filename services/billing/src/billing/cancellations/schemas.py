"""Cancellations as the API takes and shows them."""

from typing import Annotated, Literal
from uuid import UUID

from contracts.event import Instant
from pydantic import BaseModel, Field, StringConstraints
from servicekit.fields import Email, Line
from servicekit.inputs import Input

ContractNumber = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$"),
    Field(examples=["ACME-7KQ2M4XZ-0001"]),
]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000, pattern=r"^[^\x00]*$")]
Token = Annotated[str, StringConstraints(min_length=20, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]


class CancellationCreate(Input):
    """A consumer cancels a subscription: at the end of its period, or (`extraordinary`) at once, for a cause."""

    organization_id: UUID
    email: Email
    """The address that the subscription was made with."""
    contract_number: ContractNumber
    """The number of one of its orders, or the subscription's id."""
    kind: Literal["ordinary", "extraordinary"] = "ordinary"
    name: Line | None = None
    reason: Reason | None = None
    """The cause of an extraordinary cancellation."""


class CancellationAccepted(BaseModel):
    """The declaration was received; whether there is such a subscription is said to its address alone, by mail."""

    status: str = "accepted"
    received_at: Instant


class CancellationConfirm(Input):
    """Confirms an extraordinary cancellation."""

    token: Token
    """From the link in the mail."""


class CancellationRead(BaseModel):
    """A cancellation that was carried out."""

    product_name: str
    received_at: Instant
    ends_at: Instant
