"""Products and their prices."""

from datetime import datetime
from typing import Any
from uuid import UUID

from servicekit import clock, ids
from servicekit.database import Record
from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from catalog.database import Base


class Product(Record, Base):
    """Something that is sold, once (`recurring_interval` is null) or as a subscription."""

    __tablename__ = "products"

    name: Mapped[str]
    description: Mapped[str | None]
    visibility: Mapped[str] = mapped_column(default="public")
    recurring_interval: Mapped[str | None]
    recurring_interval_count: Mapped[int | None]
    trial_interval: Mapped[str | None]
    trial_interval_count: Mapped[int | None]
    meter_interval: Mapped[str | None]
    meter_interval_count: Mapped[int | None]
    is_archived: Mapped[bool] = mapped_column(default=False)
    in_use: Mapped[bool] = mapped_column(default=False)
    """Whether it was ever sold, or a discount names it: then it can be archived, but not deleted."""
    deleted_at: Mapped[datetime | None]
    user_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, default=dict)
    benefit_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list)
    """In the order in which the merchant put them."""
    media_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list)
    custom_fields: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    """The questions to its buyers: `custom_field_id` and `required`, in order."""
    document: Mapped[str | None] = mapped_column(Text, deferred=True)
    """The product as the API answers it, in JSON: written with every change, so that a list only reads."""
    prices: Mapped[list["Price"]] = relationship(
        order_by="Price.position", lazy="raise", cascade="save-update, merge", back_populates="product"
    )

    @property
    def is_recurring(self) -> bool:
        """Whether it is sold as a subscription."""
        return self.recurring_interval is not None

    @property
    def prices_on_sale(self) -> list["Price"]:
        """The prices that a new purchase can have."""
        return [price for price in self.prices if not price.is_archived]


_COLUMNS = {
    "amount_type", "price_amount", "minimum_amount", "maximum_amount", "preset_amount", "price_currency",
    "tax_behavior",
}  # fmt: skip


class Price(Record, Base):
    """A price, in integer minor units. A price is never edited: a new one takes its place and it is archived.

    `price_amount` is that of a fixed price, and 0 on every other kind, where it says nothing.
    """

    __tablename__ = "prices"

    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"), index=True)
    position: Mapped[int]
    amount_type: Mapped[str] = mapped_column(default="fixed")
    price_amount: Mapped[int] = mapped_column(BigInteger)
    minimum_amount: Mapped[int | None] = mapped_column(BigInteger)
    maximum_amount: Mapped[int | None] = mapped_column(BigInteger)
    preset_amount: Mapped[int | None] = mapped_column(BigInteger)
    price_currency: Mapped[str] = mapped_column(String(3))
    tax_behavior: Mapped[str | None]
    terms: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What a price by seats, units or a meter is charged by: its tiers, meter, cap."""
    is_archived: Mapped[bool] = mapped_column(default=False)
    product: Mapped[Product] = relationship(lazy="raise", back_populates="prices")

    @classmethod
    def of(cls, product: Product, position: int, terms: dict[str, Any]) -> "Price":
        """A new price on sale; `terms` say how it is charged."""
        columns = {name: value for name, value in terms.items() if name in _COLUMNS}
        others = {name: value for name, value in terms.items() if name not in _COLUMNS}
        return cls(
            id=ids.uuid7(),
            created_at=clock.now(),
            organization_id=product.organization_id,
            product_id=product.id,
            position=position,
            is_archived=False,
            terms=others or None,
            **{"price_amount": 0, **columns},
        )

    def archive(self, now: datetime) -> None:
        """Takes the price off sale; subscriptions that have it keep it."""
        self.is_archived = True
        self.modified_at = now


Index(
    "products_organization_id_created_at_id_idx", Product.organization_id, Product.created_at.desc(), Product.id.desc()
)
Index("products_benefit_ids_idx", Product.benefit_ids, postgresql_using="gin")
Index("products_media_ids_idx", Product.media_ids, postgresql_using="gin")
Index("products_custom_fields_idx", Product.custom_fields, postgresql_using="gin")
