"""What others copy from metering, and what it copies from them."""

from contracts.metering import MeterDigestedV1, MeteringDriftedV1, MeterReplayedV1
from servicekit.projections import Projections

from metering.customers.consumers import consumers as customers
from metering.customers.models import Customer
from metering.meters.models import Meter

projections = Projections("metering", MeteringDriftedV1)
projections.own("meter", Meter, MeterDigestedV1, MeterReplayedV1, copied_by=["catalog", "benefits"])
projections.keep("customer", Customer, customers)
