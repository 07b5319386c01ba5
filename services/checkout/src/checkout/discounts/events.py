"""What is said about discounts."""

from collections.abc import Sequence

from contracts import checkout as contracts

from checkout.discounts.models import Discount
from checkout.products.models import Product


def shape(discount: Discount, products: Sequence[Product]) -> contracts.Discount:
    """The public shape of a discount; `products` are those that it is limited to."""
    first = next(iter((discount.amounts or {}).items()), (None, None))
    return contracts.Discount(
        id=discount.id,
        created_at=discount.created_at,
        modified_at=discount.modified_at,
        organization_id=discount.organization_id,
        metadata=discount.user_metadata,
        name=discount.name,
        code=discount.code,
        type=discount.type,
        duration=discount.duration,
        duration_in_months=discount.duration_in_months,
        basis_points=discount.basis_points,
        amount=first[1],
        currency=first[0],
        amounts=discount.amounts,
        starts_at=discount.starts_at,
        ends_at=discount.ends_at,
        max_redemptions=discount.max_redemptions,
        max_redemptions_per_customer=discount.max_redemptions_per_customer,
        redemptions_count=discount.redemptions_count,
        is_deleted=discount.deleted_at is not None,
        products=[
            contracts.DiscountProduct.model_validate(product.data, extra="ignore")
            for product in sorted(products, key=lambda product: product.id)
        ],
    )


def discount_created(discount: Discount, data: contracts.Discount) -> contracts.DiscountCreatedV1:
    """A discount can be used from now on."""
    return contracts.DiscountCreatedV1(
        subject=discount.id, organization_id=discount.organization_id, time=discount.created_at, data=data
    )


def discount_updated(discount: Discount, data: contracts.Discount) -> contracts.DiscountUpdatedV1:
    """A discount changed."""
    return contracts.DiscountUpdatedV1(
        subject=discount.id,
        organization_id=discount.organization_id,
        time=discount.modified_at or discount.created_at,
        data=data,
    )


def discount_deleted(discount: Discount, data: contracts.Discount) -> contracts.DiscountDeletedV1:
    """A discount can no longer be used."""
    return contracts.DiscountDeletedV1(
        subject=discount.id,
        organization_id=discount.organization_id,
        time=discount.deleted_at or discount.created_at,
        data=data,
    )
