"""Products and their prices."""

from datetime import datetime
from typing import Any
from uuid import UUID

from servicekit import clock, ids
from servicekit.database import Record
from sqlalchemy import BigInteger, ForeignKey, Index, String, Uuid
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
    is_archived: Mapped[bool] = mapped_column(default=False)
    user_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, default=dict)
    benefit_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list)
    """In the order in which the merchant put them."""
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


class Price(Record, Base):
    """A price, in integer minor units. A price is never edited: a new one takes its place and it is archived.

    It is `fixed`, or `custom`: then the buyer chooses an amount, and `price_amount` is 0 and says nothing.
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
    is_archived: Mapped[bool] = mapped_column(default=False)
    product: Mapped[Product] = relationship(lazy="raise", back_populates="prices")

    @classmethod
    def of(cls, product: Product, position: int, terms: dict[str, Any]) -> "Price":
        """A new price on sale; `terms` are the columns that say how it is charged."""
        return cls(
            id=ids.uuid7(),
            created_at=clock.now(),
            organization_id=product.organization_id,
            product_id=product.id,
            position=position,
            is_archived=False,
            **{"price_amount": 0, **terms},
        )

    def archive(self, now: datetime) -> None:
        """Takes the price off sale; subscriptions that have it keep it."""
        self.is_archived = True
        self.modified_at = now


Index(
    "products_organization_id_created_at_id_idx", Product.organization_id, Product.created_at.desc(), Product.id.desc()
)
Index("products_benefit_ids_idx", Product.benefit_ids, postgresql_using="gin")
