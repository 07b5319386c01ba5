"""What Stripe is requested to do: the inputs of the client's calls, in the words of this package."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Charge:
    """What a buyer who is present is charged. `amount` is in integer minor units; `key` names the attempt."""

    key: str
    amount: int
    currency: str
    token: str
    metadata: dict[str, str]
    customer: str | None
    """Stripe's customer, where the card is kept for renewals."""


@dataclass(frozen=True)
class SavedCharge:
    """A charge of a saved payment method. `amount` is in integer minor units; `key` names the attempt.

    The customer is absent unless `is_present`: then a bank that asks for them is a decline, `authentication_required`.
    """

    key: str
    amount: int
    currency: str
    customer: str
    payment_method: str
    metadata: dict[str, str]
    is_present: bool = False


@dataclass(frozen=True)
class Refund:
    """A refund of a part (minor units) or of all that is left (None) of a payment.

    `reason` is one of Stripe's: duplicate, fraudulent, requested_by_customer.
    """

    key: str
    processor_id: str
    amount: int | None = None
    reason: str = "requested_by_customer"
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Setup:
    """A card that is kept without a charge. Without a `token` the client confirms it with the secret."""

    key: str
    customer: str
    metadata: dict[str, str]
    token: str | None = None
    return_url: str | None = None
