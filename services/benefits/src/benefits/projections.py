"""What others copy from benefits, and what it copies from them."""

from contracts.benefits import BenefitDigestedV1, BenefitReplayedV1, BenefitsDriftedV1
from servicekit.projections import Projections

from benefits.benefits.models import Benefit
from benefits.customers.consumers import consumers as customers
from benefits.customers.models import Customer
from benefits.products.consumers import consumers as products
from benefits.products.models import Product

projections = Projections("benefits", BenefitsDriftedV1)
projections.own("benefit", Benefit, BenefitDigestedV1, BenefitReplayedV1, copied_by=["catalog"])
projections.keep("product", Product, products)
projections.keep("customer", Customer, customers)
