"""What others copy from catalog, and what it copies from them."""

from contracts.catalog import (
    CatalogDriftedV1,
    FileDigestedV1,
    FileReplayedV1,
    ProductDigestedV1,
    ProductReplayedV1,
)
from servicekit.projections import Projections

from catalog.benefits.consumers import consumers as benefits
from catalog.benefits.models import Benefit
from catalog.files.models import File
from catalog.meters.consumers import consumers as meters
from catalog.meters.models import Meter
from catalog.products.models import Product

projections = Projections("catalog", CatalogDriftedV1)
projections.own("product", Product, ProductDigestedV1, ProductReplayedV1, copied_by=["checkout", "benefits", "billing"])
projections.own("file", File, FileDigestedV1, FileReplayedV1, copied_by=["benefits"])
projections.keep("benefit", Benefit, benefits)
projections.keep("meter", Meter, meters)
