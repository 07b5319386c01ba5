"""`/v1/customer-portal/organizations/{slug}`: a seller as everybody may see it."""

from typing import Any

from pydantic import BaseModel
from servicekit.errors import ResourceNotFound, responses
from servicekit.routing import ResourceRouter, SessionOf

from checkout.organizations.queries import storefront

portal_router = ResourceRouter("/customer-portal/organizations", "customer_portal:organizations")


class CustomerOrganizationData(BaseModel):
    """A seller, and its public products."""

    organization: dict[str, Any]
    products: list[dict[str, Any]]


@portal_router.get("/{slug}", name="get", responses=responses(ResourceNotFound))
async def get(slug: str, session: SessionOf) -> CustomerOrganizationData:
    """Gets a seller by its slug or its id, with what it sells in public."""
    found = await storefront(session, slug)
    if found is None:
        raise ResourceNotFound()
    organization, products = found
    return CustomerOrganizationData(organization=organization, products=products)
