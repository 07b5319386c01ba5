"""Organizations as the API shows and takes them."""

from typing import Annotated, Literal

from contracts import identity as contracts
from pricing.currencies import Currency
from pydantic import AfterValidator, Field, StrictBool, StringConstraints
from servicekit.bodies import at_most
from servicekit.fields import COUNTRIES, AddressInput, Country, Email, Line
from servicekit.inputs import Input

Name = Annotated[Line, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Url = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2083, pattern=r"^https?://[^\s]+$")]
Host = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, max_length=253, pattern=r"^[A-Za-z0-9.*:-]+$")
]
Platform = Literal[
    "x", "github", "facebook", "instagram", "youtube", "tiktok", "linkedin", "threads", "discord", "other"
]  # fmt: skip


Language = Literal["de", "en", "es", "fr", "it", "ja", "nl", "pl", "pt", "sv"]
"""The languages that mails are written in."""


class OrganizationRead(contracts.Organization):
    """An organization."""


class SocialLinkInput(Input):
    """Where else a seller is found."""

    platform: Platform
    url: Url


class SubscriptionSettingsInput(contracts.SubscriptionSettings):
    """How subscriptions behave; the grace period is in days."""

    proration_behavior: Literal["invoice", "prorate", "next_period"] = "prorate"
    benefit_revocation_grace_period: Annotated[int, Field(strict=True, ge=0, le=365)] = 0


class DisputeSettingsInput(Input):
    """Disputes below this amount, in minor units, are accepted."""

    auto_accept_below_amount: Annotated[int, Field(strict=True, ge=0, le=99_999_999)] | None = None


class InvoiceSettingsInput(Input):
    """What invoices and receipts say of the seller; numbers count for each customer, or for the whole organization."""

    numbering: Literal["customer", "organization"] = "customer"
    legal_name: Line | None = None
    address: AddressInput | None = None
    tax_id: Annotated[str, StringConstraints(strip_whitespace=True, max_length=64)] | None = None
    note: Annotated[str, StringConstraints(max_length=1_000)] | None = None


class BrandingInput(Input):
    """What buyers see of the seller on pages and in mails; what is null is taken away."""

    logo_url: Url | None = None
    """The `public_url` of an uploaded file: pages load no image from another address."""
    brand_color: Annotated[str, StringConstraints(to_lower=True, pattern=r"^#[0-9a-fA-F]{6}$")] | None = None
    terms_url: Url | None = None
    privacy_url: Url | None = None
    support_email: Email | None = None
    support_url: Url | None = None


class ConsumerRightInput(Input):
    """Whether consumers are offered a right: in the countries where it is on by default, and in single countries.

    A country that is null goes by the default again.
    """

    enabled: StrictBool = True
    countries: Annotated[dict[Country, StrictBool | None], at_most(len(COUNTRIES))] = {}


class ConsumerRightsInput(Input):
    """What consumers are offered beyond the portal; what is absent stays."""

    withdrawal: ConsumerRightInput | None = None
    immediate_delivery_consent: ConsumerRightInput | None = None
    cancellation: ConsumerRightInput | None = None


def _once(socials: list[SocialLinkInput]) -> list[SocialLinkInput]:
    if len({link.url for link in socials}) != len(socials):
        raise ValueError("each link once")
    return socials


class OrganizationUpdate(Input):
    """What may be changed; what is absent stays, inside the settings as well."""

    name: Name | None = None
    email: Email | None = None
    website: Url | None = None
    avatar_url: Url | None = None
    country: Country | None = None
    socials: Annotated[list[SocialLinkInput], Field(max_length=20), AfterValidator(_once)] | None = None
    default_presentment_currency: Currency | None = None
    default_tax_behavior: Literal["location", "inclusive", "exclusive"] | None = None
    subscription_settings: SubscriptionSettingsInput | None = None
    customer_email_settings: contracts.CustomerEmailSettings | None = None
    notification_settings: contracts.NotificationSettings | None = None
    customer_portal_settings: contracts.CustomerPortalSettings | None = None
    dispute_settings: DisputeSettingsInput | None = None
    invoice_settings: InvoiceSettingsInput | None = None
    embed_hosts: Annotated[list[Host], Field(max_length=50)] | None = None
    branding: BrandingInput | None = None
    locale: Language | None = None
    """The language of mails to the organization itself, such as that of a sale; English where none is set."""
    consumer_rights: ConsumerRightsInput | None = None
