"""What is said about products."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from contracts import catalog as contracts
from pricing.inputs import with_ends

from catalog.products.models import Price, Product


@dataclass(frozen=True)
class Surroundings:
    """What products show of other resources, by id; what does not exist any more is not in it."""

    benefits: Mapping[UUID, dict[str, Any]] = field(default_factory=dict)
    medias: Mapping[UUID, dict[str, Any]] = field(default_factory=dict)
    custom_fields: Mapping[UUID, dict[str, Any]] = field(default_factory=dict)
    meters: Mapping[UUID, dict[str, Any]] = field(default_factory=dict)


def shape(product: Product, around: Surroundings) -> contracts.Product:
    """The public shape of a product."""
    prices = [_price(price, around) for price in product.prices]
    benefits = [around.benefits[id] for id in product.benefit_ids if id in around.benefits]
    asked = [
        {
            "custom_field_id": one["custom_field_id"],
            "custom_field": around.custom_fields[id],
            "required": one["required"],
        }
        for one in product.custom_fields
        if (id := UUID(one["custom_field_id"])) in around.custom_fields
    ]
    return contracts.Product(
        id=product.id,
        created_at=product.created_at,
        modified_at=product.modified_at,
        trial_interval=product.trial_interval,
        trial_interval_count=product.trial_interval_count,
        name=product.name,
        description=product.description,
        visibility=product.visibility,
        recurring_interval=product.recurring_interval,
        recurring_interval_count=product.recurring_interval_count,
        meter_interval=product.meter_interval,
        meter_interval_count=product.meter_interval_count,
        is_recurring=product.is_recurring,
        is_archived=product.is_archived,
        is_deletable=not product.in_use,
        organization_id=product.organization_id,
        metadata=product.user_metadata,
        prices=[price for price in prices if not price.is_archived],
        archived_prices=[price for price in prices if price.is_archived],
        benefits=[contracts.ProductBenefit.model_validate(benefit, extra="ignore") for benefit in benefits],
        medias=[around.medias[id] for id in product.media_ids if id in around.medias],
        attached_custom_fields=[{**one, "order": order} for order, one in enumerate(asked)],
        is_deleted=product.deleted_at is not None,
    )


def _price(price: Price, around: Surroundings) -> contracts.Price:
    terms = with_ends(price.amount_type, price.terms or {})
    if "meter_id" in terms:
        terms["meter"] = around.meters.get(UUID(terms["meter_id"]))
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
        **terms,
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
