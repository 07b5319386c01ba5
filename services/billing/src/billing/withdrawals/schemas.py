"""Withdrawals as the API takes and shows them."""

from typing import Annotated
from uuid import UUID

from contracts.event import Instant
from pydantic import BaseModel, Field, StringConstraints
from servicekit.fields import Email, Line
from servicekit.inputs import Input

Number = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_upper=True, min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$"
    ),
    Field(examples=["ACME-7KQ2M4XZ-0001"]),
]
Code = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^\d{6}$"), Field(examples=["482915"])]


class WithdrawalRequest(Input):
    """A consumer declares that they withdraw from an order of a seller."""

    organization_id: UUID
    email: Email
    """The address that the order was made with."""
    order_number: Number
    """The number of the invoice, as the confirmation shows it."""


class WithdrawalConfirm(WithdrawalRequest):
    """The same, confirmed with the code of the mail."""

    code: Code
    name: Line | None = None
    """The consumer's name, for the acknowledgement."""


class WithdrawalRead(BaseModel):
    """A withdrawal. Amounts are minor units of `currency`, tax included."""

    id: UUID
    order_number: str
    product_name: str
    requested_at: Instant
    """When it was declared."""
    created_at: Instant
    """When it was confirmed."""
    period_ends_at: Instant
    """Before when it had to be declared."""
    subscription_id: UUID | None
    refund_amount: int
    """What is given back to the means of payment."""
    currency: str
    is_pro_rata: bool
    """Whether the time of the subscription until the declaration is paid for."""
    is_disputed: bool
    """Whether a bank has money of the contract, which is not given back a second time."""


class Accepted(BaseModel):
    """Says nothing of what there is."""

    status: str = "accepted"
