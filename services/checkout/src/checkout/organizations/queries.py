"""What a seller shows to everybody: itself, and what it sells in public."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.organizations.models import Organization
from checkout.products.models import Product

SHOWN = (
    "id", "created_at", "modified_at", "name", "slug", "avatar_url", "proration_behavior", "allow_customer_updates",
    "customer_portal_settings",
)  # fmt: skip
PRODUCTS = 100
_PRIVATE = {"metadata", "properties", "visibility", "visibility_configurable"}
_HIDDEN = {"metadata", "archived_prices", "attached_custom_fields", "is_deletable"}


async def storefront(session: AsyncSession, slug: str) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
    """The organization and its public products on sale, the latest 100; None when there is no such organization.

    An id works as well as a slug: a customer's orders and subscriptions name their seller by its id.
    """
    by_id = _id_of(slug)
    found = select(Organization).where(
        Organization.data["slug"].astext == slug if by_id is None else Organization.id == by_id
    )
    organization = (await session.execute(found)).scalar_one_or_none()
    if organization is None:
        return None
    on_sale = select(Product.data).where(
        Product.organization_id == organization.id,
        Product.data["visibility"].astext == "public",
        Product.data["is_archived"].astext == "false",
    )
    products = (await session.execute(on_sale.order_by(Product.id.desc()).limit(PRODUCTS))).scalars()
    shown = {name: organization.data[name] for name in SHOWN} | {
        "organization_features": None,
        "branding": organization.data.get("branding") or {},
        "consumer_rights": organization.data.get("consumer_rights") or {},
    }
    return shown, [_public(product) for product in products]


def _id_of(text: str) -> UUID | None:
    """The id that a text is; None where it is none."""
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None


async def subscription_settings(session: AsyncSession, organization_id: UUID) -> dict[str, Any] | None:
    """How a seller's subscriptions behave; None before the seller is known here."""
    organization = await session.get(Organization, organization_id)
    return None if organization is None else organization.data.get("subscription_settings") or {}


def _public(product: dict[str, Any]) -> dict[str, Any]:
    """Without what is the merchant's own: metadata, and the properties of benefits."""
    benefits = [
        {name: value for name, value in benefit.items() if name not in _PRIVATE} for benefit in product["benefits"]
    ]
    return {name: value for name, value in product.items() if name not in _HIDDEN} | {"benefits": benefits}
