"""Every table of the service, for Alembic."""

from benefits.benefit_grants.models import BenefitGrant, Entitlement
from benefits.benefits.models import Benefit
from benefits.customers.models import Customer
from benefits.license_keys.models import LicenseKey, LicenseKeyActivation
from benefits.products.models import Product, ProductChange

__all__ = [
    "Benefit",
    "BenefitGrant",
    "Customer",
    "Entitlement",
    "LicenseKey",
    "LicenseKeyActivation",
    "Product",
    "ProductChange",
]
