"""Every table of the service, for Alembic."""

from benefits.benefit_grants.models import BenefitGrant, Entitlement
from benefits.benefits.models import Benefit
from benefits.customers.models import Customer
from benefits.downloadables.models import Download
from benefits.files.models import File
from benefits.license_keys.models import LicenseKey, LicenseKeyActivation
from benefits.organizations.models import Organization
from benefits.products.models import Product, ProductChange

__all__ = [
    "Benefit",
    "BenefitGrant",
    "Customer",
    "Download",
    "Entitlement",
    "File",
    "LicenseKey",
    "LicenseKeyActivation",
    "Organization",
    "Product",
    "ProductChange",
]
