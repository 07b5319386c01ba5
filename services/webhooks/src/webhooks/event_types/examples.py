"""An example of every event, made from its contract: a new contract has its example without another line here.

Only words that say something, and values that the SDKs' unions need to tell their members apart, are given by name.
"""

import types
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin
from uuid import NAMESPACE_URL, UUID, uuid5

from contracts.event import Event, EventClass, OneOf
from contracts.registry import PUBLIC
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from servicekit import clock, ids

BY_NAME: dict[str, EventClass] = {event.name: event for event in PUBLIC}
_AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
_COMMON: Mapping[str, Any] = {
    "email": "ada@example.com", "customer_email": "ada@example.com", "customer_name": "Ada Lovelace",
    "currency": "usd", "price_currency": "usd", "presentment_currency": "usd", "country": "GB", "city": "London",
    "line1": "1 St James's Square", "postal_code": "SW1Y 4LE", "billing_name": "Ada Lovelace",
    "url": "https://example.com", "success_url": "https://example.com/thanks", "avatar_url": None,
    "client_secret": "polar_c_example", "label": "Pro", "description": "Pro", "platform": "github",
    "recurring_interval": "month", "recurring_interval_count": 1, "visibility": "public",
    "invoice_number": "EXAMPLE-0001", "granted_at": _AT, "started_at": _AT, "is_granted": True, "enabled": True,
    "current_period_end": _AT + timedelta(days=28), "selectable": True, "deletable": True, "is_recurring": True,
    "product_id": uuid5(NAMESPACE_URL, "example/Product"), "customer_id": uuid5(NAMESPACE_URL, "example/Customer"),
    "subscription_id": uuid5(NAMESPACE_URL, "example/Subscription"), "order_id": uuid5(NAMESPACE_URL, "example/Order"),
    "benefit_id": uuid5(NAMESPACE_URL, "example/Benefit"), "member_id": None, "error": None,
    "previous_properties": None, "pending_update": None, "dispute": None, "tax_id": None, "locale": "en",
}  # fmt: skip
_OF: Mapping[str, Mapping[str, Any]] = {
    "Customer": {"name": "Ada Lovelace", "type": "individual", "email_verified": True},
    "Member": {"name": "Ada Lovelace", "role": "owner"},
    "Organization": {"name": "Example", "slug": "example", "email": "hello@example.com"},
    "Product": {"name": "Pro", "is_deletable": True},
    "Price": {"amount_type": "fixed", "price_amount": 2900, "source": "catalog", "tax_behavior": None},
    "ProductBenefit": {"type": "custom", "properties": {"note": None}},
    "Benefit": {"type": "custom", "properties": {"note": None}},
    "Discount": {
        "name": "Launch", "code": "LAUNCH", "type": "percentage", "duration": "once", "basis_points": 2000,
        "amount": None, "currency": None, "amounts": None, "duration_in_months": None, "products": [],
    },
    "Checkout": {
        "status": "open", "amount": 2900, "net_amount": 2900, "total_amount": 2900, "is_payment_required": True,
        "is_payment_form_required": True, "discount": None, "discount_id": None, "subscription_id": None,
        "order_id": None, "attached_custom_fields": [],
        "billing_address_fields": dict.fromkeys(
            ("country", "state", "city", "postal_code", "line1", "line2"), "optional"
        ),
    },
    "Order": {
        "status": "paid", "paid": True, "subtotal_amount": 2900, "net_amount": 2900, "total_amount": 2900,
        "refundable_amount": 2900, "billing_reason": "subscription_create", "discount": None, "discount_id": None,
    },
    "OrderItem": {"amount": 2900},
    "SubscriptionSummary": {"status": "active", "amount": 2900, "discount_id": None},
    "CustomerStateBenefitGrant": {"granted_at": _AT, "benefit_type": "custom"},
    "CustomerStateSubscription": {"status": "active", "amount": 2900, "discount_id": None},
    "Subscription": {"status": "active", "amount": 2900, "discount": None, "discount_id": None, "meters": []},
    "Refund": {"status": "succeeded", "reason": "customer_request", "amount": 2900, "subscription_id": None},
    "WebhookEndpoint": {
        "url": "https://example.com/webhooks", "name": "Orders", "format": "raw", "api_version": "2026-10",
        "events": ["order.paid"], "enabled": False, "failures": 20, "disabled_at": _AT,
        "disabled_reason": "It answered 410 Gone.",
    },
}  # fmt: skip


@cache
def data(event: EventClass) -> Any:
    """An example of what an event carries. Raises `pydantic.ValidationError` when the contract knows better."""
    shape: type[BaseModel] = event.model_fields["data"].annotation  # type: ignore[assignment]
    return shape.model_validate(_shape(shape))


def example(name: str, *, organization_id: UUID | None = None) -> Event[Any]:
    """An event as it would be told now, about nothing that exists. Raises `KeyError` for a name that nobody says."""
    contract = BY_NAME[name]
    shown = data(contract)
    subject = getattr(shown, "id", None) or ids.uuid7()
    event: Event[Any] = contract(
        subject=subject, organization_id=organization_id or _id("Organization"), time=clock.now(), data=shown
    )
    event.id = event.correlation_id = ids.uuid7()
    return event


def _id(name: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"example/{name}")


def _shape(shape: type[BaseModel]) -> dict[str, Any]:
    own = _OF.get(shape.__name__, {})
    made: dict[str, Any] = {}
    for name, field in shape.model_fields.items():
        if name in own:
            made[name] = own[name]
        elif name == "id":
            made[name] = _id(shape.__name__.removesuffix("Summary"))
        elif name == "organization_id":
            made[name] = _id("Organization")
        elif name in _COMMON and _fits(_COMMON[name], field):
            made[name] = _COMMON[name]
        elif field.is_required():
            made[name] = _value(Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation)
    return made


def _fits(value: Any, field: FieldInfo) -> bool:
    """Whether a value given by name is of the field's kind: another contract may use the name for something else."""
    if value is None:
        return type(None) in get_args(field.annotation)
    kinds = [get_origin(kind) or kind for kind in (get_args(field.annotation) or (field.annotation,))]
    return any(isinstance(kind, type) and isinstance(value, kind) for kind in kinds)


def _value(kind: Any) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        word = next((mark.words[0] for mark in arguments[1:] if isinstance(mark, OneOf)), None)
        return word if word is not None else _value(arguments[0])
    if origin in (Union, types.UnionType):
        inner = [one for one in arguments if one is not type(None)]
        optional = len(inner) < len(arguments)
        return None if optional and not _holds_shapes(inner[0]) else _value(inner[0])
    if origin is list:
        return [_value(arguments[0])] if _holds_shapes(arguments[0]) else []
    if origin is dict:
        return {str(_id("Product")): _value(arguments[1])} if _holds_shapes(arguments[1]) else {}
    if _is_shape(kind):
        return _shape(kind)
    simple = {UUID: _id("other"), datetime: _AT, bool: False, int: 0, float: 0.0, str: "example", Decimal: Decimal(0)}
    return simple.get(kind)


def _is_shape(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _holds_shapes(kind: Any) -> bool:
    return _is_shape(kind) or (get_origin(kind) in (list, dict) and _holds_shapes(get_args(kind)[-1]))
