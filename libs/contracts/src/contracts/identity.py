"""What the identity service says."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field, StrictBool

from contracts.checkout import Address
from contracts.event import Event, Instant, OneOf, Shape
from contracts.projections import Digest, Drift, Replay
from contracts.test_clocks import ClockMoved, ClockReport


class SocialLink(Shape):
    """Where else a seller is found."""

    platform: Annotated[
        str,
        OneOf(
            "x", "github", "facebook", "instagram", "youtube", "tiktok", "linkedin", "threads", "discord", "other"
        ),
    ]  # fmt: skip
    url: str


class SubscriptionSettings(Shape):
    """How a seller's subscriptions behave. `benefit_revocation_grace_period` is in days."""

    allow_multiple_subscriptions: StrictBool = False
    proration_behavior: Annotated[str, OneOf("invoice", "prorate", "next_period")] = "prorate"
    benefit_revocation_grace_period: int = 0
    prevent_trial_abuse: StrictBool = False
    allow_customer_updates: StrictBool = True


class CustomerEmailSettings(Shape):
    """Which mails a seller's customers are sent."""

    order_confirmation: StrictBool = True
    payment_method_expiration_reminder: StrictBool = True
    subscription_cancellation: StrictBool = True
    subscription_confirmation: StrictBool = True
    subscription_cycled: StrictBool = True
    subscription_cycled_after_trial: StrictBool = True
    subscription_past_due: StrictBool = True
    subscription_paused: StrictBool = True
    subscription_resumed: StrictBool = True
    subscription_renewal_reminder: StrictBool = True
    subscription_revoked: StrictBool = True
    subscription_trial_conversion_reminder: StrictBool = True
    subscription_uncanceled: StrictBool = True
    subscription_updated: StrictBool = True


class NotificationSettings(Shape):
    """Which mails a seller is sent, to the organization's address."""

    new_order: StrictBool = True
    """Of one-time purchases."""
    new_subscription: StrictBool = True
    new_dispute: StrictBool = True


class PortalUsageSettings(Shape):
    """Whether the portal shows usage."""

    show: StrictBool = True


class PortalSubscriptionSettings(Shape):
    """What customers may change of their subscriptions by themselves."""

    update_seats: StrictBool = True
    update_plan: StrictBool = True
    update_units: StrictBool | None = None
    pause: StrictBool | None = None


class PortalCustomerSettings(Shape):
    """What customers may change of themselves."""

    allow_email_change: StrictBool | None = None


class CustomerPortalSettings(Shape):
    """What a seller's customers see and may do in the portal."""

    usage: PortalUsageSettings = PortalUsageSettings()
    subscription: PortalSubscriptionSettings = PortalSubscriptionSettings()
    customer: PortalCustomerSettings | None = None


class DisputeSettings(Shape):
    """Disputes below this amount (minor units) are accepted without an answer; None answers all."""

    auto_accept_below_amount: int | None = None


class InvoiceSettings(Shape):
    """What a seller's invoices and receipts say of it, and how they are numbered: for each customer, or together."""

    numbering: Annotated[str, OneOf("customer", "organization")] = "customer"
    legal_name: str | None = None
    """The organization's name where it is None."""
    address: Address | None = None
    tax_id: str | None = None
    note: str | None = None
    """Printed below: registrations, terms of payment."""


class Branding(Shape):
    """How a seller's pages and mails look, and where its buyers find its terms and its help."""

    logo_url: str | None = None
    """An upload, served from the suite's own address."""
    brand_color: str | None = None
    """As `#1a2b3c`."""
    terms_url: str | None = None
    privacy_url: str | None = None
    support_email: str | None = None
    support_url: str | None = None


_EEA = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK IS LI NO"
_PARTS_OF_THE_EU = "AX GF GP MF MQ RE YT"
EEA_AND_UK = frozenset(f"{_EEA} {_PARTS_OF_THE_EU} GB".split())
"""Where consumers may withdraw from a distance contract: the EEA (Directive 2011/83/EU), with the parts of its states
that have codes of their own, and the United Kingdom (SI 2013/3134)."""


class ConsumerRight(Shape):
    """Whether a seller offers a function that protects consumers: to whom the law gives it, unless it says otherwise.

    `countries` says it for single countries of buyers (ISO 3166-1 alpha-2), whatever `enabled` and the law say.
    """

    enabled: StrictBool = True
    countries: dict[str, StrictBool] = Field(default_factory=dict)

    def is_on(self, country: str | None, by_law: frozenset[str] | None) -> bool:
        """For buyers of a country; None is one that nobody named, who may be one of those that the law protects.

        `by_law` are the countries in which it is on by default; None stands for all of them.
        """
        named = self.countries.get(country) if country is not None else None
        if named is not None:
            return named
        return self.enabled and (country is None or by_law is None or country in by_law)


class ConsumerRights(Shape):
    """What a seller offers consumers beyond the portal, each by country, and on by default."""

    withdrawal: ConsumerRight = ConsumerRight()
    """To withdraw within 14 days without a login (Directive 2011/83/EU, art. 9 and 11a)."""
    immediate_delivery_consent: ConsumerRight = ConsumerRight()
    """The checkout page asks for the consent to delivery at once (art. 16(a) and (m))."""
    cancellation: ConsumerRight = ConsumerRight()
    """To cancel a subscription without a login (section 312k of the German Civil Code); on in every country."""

    def offers_withdrawal(self, country: str | None) -> bool:
        """Whether consumers of a country may withdraw."""
        return self.withdrawal.is_on(country, EEA_AND_UK)

    def asks_for_consent(self, country: str | None) -> bool:
        """Whether consumers of a known country, who may withdraw, are asked for their consent to delivery at once."""
        is_asked = country is not None and self.immediate_delivery_consent.is_on(country, EEA_AND_UK)
        return is_asked and self.offers_withdrawal(country)

    def offers_cancellation(self, country: str | None) -> bool:
        """Whether consumers of a country may cancel without a login."""
        return self.cancellation.is_on(country, None)


class Capabilities(Shape):
    """What an organization may do."""

    checkout_payments: StrictBool = True
    subscription_renewals: StrictBool = True
    payouts: StrictBool = True
    refunds: StrictBool = True
    api_access: StrictBool = True
    dashboard_access: StrictBool = True


class Organization(Shape):
    """A seller: the tenant that owns every other resource."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    name: str
    slug: str
    avatar_url: str | None
    email: str | None
    website: str | None
    proration_behavior: Annotated[str, OneOf("invoice", "prorate", "next_period", "reset")] = "prorate"
    allow_customer_updates: StrictBool = True
    socials: list[SocialLink] = Field(default_factory=list)
    status: Annotated[
        str,
        OneOf("created", "review", "snoozed", "denied", "active", "blocked", "offboarding", "offboarded"),
    ] = "active"
    details_submitted_at: Instant | None = None
    onboarding_resubmission_requested_at: Instant | None = None
    sso_enforced: StrictBool = False
    country: str | None = None
    default_presentment_currency: str = "usd"
    default_tax_behavior: Annotated[str, OneOf("location", "inclusive", "exclusive")] = "location"
    feature_settings: dict[str, Any] | None = None
    subscription_settings: SubscriptionSettings = SubscriptionSettings()
    customer_email_settings: CustomerEmailSettings = CustomerEmailSettings()
    notification_settings: NotificationSettings = NotificationSettings()
    customer_portal_settings: CustomerPortalSettings = CustomerPortalSettings()
    dispute_settings: DisputeSettings = DisputeSettings()
    invoice_settings: InvoiceSettings = InvoiceSettings()
    embed_hosts: list[str] = Field(default_factory=list)
    branding: Branding = Branding()
    locale: str | None = None
    """The language in which the seller itself is written; English where it is None."""
    consumer_rights: ConsumerRights = ConsumerRights()
    account_id: UUID | None = None
    payout_account_id: UUID | None = None
    capabilities: Capabilities = Capabilities()


class OrganizationCreatedV1(Event[Organization]):
    """An organization can sell from now on."""

    name: ClassVar[str] = "organization.created"
    source: ClassVar[str] = "/identity"
    public: ClassVar[bool] = False


class OrganizationUpdatedV1(Event[Organization]):
    """An organization changed its profile."""

    name: ClassVar[str] = "organization.updated"
    source: ClassVar[str] = "/identity"


class OrganizationDigestedV1(Event[Digest]):
    """What this service has of its organizations, for those who keep copies."""

    name: ClassVar[str] = "organization.digested"
    source: ClassVar[str] = "/identity"
    public: ClassVar[bool] = False


class OrganizationReplayedV1(Event[Replay]):
    """The organizations whose copies differed at one consumer, told again."""

    name: ClassVar[str] = "organization.replayed"
    source: ClassVar[str] = "/identity"
    public: ClassVar[bool] = False


class EmailUpdate(Shape):
    """A customer has proven that an address is theirs, and wants it in the place of the old one."""

    organization_id: UUID
    customer_id: UUID
    old_email: str
    email: str
    checkout_id: UUID | None = None
    """Where whoever asked had not proven the old address: the only purchase that they may take along."""


class CustomerEmailVerifiedV1(Event[EmailUpdate]):
    """A customer followed the link that was mailed to their new address; billing decides over the change."""

    name: ClassVar[str] = "customer_email.verified"
    source: ClassVar[str] = "/identity"
    public: ClassVar[bool] = False


class IdentityDriftedV1(Event[Drift]):
    """What this service keeps a copy of is not as its owner's digest says."""

    name: ClassVar[str] = "identity.drifted"
    source: ClassVar[str] = "/identity"
    public: ClassVar[bool] = False


class TestClockAdvancedV1(Event[ClockMoved]):
    """An organization's test clock stands at another instant, or asks whether all is done at this one."""

    __test__: ClassVar[bool] = False
    name: ClassVar[str] = "test_clock.advanced"
    source: ClassVar[str] = "/identity"
    public: ClassVar[bool] = False


class IdentityClockReportedV1(Event[ClockReport]):
    """What this service has done, and has still to do, at the instant of an organization's test clock."""

    name: ClassVar[str] = "identity.clock_reported"
    source: ClassVar[str] = "/identity"
    public: ClassVar[bool] = False
