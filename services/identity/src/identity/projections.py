"""What others copy from identity, and what it copies from them."""

from contracts.identity import IdentityDriftedV1, OrganizationDigestedV1, OrganizationReplayedV1
from servicekit.projections import Projections

from identity.customers.consumers import consumers as customers
from identity.customers.models import Customer
from identity.members.consumers import consumers as members
from identity.members.models import Member
from identity.organizations.models import Organization

projections = Projections("identity", IdentityDriftedV1)
projections.own(
    "organization",
    Organization,
    OrganizationDigestedV1,
    OrganizationReplayedV1,
    copied_by=["checkout", "billing", "benefits"],
)
projections.keep("customer", Customer, customers)
projections.keep("member", Member, members)
