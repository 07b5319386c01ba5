"""Every table of the service, for Alembic."""

from catalog.benefits.models import Benefit
from catalog.products.models import Price, Product

__all__ = ["Benefit", "Price", "Product"]
