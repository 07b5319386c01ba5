"""Every table of the service, for Alembic."""

from catalog.benefits.models import Benefit
from catalog.custom_fields.models import CustomField
from catalog.files.models import File
from catalog.meters.models import Meter
from catalog.products.models import Price, Product

__all__ = ["Benefit", "CustomField", "File", "Meter", "Price", "Product"]
