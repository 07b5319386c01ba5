"""Grants as their customers see them: without the merchant's metadata, with what a holder may know of the benefit."""

from typing import Annotated, Any, Literal
from uuid import UUID

from contracts import benefits as contracts
from contracts.event import Instant
from pydantic import BaseModel, StringConstraints
from servicekit.inputs import Input

_HIDDEN = {"metadata", "visibility", "visibility_configurable"}
_CUSTOMER = (
    "id", "created_at", "modified_at", "email", "email_verified", "name", "billing_name", "billing_address", "tax_id",
    "default_payment_method_id", "type", "locale",
)  # fmt: skip
Type = Literal[
    "custom", "license_keys", "downloadables", "feature_flag", "meter_credit", "github_repository", "discord"
]


class CustomerBenefitGrant(BaseModel):
    """A grant of the customer's own."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    granted_at: Instant | None
    revoked_at: Instant | None
    customer_id: UUID
    member_id: UUID | None
    benefit_id: UUID
    subscription_id: UUID | None
    order_id: UUID | None
    is_granted: bool
    is_revoked: bool
    error: contracts.GrantError | None
    customer: dict[str, Any]
    benefit: dict[str, Any]
    properties: dict[str, Any]

    @classmethod
    def of(
        cls, grant: contracts.BenefitGrant, organization: dict[str, Any], accounts: dict[str, Any]
    ) -> "CustomerBenefitGrant":
        """`organization` is the seller as customers see it, `accounts` those that the customer connected."""
        fields = grant.model_dump(mode="json")
        benefit = {name: value for name, value in fields["benefit"].items() if name not in _HIDDEN}
        benefit |= {"organization": organization, "properties": _holders(grant.benefit)}
        customer = {name: fields["customer"][name] for name in _CUSTOMER} | {"oauth_accounts": accounts}
        return cls.model_validate({**fields, "benefit": benefit, "customer": customer}, extra="ignore")


def _holders(benefit: contracts.Benefit) -> dict[str, Any]:
    """What a holder may know of a benefit's properties."""
    if benefit.type == "downloadables":
        archived = benefit.properties.get("archived") or {}
        return {"active_files": [id for id in benefit.properties["files"] if not archived.get(id)]}
    return benefit.properties


class CustomerBenefitGrantAccount(Input):
    """Which of the customer's connected accounts gets it."""

    account_id: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None


class CustomerBenefitGrantUpdate(Input):
    """What customers may change of a grant; types without an account of another system have nothing to change."""

    benefit_type: Type
    properties: CustomerBenefitGrantAccount | None = None
