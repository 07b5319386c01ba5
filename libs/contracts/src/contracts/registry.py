"""Every event of the suite, listed by hand: what is not here is not published."""

from contracts import benefits, billing, catalog, checkout, identity
from contracts.event import EventClass

EVENTS: tuple[EventClass, ...] = (
    identity.OrganizationCreatedV1,
    identity.OrganizationUpdatedV1,
    identity.OrganizationDigestedV1,
    identity.OrganizationReplayedV1,
    identity.IdentityDriftedV1,
    catalog.ProductCreatedV1,
    catalog.ProductUpdatedV1,
    catalog.ProductDigestedV1,
    catalog.ProductReplayedV1,
    catalog.CatalogDriftedV1,
    checkout.CheckoutCreatedV1,
    checkout.CheckoutUpdatedV1,
    checkout.CheckoutExpiredV1,
    checkout.CheckoutSucceededV1,
    checkout.DiscountCreatedV1,
    checkout.DiscountUpdatedV1,
    checkout.DiscountDeletedV1,
    checkout.CheckoutDriftedV1,
    billing.CustomerCreatedV1,
    billing.CustomerUpdatedV1,
    billing.CustomerDeletedV1,
    billing.OrderCreatedV1,
    billing.OrderUpdatedV1,
    billing.OrderPaidV1,
    billing.SubscriptionCreatedV1,
    billing.SubscriptionUpdatedV1,
    billing.SubscriptionActiveV1,
    billing.SubscriptionCanceledV1,
    billing.SubscriptionUncanceledV1,
    billing.SubscriptionRevokedV1,
    billing.CustomerDigestedV1,
    billing.CustomerReplayedV1,
    billing.BillingDriftedV1,
    benefits.BenefitCreatedV1,
    benefits.BenefitUpdatedV1,
    benefits.BenefitGrantCreatedV1,
    benefits.BenefitGrantUpdatedV1,
    benefits.BenefitGrantRevokedV1,
    benefits.BenefitDigestedV1,
    benefits.BenefitReplayedV1,
    benefits.BenefitsDriftedV1,
)

BY_ROUTING_KEY: dict[str, EventClass] = {event.routing_key(): event for event in EVENTS}
PUBLIC: tuple[EventClass, ...] = tuple(event for event in EVENTS if event.public)
