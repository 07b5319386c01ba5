"""Every table of the service, for Alembic."""

from checkout.buyer_attempts.models import BuyerAttempt, DeclineAlert
from checkout.checkout_links.models import CheckoutLink
from checkout.checkouts.models import Checkout
from checkout.customers.models import Customer, CustomerReservation
from checkout.discounts.models import Discount, Redemption
from checkout.organizations.models import Organization
from checkout.payments.models import Payment, ProcessorCustomer, StripeEvent
from checkout.products.models import Product
from checkout.subscriptions.models import Subscription
from checkout.trial_redemptions.models import TrialRedemption

__all__ = [
    "BuyerAttempt",
    "Checkout",
    "CheckoutLink",
    "Customer",
    "CustomerReservation",
    "DeclineAlert",
    "Discount",
    "Organization",
    "Payment",
    "ProcessorCustomer",
    "Product",
    "Redemption",
    "StripeEvent",
    "Subscription",
    "TrialRedemption",
]
