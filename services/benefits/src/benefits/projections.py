"""What others copy from benefits, and what it copies from them."""

from contracts.benefits import (
    BenefitDigestedV1,
    BenefitGrantDigestedV1,
    BenefitGrantReplayedV1,
    BenefitReplayedV1,
    BenefitsDriftedV1,
)
from servicekit.projections import Projections

from benefits.benefit_grants.models import BenefitGrant
from benefits.benefits.models import Benefit
from benefits.customers.consumers import consumers as customers
from benefits.customers.models import Customer
from benefits.files.consumers import consumers as files
from benefits.files.models import File
from benefits.meters.consumers import consumers as meters
from benefits.meters.models import Meter
from benefits.organizations.consumers import consumers as organizations
from benefits.organizations.models import Organization
from benefits.products.consumers import consumers as products
from benefits.products.models import Product

projections = Projections("benefits", BenefitsDriftedV1)
projections.own("benefit", Benefit, BenefitDigestedV1, BenefitReplayedV1, copied_by=["catalog"])
projections.own("benefit_grant", BenefitGrant, BenefitGrantDigestedV1, BenefitGrantReplayedV1, copied_by=["billing"])
projections.keep("product", Product, products)
projections.keep("customer", Customer, customers)
projections.keep("file", File, files)
projections.keep("organization", Organization, organizations)
projections.keep("meter", Meter, meters)
