"""What is said about products."""

from collections.abc import Sequence
from typing import Any

from contracts import catalog as contracts

from catalog.products.models import Price, Product


def shape(product: Product, benefits: Sequence[dict[str, Any]]) -> contracts.Product:
    """The public shape of a product; `benefits` are those of its list that exist, in order."""
    prices = [_price(price) for price in product.prices]
    return contracts.Product(
        id=product.id,
        created_at=product.created_at,
        modified_at=product.modified_at,
        trial_interval=None,
        trial_interval_count=None,
        name=product.name,
        description=product.description,
        visibility=product.visibility,
        recurring_interval=product.recurring_interval,
        recurring_interval_count=product.recurring_interval_count,
        meter_interval=None,
        meter_interval_count=None,
        is_recurring=product.is_recurring,
        is_archived=product.is_archived,
        is_deletable=False,
        organization_id=product.organization_id,
        metadata=product.user_metadata,
        prices=[price for price in prices if not price.is_archived],
        archived_prices=[price for price in prices if price.is_archived],
        benefits=[contracts.ProductBenefit.model_validate(benefit, extra="ignore") for benefit in benefits],
        medias=[],
        attached_custom_fields=[],
    )


def _price(price: Price) -> contracts.Price:
    return contracts.Price(
        id=price.id,
        created_at=price.created_at,
        modified_at=price.modified_at,
        source="catalog",
        amount_type=price.amount_type,
        price_currency=price.price_currency,
        tax_behavior=price.tax_behavior,
        is_archived=price.is_archived,
        product_id=price.product_id,
        price_amount=price.price_amount if price.amount_type == "fixed" else None,
        minimum_amount=price.minimum_amount,
        maximum_amount=price.maximum_amount,
        preset_amount=price.preset_amount,
    )


def product_created(product: Product, data: contracts.Product) -> contracts.ProductCreatedV1:
    """A product exists."""
    return contracts.ProductCreatedV1(
        subject=product.id, organization_id=product.organization_id, time=product.created_at, data=data
    )


def product_updated(product: Product, data: contracts.Product) -> contracts.ProductUpdatedV1:
    """A product, its prices or its benefits changed."""
    return contracts.ProductUpdatedV1(
        subject=product.id,
        organization_id=product.organization_id,
        time=product.modified_at or product.created_at,
        data=data,
    )
