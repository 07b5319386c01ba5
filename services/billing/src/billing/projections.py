"""What others copy from billing."""

from contracts.billing import CustomerDigestedV1, CustomerReplayedV1
from servicekit.projections import Projections

from billing.customers.models import Customer

projections = Projections("billing")
projections.own("customer", Customer, CustomerDigestedV1, CustomerReplayedV1, copied_by=["checkout", "benefits"])
