"""Refunds as the API takes them."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints
from servicekit.fields import INT8, MetadataInput
from servicekit.inputs import Input


class RefundCreate(Input):
    """A wish to give money back. `amount` is before tax, in integer minor units; the tax goes with it in proportion."""

    order_id: UUID
    reason: Literal["duplicate", "fraudulent", "customer_request", "service_disruption", "satisfaction_guarantee",
                    "other"]  # fmt: skip
    amount: Annotated[int, Field(ge=1, le=INT8)]
    comment: Annotated[str, StringConstraints(max_length=1000)] | None = None
    """For the merchant's own books: it is shown to nobody."""
    revoke_benefits: bool = False
    """Takes what a one-time purchase gave; benefits of a subscription end with the subscription."""
    metadata: MetadataInput = {}
