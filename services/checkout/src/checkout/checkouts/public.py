"""What whoever has a client secret sees of what is sold: nothing that the seller keeps, or gives to buyers alone.

Anybody who follows a link has a secret. A benefit's properties are what is bought: its note, its files, its repository.
"""

from typing import Any

_SHOWN = "meter_credit"
"""The kind of benefit whose properties say how much is bought, and nothing that could be taken."""


def without_private(checkout: dict[str, Any]) -> dict[str, Any]:
    """The fields of a checkout without metadata, the properties of benefits, and the terms of others' discounts."""
    product, discount = checkout["product"], checkout["discount"]
    return {
        **checkout,
        "product": _product(product) if product is not None else None,
        "products": [_product(one) for one in checkout["products"]],
        "attached_custom_fields": _asked(checkout["attached_custom_fields"] or []),
        "discount": _discount(discount) if discount is not None else None,
    }


def _product(product: dict[str, Any]) -> dict[str, Any]:
    benefits = [
        {**one, "metadata": {}, "properties": one["properties"] if one["type"] == _SHOWN else {}}
        for one in product["benefits"]
    ]
    asked = _asked(product["attached_custom_fields"])
    return {**product, "metadata": {}, "benefits": benefits, "attached_custom_fields": asked}


def _asked(fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**one, "custom_field": {**one["custom_field"], "metadata": {}}} for one in fields]


def _discount(discount: dict[str, Any]) -> dict[str, Any]:
    hidden = {"metadata": {}, "products": [], "redemptions_count": 0, "max_redemptions": None}
    return {**discount, **hidden}
