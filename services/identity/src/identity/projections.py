"""What others copy from identity."""

from contracts.identity import OrganizationDigestedV1, OrganizationReplayedV1
from servicekit.projections import Projections

from identity.organizations.models import Organization

projections = Projections("identity")
projections.own("organization", Organization, OrganizationDigestedV1, OrganizationReplayedV1, copied_by=["checkout"])
