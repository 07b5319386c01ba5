"""What others copy from billing, and what it copies from them."""

from contracts.billing import (
    BillingDriftedV1,
    CustomerDigestedV1,
    CustomerReplayedV1,
    MemberDigestedV1,
    MemberReplayedV1,
    SubscriptionDigestedV1,
    SubscriptionReplayedV1,
)
from servicekit.projections import Projections

from billing.benefit_grants.consumers import consumers as benefit_grants
from billing.benefit_grants.models import BenefitGrant
from billing.checkouts.models import Checkout
from billing.customers.models import Customer
from billing.discounts.consumers import consumers as discounts
from billing.discounts.models import Discount
from billing.members.models import Member
from billing.orders.consumers import consumers as checkouts
from billing.organizations.consumers import consumers as organizations
from billing.organizations.models import Organization
from billing.products.consumers import consumers as products
from billing.products.models import Product
from billing.subscriptions.models import Subscription

projections = Projections("billing", BillingDriftedV1)
projections.own(
    "customer",
    Customer,
    CustomerDigestedV1,
    CustomerReplayedV1,
    copied_by=["checkout", "benefits", "identity", "metering"],
)
projections.own("member", Member, MemberDigestedV1, MemberReplayedV1, copied_by=["identity"])
projections.own("subscription", Subscription, SubscriptionDigestedV1, SubscriptionReplayedV1, copied_by=["checkout"])
projections.keep("organization", Organization, organizations)
projections.keep("benefit_grant", BenefitGrant, benefit_grants)
projections.keep("product", Product, products)
projections.keep("discount", Discount, discounts)
projections.keep("checkout", Checkout, checkouts)
