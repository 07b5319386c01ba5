"""Every table of the service, for Alembic."""

from billing.benefit_grants.models import BenefitGrant
from billing.cancellations.models import Cancellation
from billing.card_attempts.models import CardAttempt
from billing.checkouts.models import Checkout
from billing.client_intents.models import ClientIntent
from billing.customers.models import Customer, CustomerAlias, CustomerBalance, CustomerBalanceEntry
from billing.discounts.models import Discount
from billing.disputes.models import Dispute
from billing.invoices.models import InvoiceCounter
from billing.ledger.models import LedgerEntry, LedgerTransaction
from billing.mailed_codes.models import MailedCode
from billing.members.models import Member
from billing.metrics.models import MetricDashboard, SubscriptionPhase
from billing.orders.models import BillingEntry, Order, OrderItem
from billing.organizations.models import Organization
from billing.payment_methods.agreements import SubscriptionCard
from billing.payment_methods.models import PaymentMethod
from billing.payments.models import Payment
from billing.products.models import Product
from billing.refunds.models import Refund
from billing.subscriptions.change import SubscriptionChange
from billing.subscriptions.models import Subscription
from billing.tax_transactions.models import TaxTransaction
from billing.withdrawals.models import Withdrawal

__all__ = [
    "BenefitGrant",
    "BillingEntry",
    "Cancellation",
    "CardAttempt",
    "Checkout",
    "ClientIntent",
    "Customer",
    "CustomerAlias",
    "CustomerBalance",
    "CustomerBalanceEntry",
    "Discount",
    "Dispute",
    "InvoiceCounter",
    "LedgerEntry",
    "LedgerTransaction",
    "MailedCode",
    "Member",
    "MetricDashboard",
    "Order",
    "OrderItem",
    "Organization",
    "Payment",
    "PaymentMethod",
    "Product",
    "Refund",
    "Subscription",
    "SubscriptionCard",
    "SubscriptionChange",
    "SubscriptionPhase",
    "TaxTransaction",
    "Withdrawal",
]
