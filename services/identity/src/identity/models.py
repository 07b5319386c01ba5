"""Every table of the service, for Alembic."""

from identity.customer_sessions.models import CustomerSession
from identity.customers.models import Customer
from identity.email_updates.models import EmailUpdate
from identity.login_codes.models import LoginCode
from identity.organization_access_tokens.models import AccessToken
from identity.organizations.models import Organization
from identity.purchases.models import FirstPurchase
from identity.test_clocks.models import TestClock, TestClockReport

__all__ = [
    "AccessToken", "Customer", "CustomerSession", "EmailUpdate", "FirstPurchase", "LoginCode", "Organization",
    "TestClock", "TestClockReport",
]  # fmt: skip
