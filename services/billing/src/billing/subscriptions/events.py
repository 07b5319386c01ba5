"""What is said about subscriptions."""

from datetime import datetime
from typing import Any, TypeVar

from contracts import billing as contracts
from contracts.catalog import Price, Product
from contracts.checkout import Discount
from contracts.event import Event

from billing.customers import events as customers
from billing.customers.models import Customer
from billing.subscriptions.models import Subscription

Told = TypeVar("Told", bound=Event[contracts.Subscription])
_TOLERANT: Any = {"extra": "ignore", "context": {"tolerant": True}}


def _summary(subscription: Subscription) -> dict[str, Any]:
    return {
        "id": subscription.id,
        "created_at": subscription.created_at,
        "modified_at": subscription.modified_at,
        "metadata": subscription.user_metadata,
        "amount": subscription.amount,
        "currency": subscription.currency,
        "recurring_interval": subscription.recurring_interval,
        "recurring_interval_count": subscription.recurring_interval_count,
        "status": subscription.status,
        "current_period_start": subscription.current_period_start,
        "current_period_end": subscription.current_period_end,
        "current_meter_period_start": None,
        "current_meter_period_end": None,
        "trial_start": subscription.trial_start,
        "trial_end": subscription.trial_end,
        "cancel_at_period_end": subscription.cancel_at_period_end,
        "canceled_at": subscription.canceled_at,
        "started_at": subscription.started_at,
        "ends_at": subscription.ends_at,
        "ended_at": subscription.ended_at,
        "past_due_at": subscription.past_due_at,
        "pause_at_period_end": subscription.pause_at_period_end,
        "paused_at": subscription.paused_at,
        "resumes_at": subscription.resumes_at,
        "customer_id": subscription.customer_id,
        "product_id": subscription.product_id,
        "discount_id": subscription.discount_id,
        "checkout_id": subscription.checkout_id,
        "seats": subscription.seats,
        "units": subscription.units,
        "customer_cancellation_reason": subscription.customer_cancellation_reason,
        "customer_cancellation_comment": subscription.customer_cancellation_comment,
    }


def summary(subscription: Subscription) -> contracts.SubscriptionSummary:
    """A subscription as its orders show it."""
    return contracts.SubscriptionSummary(**_summary(subscription))


def shape(subscription: Subscription, customer: Customer) -> contracts.Subscription:
    """The public shape of a subscription."""
    discount = subscription.discount_data
    return contracts.Subscription(
        **_summary(subscription),
        organization_id=subscription.organization_id,
        custom_field_data=subscription.custom_field_data,
        customer=customers.shape(customer),
        product=Product.model_validate(subscription.product_data, **_TOLERANT),
        discount=Discount.model_validate(discount, **_TOLERANT) if discount else None,
        prices=[Price.model_validate(subscription.price_data, **_TOLERANT)],
        meters=[],
        pending_update=subscription.pending_update,
    )


def told(contract: type[Told], subscription: Subscription, data: contracts.Subscription, at: datetime) -> Told:
    """One of the events about a subscription, with its shape after the change."""
    return contract(subject=subscription.id, organization_id=subscription.organization_id, time=at, data=data)
