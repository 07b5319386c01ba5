"""What others copy from checkout, and what it copies from them."""

from contracts.checkout import (
    CheckoutDigestedV1,
    CheckoutDriftedV1,
    CheckoutReplayedV1,
    DiscountDigestedV1,
    DiscountReplayedV1,
)
from servicekit.projections import Projections

from checkout.checkouts.models import Checkout
from checkout.customers.consumers import consumers as customers
from checkout.customers.models import Customer
from checkout.discounts.models import Discount
from checkout.organizations.consumers import consumers as organizations
from checkout.organizations.models import Organization
from checkout.products.consumers import consumers as products
from checkout.products.models import Product
from checkout.subscriptions.consumers import consumers as subscriptions
from checkout.subscriptions.models import Subscription

projections = Projections("checkout", CheckoutDriftedV1)
projections.own("discount", Discount, DiscountDigestedV1, DiscountReplayedV1, copied_by=["billing"])
projections.own("checkout", Checkout, CheckoutDigestedV1, CheckoutReplayedV1, copied_by=["billing"])
projections.keep("product", Product, products)
projections.keep("customer", Customer, customers)
projections.keep("organization", Organization, organizations)
projections.keep("subscription", Subscription, subscriptions)
