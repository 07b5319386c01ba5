"""Every table of the service, for Alembic."""

from benefits.benefit_connections.models import BenefitConnection
from benefits.benefit_grants.models import BenefitGrant, Entitlement
from benefits.benefits.models import Benefit, BenefitChange
from benefits.customers.models import Customer
from benefits.downloadables.models import Download
from benefits.files.models import File
from benefits.license_keys.models import LicenseKey, LicenseKeyActivation
from benefits.logins.models import Login
from benefits.meters.models import Meter
from benefits.oauth_accounts.models import OAuthAccount
from benefits.organizations.models import Organization
from benefits.products.models import Product, ProductChange
from benefits.signing_keys.models import SigningKey

__all__ = [
    "Benefit",
    "BenefitChange",
    "BenefitConnection",
    "BenefitGrant",
    "Customer",
    "Download",
    "Entitlement",
    "File",
    "LicenseKey",
    "LicenseKeyActivation",
    "Login",
    "Meter",
    "OAuthAccount",
    "Organization",
    "Product",
    "ProductChange",
    "SigningKey",
]
