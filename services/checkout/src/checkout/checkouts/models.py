"""Checkouts: purchases in progress, and the states that they may be in."""

import calendar
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from contracts import catalog, checkout
from servicekit import ids
from servicekit.database import Record
from servicekit.errors import NotPermitted, ServiceError
from sqlalchemy import BigInteger, Index, String, text
from sqlalchemy.dialects.postgresql import CITEXT, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from checkout.database import Base

SECRET_PREFIX = "polar_c_"
METERED = ("metered_unit", "metered_tiers")
"""Kinds of prices that cost nothing before they are used."""
EVERYTHING = 10_000
"""In basis points: a discount of 100 %."""


class NotOpenCheckout(NotPermitted):
    """The checkout is not open any more."""


class ExpiredCheckoutError(ServiceError):
    """The checkout was left open past its end. The body has what a page shows of it, and where to begin again."""

    status_code = 410
    shows: ClassVar[dict[str, Any]] = {
        "organization": (dict[str, Any] | None, None),
        "product_name": (str | None, None),
        "return_url": (str | None, None),
        "restart_url": (str | None, None),
        "locale": (str | None, None),
        "embed_origin": (str | None, None),
    }


def after(start: datetime, interval: str, count: int) -> datetime:
    """The instant `count` intervals after `start`; months and years end on the month's last day where they must."""
    if interval in ("day", "week"):
        return start + timedelta(days=count * (7 if interval == "week" else 1))
    months = start.year * 12 + start.month - 1 + count * (12 if interval == "year" else 1)
    year, month = months // 12, months % 12 + 1
    return start.replace(year=year, month=month, day=min(start.day, calendar.monthrange(year, month)[1]))


def _product(data: dict[str, Any]) -> catalog.Product:
    return catalog.Product.model_validate(data, extra="ignore", context={"tolerant": True})


class Checkout(Record, Base):
    """A purchase in progress. Product, price and discount are kept as they were when they were last looked at.

    open → confirmed → succeeded; a declined payment leads back to open; open → expired.
    """

    __tablename__ = "checkouts"

    status: Mapped[str] = mapped_column(default="open")
    client_secret: Mapped[str] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    success_url: Mapped[str]
    return_url: Mapped[str | None]
    embed_origin: Mapped[str | None]
    product_id: Mapped[UUID]
    price_id: Mapped[UUID]
    product_data: Mapped[dict[str, Any]]
    offered_data: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    """The products among which the buyer may choose, where there are several."""
    ad_hoc_prices: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Prices that the seller set for this checkout, in the place of the catalog's: lists by the product's id."""
    seats: Mapped[int | None]
    min_seats: Mapped[int | None]
    max_seats: Mapped[int | None]
    units: Mapped[int | None]
    min_units: Mapped[int | None]
    max_units: Mapped[int | None]
    amount: Mapped[int] = mapped_column(BigInteger)
    discount_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    tax_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    tax_behavior: Mapped[str | None]
    """`inclusive` or `exclusive`; None as long as there is no address to tell."""
    tax_breakdown: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    tax_computation: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    tax_calculation_id: Mapped[str | None]
    currency: Mapped[str] = mapped_column(String(3))
    discount_id: Mapped[UUID | None]
    discount_data: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    allow_discount_codes: Mapped[bool] = mapped_column(default=True)
    require_billing_address: Mapped[bool] = mapped_column(default=False)
    is_business_customer: Mapped[bool] = mapped_column(default=False)
    customer_id: Mapped[UUID | None]
    """The named customer, or the one that the present confirmation promised the purchase to."""
    named_customer_id: Mapped[UUID | None]
    """The customer that the seller named when the checkout was opened; see `seller_named_id`."""
    named_email: Mapped[str | None] = mapped_column(CITEXT)
    """The e-mail that the seller gave with an external id; what the buyer typed is in `customer_email` alone."""
    customer_email: Mapped[str | None] = mapped_column(CITEXT)
    customer_name: Mapped[str | None]
    customer_billing_name: Mapped[str | None]
    customer_billing_address: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    customer_tax_id: Mapped[str | None]
    customer_tax_id_format: Mapped[str | None]
    customer_ip_address: Mapped[str | None]
    customer_metadata: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    external_customer_id: Mapped[str | None]
    locale: Mapped[str | None]
    user_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, default=dict)
    custom_field_data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    allow_trial: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    trial_interval: Mapped[str | None]
    trial_interval_count: Mapped[int | None]
    """The checkout's own trial, in the place of the product's."""
    trial_end: Mapped[datetime | None]
    """Fixed when the purchase succeeds."""
    payment_method_type: Mapped[str | None]
    """As the payment form calls what the buyer chose: `card`, `apple_pay`."""
    order_id: Mapped[UUID | None]
    subscription_id: Mapped[UUID | None]
    """Of the subscription that the purchase begins."""
    upgraded_subscription_id: Mapped[UUID | None]
    """Of the customer's free subscription that gets the terms of the purchase, in the place of a new one."""
    attempt: Mapped[int] = mapped_column(default=1)
    """The payment attempt that is, or will be, in hand; it grows only after a decline."""
    processor_metadata: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    confirmed_at: Mapped[datetime | None]
    succeeded_at: Mapped[datetime | None]
    link_secret: Mapped[str | None]
    """Of the checkout link that opened it."""
    is_new_customer: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """Whether nobody had bought or promised anything under the customer's e-mail when the purchase was confirmed."""
    immediate_delivery_consent: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What the buyer agreed to with the confirmation that is, or was last, in hand."""
    order_created_at: Mapped[datetime | None]
    subscription_created_at: Mapped[datetime | None]
    """When billing wrote the order and the subscription of the purchase."""

    @property
    def product(self) -> catalog.Product:
        """The product as it was when the checkout last looked, with the prices of this checkout."""
        return self.priced(self.catalog_product)

    @property
    def catalog_product(self) -> catalog.Product:
        """The same with the catalog's prices."""
        product = _product(self.product_data)
        archived = [price for price in product.archived_prices if price.source != "ad_hoc"]
        return product.model_copy(update={"archived_prices": archived})

    @property
    def products(self) -> list[catalog.Product]:
        """The products among which the buyer may choose, the one that is chosen included."""
        offered = [data for data in self.offered_data or [] if data["id"] != str(self.product_id)]
        return [self.product, *(self.priced(_product(data)) for data in offered)]

    @property
    def price(self) -> catalog.Price:
        """The price that is paid."""
        product = self.product
        return next(price for price in (*product.prices, *product.archived_prices) if price.id == self.price_id)

    @property
    def has_ad_hoc_price(self) -> bool:
        """Whether the price that is paid was set for this checkout."""
        return str(self.product_id) in (self.ad_hoc_prices or {})

    def priced(self, product: catalog.Product) -> catalog.Product:
        """A product with the prices that it has in this checkout."""
        own = (self.ad_hoc_prices or {}).get(str(product.id))
        if own is None:
            return product
        prices = [catalog.Price.model_validate(price, extra="ignore", context={"tolerant": True}) for price in own]
        return product.model_copy(update={"prices": prices})

    @property
    def discount(self) -> checkout.Discount | None:
        """The discount as it was when the checkout last looked."""
        if self.discount_data is None:
            return None
        return checkout.Discount.model_validate(self.discount_data, extra="ignore", context={"tolerant": True})

    @property
    def net_amount(self) -> int:
        """What is paid before tax, in minor units."""
        contained = self.tax_amount if self.tax_behavior == "inclusive" else 0
        return self.amount - self.discount_amount - contained

    @property
    def total_amount(self) -> int:
        """What is paid, in minor units."""
        return self.net_amount + self.tax_amount

    @property
    def active_trial(self) -> tuple[str, int] | None:
        """Interval and count of the trial that the subscription begins with: the checkout's, else the product's."""
        if not self.allow_trial or not self.product_data["is_recurring"]:
            return None
        interval, count = self.trial_interval, self.trial_interval_count
        if interval is None:
            interval, count = self.product_data.get("trial_interval"), self.product_data.get("trial_interval_count")
        return (interval, count or 1) if interval is not None else None

    @property
    def terms(self) -> list[Any]:
        """What a buyer agrees to by confirming, as JSON: an attempt pays for these terms alone."""
        chosen = [self.product_id, self.price_id, self.discount_id, self.upgraded_subscription_id]
        trial = list(self.active_trial) if self.active_trial else None
        ids = [str(one) if one is not None else None for one in chosen]
        return [*ids, self.currency, self.total_amount, self.seats, self.units, trial]

    @property
    def bought_subscription_id(self) -> UUID | None:
        """The subscription that the purchase is for: the upgraded one, or the one that it begins."""
        return self.upgraded_subscription_id or self.subscription_id

    @property
    def seller_named_id(self) -> UUID | None:
        """The customer that the seller named: by id, by external id, or by the subscription that is upgraded.

        A customer that a confirmation promised the purchase to is not one. Releases before the column kept both in
        `customer_id`: there a customer was named when no confirmation has been made so far. After a declined card
        nobody can tell, and the e-mail decides.
        """
        if self.named_customer_id is not None:
            return self.named_customer_id
        is_untouched = self.status == "open" and self.attempt == 1
        return self.customer_id if is_untouched or self.upgraded_subscription_id is not None else None

    @property
    def needs_payment(self) -> bool:
        """Whether something is charged now."""
        return self.total_amount > 0 and self.active_trial is None

    @property
    def needs_setup(self) -> bool:
        """Whether a card is needed for what is charged later: not for what stays free.

        What is free today by a discount that ends, or larger than today's price, is charged later, and what a meter
        counts too. Source: Polar, server/polar/models/checkout.py `is_payment_setup_required`.
        """
        if not self.product_data["is_recurring"]:
            return False
        if self.amount == 0 and self.price.amount_type not in METERED:
            return False
        discount = self.discount_data
        return discount is None or not (
            discount["duration"] == "forever"
            and discount["type"] == "percentage"
            and discount["basis_points"] == EVERYTHING
        )

    @property
    def needs_card(self) -> bool:
        """Whether the buyer is asked for a card: to pay now, or later."""
        return self.needs_payment or self.needs_setup

    def keep_product(self, data: dict[str, Any]) -> None:
        """Keeps the chosen product as it is now.

        Its prices of this checkout stand among the archived ones, where earlier releases find a price by its id.
        """
        own = (self.ad_hoc_prices or {}).get(data["id"])
        self.product_data = {**data, "archived_prices": [*data["archived_prices"], *own]} if own else data

    def ensure_open(self, now: datetime) -> None:
        """Raises `ExpiredCheckoutError` past the end, `NotOpenCheckout` once it was confirmed."""
        if self.status == "expired" or (self.status == "open" and self.expires_at <= now):
            raise ExpiredCheckoutError("This checkout has expired")
        if self.status != "open":
            raise NotOpenCheckout("This checkout is not open")

    def confirm(self, customer_id: UUID, now: datetime) -> None:
        """The buyer commits: from here on the ids of customer, order and subscription are fixed."""
        self.ensure_open(now)
        self.named_customer_id = self.seller_named_id
        self.customer_id = customer_id
        self.order_id = self.order_id or ids.uuid7()
        is_recurring = self.product_data["is_recurring"]
        self.subscription_id = (self.subscription_id or ids.uuid7()) if is_recurring else None
        self.status = "confirmed"
        self.confirmed_at = self.modified_at = now

    def reopen(self, now: datetime) -> None:
        """The payment was declined: the buyer may try another card, or e-mail, as the next attempt.

        What was promised is taken back: the purchase belongs to whoever the next confirmation names.
        """
        if self.status != "confirmed":
            raise NotOpenCheckout(f"a checkout that is {self.status} cannot be reopened")
        self.customer_id = self.named_customer_id = self.seller_named_id
        self.status = "open"
        self.attempt += 1
        self.processor_metadata = {}
        self.modified_at = now

    def succeed(self, now: datetime) -> None:
        """The money has arrived, or none was needed. Also after an expiry: what was paid for is delivered."""
        if self.status == "succeeded":
            raise NotOpenCheckout("this checkout has succeeded already")
        self.status = "succeeded"
        trial = self.active_trial
        self.trial_end = after(now, *trial) if trial else None
        self.succeeded_at = self.modified_at = now

    def expire(self, now: datetime) -> None:
        """The buyer did not come back."""
        self.ensure_not_confirmed()
        self.status = "expired"
        self.modified_at = now

    def ensure_not_confirmed(self) -> None:
        """Raises `NotOpenCheckout` unless it is open."""
        if self.status != "open":
            raise NotOpenCheckout(f"a checkout that is {self.status} cannot expire")


Index("checkouts_list_idx", Checkout.organization_id, Checkout.created_at.desc(), Checkout.id.desc())
Index(
    "checkouts_customer_idx",
    Checkout.customer_id,
    Checkout.confirmed_at,
    postgresql_where=Checkout.subscription_id.is_not(None),
)
Index(
    "checkouts_external_customer_idx",
    Checkout.organization_id,
    Checkout.external_customer_id,
    postgresql_where=Checkout.external_customer_id.is_not(None),
)
Index(
    "checkouts_upgrades_idx",
    Checkout.upgraded_subscription_id,
    postgresql_where=Checkout.upgraded_subscription_id.is_not(None),
)
Index("checkouts_expiry_idx", Checkout.expires_at, postgresql_where=Checkout.status == "open")
Index("checkouts_buyers_idx", Checkout.customer_id, postgresql_where=Checkout.confirmed_at.is_not(None))
