"""The benefits of one purchase, as whoever holds a link to them sees them."""

from typing import Literal
from uuid import UUID

from contracts.event import Instant
from pydantic import BaseModel


class CheckoutLicenseKey(BaseModel):
    """A license key of the purchase."""

    id: UUID
    key: str
    status: str
    expires_at: Instant | None
    limit_activations: int | None
    limit_usage: int | None


class CheckoutFile(BaseModel):
    """A file of the purchase; `url` works for an hour."""

    id: UUID
    name: str
    mime_type: str
    size: int
    size_readable: str
    url: str


class CheckoutBenefit(BaseModel):
    """One benefit: `pending`, `granted`, `failed` or `revoked`, with what the buyer was given."""

    id: UUID
    benefit_id: UUID
    type: str
    description: str
    status: Literal["pending", "granted", "failed", "revoked"]
    needs_account: Literal["github", "discord"] | None
    """The account that the customer connects in the portal before it can be given."""
    note: str | None = None
    license_key: CheckoutLicenseKey | None = None
    files: list[CheckoutFile] = []


class CheckoutBenefits(BaseModel):
    """The benefits that are given, or on their way; empty until the purchase is known here."""

    items: list[CheckoutBenefit]
