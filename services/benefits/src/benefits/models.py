"""Every table of the service, for Alembic."""

from benefits.benefit_grants.models import BenefitGrant, Entitlement
from benefits.benefits.models import Benefit, BenefitChange
from benefits.customers.models import Customer
from benefits.downloadables.models import Download
from benefits.files.models import File
from benefits.license_keys.models import LicenseKey, LicenseKeyActivation
from benefits.oauth_accounts.models import OAuthAccount, OAuthLogin
from benefits.organizations.models import Organization
from benefits.products.models import Product, ProductChange
from benefits.signing_keys.models import SigningKey

__all__ = [
    "Benefit",
    "BenefitChange",
    "BenefitGrant",
    "Customer",
    "Download",
    "Entitlement",
    "File",
    "LicenseKey",
    "LicenseKeyActivation",
    "OAuthAccount",
    "OAuthLogin",
    "Organization",
    "Product",
    "ProductChange",
    "SigningKey",
]
