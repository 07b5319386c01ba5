"""Checkout links: an address that opens a new checkout each time it is followed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import Index, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from checkout.database import Base

SECRET_PREFIX = "polar_cl_"


class CheckoutLink(Record, Base):
    """What the checkouts that it opens begin with: products (the first is chosen), a discount, addresses, metadata."""

    __tablename__ = "checkout_links"

    client_secret: Mapped[str] = mapped_column(unique=True)
    label: Mapped[str | None]
    product_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    discount_id: Mapped[UUID | None]
    allow_discount_codes: Mapped[bool]
    require_billing_address: Mapped[bool]
    trial_interval: Mapped[str | None]
    trial_interval_count: Mapped[int | None]
    """The trial of its checkouts, in the place of the product's."""
    seats: Mapped[int | None]
    units: Mapped[int | None]
    """How many its checkouts are for: the buyer cannot change it."""
    success_url: Mapped[str | None]
    return_url: Mapped[str | None]
    user_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, default=dict)
    deleted_at: Mapped[datetime | None]


Index("checkout_links_list_idx", CheckoutLink.organization_id, CheckoutLink.created_at.desc(), CheckoutLink.id.desc())
Index("checkout_links_product_ids_idx", CheckoutLink.product_ids, postgresql_using="gin")
