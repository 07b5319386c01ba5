"""The shapes of customers and of the members of their teams; billing publishes them."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import model_validator

from contracts import avatars
from contracts.checkout import Address
from contracts.event import Instant, Metadata, OneOf, Shape


class Customer(Shape):
    """Who buys from an organization. `tax_id` is the pair of value and format (`["DE123456788", "eu_vat"]`)."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    metadata: Metadata
    external_id: str | None
    email: str
    email_verified: bool
    type: Annotated[str, OneOf("individual", "team")]
    name: str | None
    billing_name: str | None
    billing_address: Address | None
    tax_id: list[str] | None
    locale: str | None
    organization_id: UUID
    deleted_at: Instant | None
    first_user_event_at: Instant | None
    avatar_url: str | None
    default_payment_method_id: UUID | None

    @model_validator(mode="after")
    def _has_picture(self) -> Self:
        """Fills in what releases before pictures left out: clients take a customer without one for a broken answer."""
        if self.avatar_url is None:
            self.avatar_url = avatars.url_of(self.id)
        return self


class Member(Shape):
    """A person of a customer that is a team."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    organization_id: UUID
    customer_id: UUID
    email: str
    name: str | None
    external_id: str | None
    role: Annotated[str, OneOf("owner", "billing_manager", "member")]
