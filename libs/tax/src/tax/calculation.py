"""What is asked of a tax provider, and what it answers. Amounts are integer minor units, rates `Decimal` percent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from tax.behavior import Behavior
from tax.money import percent


class Reason(StrEnum):
    """Why an amount is taxed, or is not (Polar's rule)."""

    STANDARD_RATED = "standard_rated"
    NOT_COLLECTING = "not_collecting"
    PRODUCT_EXEMPT = "product_exempt"
    REVERSE_CHARGE = "reverse_charge"
    NOT_SUBJECT_TO_TAX = "not_subject_to_tax"
    NOT_SUPPORTED = "not_supported"
    CUSTOMER_EXEMPT = "customer_exempt"


class TaxInvalid(Exception):
    """What was asked cannot be answered, and never will be: `field` names what is wrong with it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


class TaxUnavailable(Exception):
    """The provider failed: another one, or a later try, may answer."""


@dataclass(frozen=True)
class Address:
    """Where the buyer is. `country` is ISO 3166-1 alpha-2; `state` is `ON` or `CA-ON`."""

    country: str
    state: str | None = None
    postal_code: str | None = None
    city: str | None = None
    line1: str | None = None
    line2: str | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any] | None) -> "Address | None":
        """From a stored address; None where there is none."""
        if not given or not given.get("country"):
            return None
        rest = {name: given.get(name) for name in ("state", "postal_code", "city", "line1", "line2")}
        return cls(str(given["country"]), **rest)

    @property
    def subdivision(self) -> str | None:
        """The state without its country: `ON`."""
        if not self.state:
            return None
        return self.state.upper().removeprefix(f"{self.country}-").strip() or None


@dataclass(frozen=True)
class TaxId:
    """A checked tax id: `value` in its compact form, `format` in Stripe's words (`eu_vat`)."""

    value: str
    format: str


@dataclass(frozen=True)
class Line:
    """One thing that is taxed. `amount` is after discounts, and negative for a credit."""

    reference: str
    amount: int
    is_exempt: bool = False
    """Whether the product is exempt from tax wherever it is sold."""


@dataclass(frozen=True)
class TaxRequest:
    """A sale to be taxed. `reference` names it, for a provider's idempotency; `on` is the day the tax arises."""

    reference: str = field(compare=False)
    """No part of the question: two sales that differ in nothing else are taxed alike, each by its own calculation."""
    currency: str
    behavior: Behavior
    lines: tuple[Line, ...]
    on: date
    seller_country: str | None = None
    address: Address | None = None
    tax_id: TaxId | None = None
    customer_exempt: bool = False
    step: int = 1
    """The tax is a multiple of this, in minor units: what the currency's charges are multiples of."""

    @property
    def amount(self) -> int:
        """What is taxed together, in minor units: with the tax in it when `behavior` is inclusive."""
        return sum(line.amount for line in self.lines)


@dataclass(frozen=True)
class Item:
    """The tax of one jurisdiction. `rate` is in percent, None where none applies; `taxable_amount` is without tax."""

    amount: int
    taxable_amount: int
    reason: Reason
    rate: Decimal | None = None
    name: str | None = None
    country: str | None = None
    state: str | None = None

    def document(self) -> dict[str, Any]:
        """As it is stored and told: the rate is a decimal text."""
        return {
            "amount": self.amount,
            "taxable_amount": self.taxable_amount,
            "taxability_reason": self.reason.value,
            "rate": None if self.rate is None else percent(self.rate),
            "display_name": self.name,
            "country": self.country,
            "state": self.state,
        }


@dataclass(frozen=True)
class Result:
    """The tax of a sale: `amount` is the sum of its items, and of `line_amounts`, which go with the request's lines."""

    behavior: Behavior
    amount: int
    items: tuple[Item, ...]
    line_amounts: tuple[int, ...]
    provider: str
    computation: dict[str, Any] = field(default_factory=dict)
    """Inputs, exact fractions and the rule: enough to do it again by hand."""
    calculation_id: str | None = None
    """The provider's own name for it, where it keeps calculations."""

    @property
    def reason(self) -> Reason | None:
        """The reason of the whole: that of its largest item; None when nothing was asked."""
        if not self.items:
            return None
        return max(self.items, key=lambda item: (abs(item.amount), abs(item.taxable_amount))).reason

    def breakdown(self) -> list[dict[str, Any]]:
        """The items as they are stored and told."""
        return [item.document() for item in self.items]


class Provider(Protocol):
    """Who calculates tax, and keeps a record of what was sold where it does that."""

    name: str

    async def calculate(self, request: TaxRequest) -> Result:
        """Raises `TaxInvalid` for what cannot be taxed, `TaxUnavailable` when it failed."""

    async def record(self, calculation_id: str, reference: str) -> str | None:
        """Keeps a paid calculation, once per `reference`. Returns the id of its transaction, None where none is kept.

        Raises `TaxUnavailable`.
        """

    async def revert(self, transaction_id: str, reference: str, amount: int | None) -> str | None:
        """Takes a transaction back, in full or by `amount` (minor units, with tax). Raises `TaxUnavailable`."""
