"""Every table of the service, for Alembic."""

from identity.organization_access_tokens.models import AccessToken
from identity.organizations.models import Organization

__all__ = ["AccessToken", "Organization"]
