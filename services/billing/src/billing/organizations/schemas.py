"""What a customer is shown of a seller and of what it sells."""

from typing import Any

_PRIVATE = {"metadata", "properties", "visibility", "visibility_configurable"}


def product_for_customers(product: dict[str, Any], organization: dict[str, Any]) -> dict[str, Any]:
    """A product with its seller, without what is the merchant's own: metadata, and the properties of benefits."""
    benefits = [
        {name: value for name, value in benefit.items() if name not in _PRIVATE} for benefit in product["benefits"]
    ]
    hidden = {"metadata", "archived_prices", "attached_custom_fields", "is_deletable"}
    shown = {name: value for name, value in product.items() if name not in hidden}
    return {**shown, "benefits": benefits, "organization": organization}
