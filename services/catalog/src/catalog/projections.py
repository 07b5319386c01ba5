"""What others copy from catalog, and what it copies from them."""

from contracts.catalog import CatalogDriftedV1, ProductDigestedV1, ProductReplayedV1
from servicekit.projections import Projections

from catalog.benefits.consumers import consumers as benefits
from catalog.benefits.models import Benefit
from catalog.products.models import Product

projections = Projections("catalog", CatalogDriftedV1)
projections.own("product", Product, ProductDigestedV1, ProductReplayedV1, copied_by=["checkout", "benefits"])
projections.keep("benefit", Benefit, benefits)
