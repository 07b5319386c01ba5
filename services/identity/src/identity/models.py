"""Every table of the service, for Alembic."""

from identity.customer_sessions.models import CustomerSession
from identity.customers.models import Customer
from identity.email_updates.models import EmailUpdate
from identity.login_codes.models import LoginCode, LoginRequest
from identity.member_sessions.models import MemberSession
from identity.members.models import Member
from identity.organization_access_tokens.models import AccessToken
from identity.organizations.models import Organization
from identity.purchases.models import FirstPurchase
from identity.test_clocks.models import TestClock, TestClockReport

__all__ = [
    "AccessToken", "Customer", "CustomerSession", "EmailUpdate", "FirstPurchase", "LoginCode", "LoginRequest", "Member",
    "MemberSession", "Organization", "TestClock", "TestClockReport",
]  # fmt: skip
