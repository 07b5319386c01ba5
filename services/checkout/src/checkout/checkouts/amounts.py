"""What a checkout comes to: its discount, and product and price looked at once more before money moves."""

from contracts import checkout as contracts
from pricing.discounts import Snapshot, amount_off
from pricing.prices import static_amount
from servicekit.errors import InvalidInput
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.checkouts.models import Checkout
from checkout.checkouts.schemas import CheckoutConfirm, CheckoutCreate, CheckoutUpdate, CheckoutUpdatePublic
from checkout.discounts import operations as discounts
from checkout.discounts.models import Discount
from checkout.products.models import Product


def reprice(checkout: Checkout, discount: Discount | None) -> None:
    """Computes the amounts anew, in minor units; what a buyer chose to pay stays."""
    price = checkout.price
    if price.amount_type != "custom":
        checkout.amount = static_amount(price, seats=checkout.seats, units=checkout.units)
    checkout.discount_amount = amount_off(discount, checkout.amount, checkout.currency)


async def apply_code(session: AsyncSession, checkout: Checkout, code: str | None) -> None:
    """Applies a code that the buyer typed; an empty one takes the discount away. Raises `InvalidInput`."""
    if not code:
        _set_discount(checkout, None, None)
        return
    if not checkout.allow_discount_codes:
        raise InvalidInput(("body", "discount_code"), "Discount codes are not allowed on this checkout")
    discount = await discounts.by_code(session, checkout.organization_id, code)
    await _apply(session, checkout, discount, ("body", "discount_code"))


def names_another(checkout: Checkout, request: CheckoutConfirm) -> bool:
    """Whether a confirmation names another discount code than the present one's; an empty one is none."""
    if "discount_code" not in request.model_fields_set:
        return False
    if not request.discount_code:
        return checkout.discount_id is not None
    present = (checkout.discount_data or {}).get("code") or ""
    return request.discount_code.casefold() != present.casefold()


async def choose_discount(
    session: AsyncSession, checkout: Checkout, changes: CheckoutCreate | CheckoutUpdate | CheckoutUpdatePublic
) -> None:
    """Applies the discount that is named, or the present one anew. Raises `InvalidInput` where it does not apply."""
    if "discount_code" in changes.model_fields_set and getattr(changes, "discount_id", None) is None:
        await apply_code(session, checkout, changes.discount_code)
        return
    discount_id = checkout.discount_id
    if isinstance(changes, CheckoutCreate | CheckoutUpdate) and "discount_id" in changes.model_fields_set:
        discount_id = changes.discount_id
    if discount_id is None:
        _set_discount(checkout, None, None)
        return
    discount = await discounts.by_id(session, checkout.organization_id, discount_id)
    await _apply(session, checkout, discount, ("body", "discount_id"))


async def _apply(session: AsyncSession, checkout: Checkout, discount: Discount | None, loc: tuple[str, ...]) -> None:
    if discount is None or not await discounts.is_live(session, discount, checkout.id):
        raise InvalidInput(loc, "Discount does not exist")
    if not discount.applies_to(checkout.product_id, checkout.currency):
        in_others = any(discount.applies_to(checkout.product_id, one) for one in discount.amounts or {})
        raise InvalidInput(loc, f"Discount does not apply {'in this currency' if in_others else 'to this product'}")
    _set_discount(checkout, discount, (await discounts.shapes(session, [discount]))[0])


def _set_discount(checkout: Checkout, discount: Discount | None, data: contracts.Discount | None) -> None:
    checkout.discount_id = discount.id if discount else None
    checkout.discount_data = data.model_dump(mode="json") if data else None
    reprice(checkout, discount)


async def refresh_terms(session: AsyncSession, checkout: Checkout) -> Discount | None:
    """Looks at product, price and discount once more before money moves. Raises `InvalidInput` naming what is gone."""
    product = await session.get(Product, checkout.product_id)
    price_id = str(checkout.price_id)
    is_priced = checkout.has_ad_hoc_price or (product is not None and price_id in product.price_ids)
    if product is None or product.data["is_archived"] or not is_priced:
        raise InvalidInput(("body", "product_price_id"), "Price is no longer on sale")
    checkout.keep_product(product.data)
    if checkout.discount_id is None:
        reprice(checkout, None)
        return None
    discount = await discounts.by_id(session, checkout.organization_id, checkout.discount_id)
    if discount is not None:
        ensure_applies(checkout, discount)
    reprice(checkout, discount)
    return discount


def ensure_applies(checkout: Checkout, discount: Discount) -> None:
    """For a discount whose products or currencies the seller changed meanwhile. Raises `InvalidInput` naming it."""
    if not discount.applies_to(checkout.product_id, checkout.currency):
        raise InvalidInput(("body", "discount_id"), "The discount does not apply to this product any more")


def ensure_as_shown(checkout: Checkout) -> None:
    """For a discount whose value the seller changed since the buyer was shown it, and which was applied anew.

    Raises `InvalidInput` where it takes off less: nobody is charged more than they were shown.
    """
    shown = amount_off(Snapshot.of(checkout.discount_data), checkout.amount, checkout.currency)
    if checkout.discount_amount < shown:
        raise InvalidInput(("body", "discount_id"), "The discount was changed: update the checkout for its new total")
