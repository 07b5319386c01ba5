"""Customers as the API shows and takes them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from contracts import billing as contracts
from contracts.checkout import Address
from contracts.event import Instant
from pydantic import BaseModel, StringConstraints, ValidationInfo, field_validator
from servicekit.fields import AddressInput, Email, Line, MetadataInput
from servicekit.http import Dialect, present_dialect
from servicekit.inputs import Input

TaxId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
ExternalId = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Locale = Annotated[str, StringConstraints(max_length=16)]


class OwnerCreate(Input):
    """The first owner of a team; without an e-mail it is the customer's own."""

    email: Email | None = None
    name: Line | None = None
    external_id: ExternalId | None = None


class CustomerCreate(Input):
    """A new customer. Only a team has an owner."""

    email: Email
    name: Line | None = None
    external_id: ExternalId | None = None
    type: Literal["individual", "team"] = "individual"
    billing_address: AddressInput | None = None
    tax_id: TaxId | None = None
    locale: Locale | None = None
    metadata: MetadataInput = {}
    organization_id: UUID | None = None
    owner: OwnerCreate | None = None

    @field_validator("owner")
    @classmethod
    def _of_a_team(cls, owner: OwnerCreate | None, info: ValidationInfo) -> OwnerCreate | None:
        if owner is not None and info.data.get("type") == "individual":
            raise ValueError("only a customer of the type team has an owner")
        return owner


class CustomerUpdate(Input):
    """What may change. An external id can be set once; an address cannot be taken away (Polar's rules)."""

    email: Email | None = None
    name: Line | None = None
    external_id: ExternalId | None = None
    type: Literal["individual", "team"] | None = None
    billing_address: AddressInput | None = None
    tax_id: TaxId | None = None
    locale: Locale | None = None
    metadata: MetadataInput | None = None


class CustomerRead(contracts.Customer):
    """A customer. The documented API shows `tax_id` as text, and states without their country."""

    tax_id: list[str] | str | None  # type: ignore[assignment]

    @classmethod
    def of(cls, customer: contracts.Customer) -> "CustomerRead":
        """A customer in the dialect of the request in hand."""
        return cls.model_validate(spoken(customer.model_dump()), context={"tolerant": True})


class CustomerState(CustomerRead):
    """A customer with what it has now: active subscriptions, granted benefits and meters."""

    active_subscriptions: list[contracts.CustomerStateSubscription]
    granted_benefits: list[contracts.CustomerStateBenefitGrant]
    active_meters: list[dict[str, Any]]

    @classmethod
    def of(cls, customer: contracts.Customer) -> "CustomerState":
        """A state in the dialect of the request in hand; meters are rated by nobody yet."""
        return cls.model_validate(spoken(customer.model_dump()), context={"tolerant": True})


def spoken(customer: dict[str, Any]) -> dict[str, Any]:
    """The fields of a customer in the dialect of the request in hand."""
    if present_dialect() is not Dialect.SEED:
        return customer
    address = customer["billing_address"]
    if address and address["state"]:
        address = {**address, "state": address["state"].removeprefix(f"{address['country']}-")}
    return {**customer, "tax_id": customer["tax_id"][0] if customer["tax_id"] else None, "billing_address": address}


class CustomerPortalCustomer(BaseModel):
    """A customer as they see themselves: without the merchant's metadata and external id."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    email: str | None
    email_verified: bool
    name: str | None
    billing_name: str | None
    billing_address: Address | None
    tax_id: list[str] | None
    oauth_accounts: dict[str, dict[str, str]]
    default_payment_method_id: UUID | None
    type: str
    locale: str | None

    @classmethod
    def of(cls, customer: contracts.Customer, *, is_billing_shown: bool = True) -> "CustomerPortalCustomer":
        """No account of another system is connected yet."""
        fields = {**customer.model_dump(), "oauth_accounts": {}}
        if not is_billing_shown:
            fields |= dict.fromkeys(("billing_name", "billing_address", "tax_id", "default_payment_method_id"))
        return cls.model_validate(fields, extra="ignore")


class CustomerPortalCustomerUpdate(Input):
    """What customers may change of themselves; what is absent stays. An e-mail address is changed by a mailed link."""

    name: Line | None = None
    locale: Locale | None = None
    default_payment_method_id: UUID | None = None
    """One of the customer's own cards; null leaves it."""
    billing_name: Line | None = None
    billing_address: AddressInput | None = None
    tax_id: TaxId | None = None
