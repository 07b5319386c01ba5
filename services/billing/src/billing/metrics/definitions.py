"""Every metric by its slug: what it is called, the unit of its values, and the facts that it is computed from."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Unit = Literal["scalar", "currency", "currency_sub_cent", "percentage"]
"""A count; integer minor units; minor units with fractions; or a share of 1."""


class Fact(StrEnum):
    """What is read once for all metrics that need it."""

    ORDERS = "orders"
    RETURNS = "returns"
    PHASES = "phases"
    PAYERS = "payers"
    CHURN = "churn"
    CANCELLATIONS = "cancellations"
    CHECKOUTS = "checkouts"
    SEATS = "seats"
    SEAT_CUSTOMERS = "seat_customers"
    COSTS = "costs"


class Slug(StrEnum):
    """The metrics, as the official SDKs name them."""

    ACTIVE_SUBSCRIPTIONS = "active_subscriptions"
    COMMITTED_SUBSCRIPTIONS = "committed_subscriptions"
    MONTHLY_RECURRING_REVENUE = "monthly_recurring_revenue"
    TRIAL_MONTHLY_RECURRING_REVENUE = "trial_monthly_recurring_revenue"
    COMMITTED_MONTHLY_RECURRING_REVENUE = "committed_monthly_recurring_revenue"
    TRIAL_COMMITTED_MONTHLY_RECURRING_REVENUE = "trial_committed_monthly_recurring_revenue"
    AVERAGE_REVENUE_PER_USER = "average_revenue_per_user"
    CHECKOUTS = "checkouts"
    SUCCEEDED_CHECKOUTS = "succeeded_checkouts"
    CHURNED_SUBSCRIPTIONS = "churned_subscriptions"
    CHURN_RATE = "churn_rate"
    SEATS_TOTAL = "seats_total"
    SEATS_CLAIMED = "seats_claimed"
    SEATS_PENDING = "seats_pending"
    SEAT_CUSTOMERS = "seat_customers"
    NEW_SEAT_CUSTOMERS = "new_seat_customers"
    CHURNED_SEAT_CUSTOMERS = "churned_seat_customers"
    ORDERS = "orders"
    REVENUE = "revenue"
    NET_REVENUE = "net_revenue"
    CUMULATIVE_REVENUE = "cumulative_revenue"
    NET_CUMULATIVE_REVENUE = "net_cumulative_revenue"
    COSTS = "costs"
    CUMULATIVE_COSTS = "cumulative_costs"
    AVERAGE_ORDER_VALUE = "average_order_value"
    NET_AVERAGE_ORDER_VALUE = "net_average_order_value"
    COST_PER_USER = "cost_per_user"
    ACTIVE_USER_BY_EVENT = "active_user_by_event"
    ONE_TIME_PRODUCTS = "one_time_products"
    ONE_TIME_PRODUCTS_REVENUE = "one_time_products_revenue"
    ONE_TIME_PRODUCTS_NET_REVENUE = "one_time_products_net_revenue"
    NEW_SUBSCRIPTIONS = "new_subscriptions"
    NEW_SUBSCRIPTIONS_REVENUE = "new_subscriptions_revenue"
    NEW_SUBSCRIPTIONS_NET_REVENUE = "new_subscriptions_net_revenue"
    RENEWED_SUBSCRIPTIONS = "renewed_subscriptions"
    RENEWED_SUBSCRIPTIONS_REVENUE = "renewed_subscriptions_revenue"
    RENEWED_SUBSCRIPTIONS_NET_REVENUE = "renewed_subscriptions_net_revenue"
    CANCELED_SUBSCRIPTIONS = "canceled_subscriptions"
    CANCELED_SUBSCRIPTIONS_CUSTOMER_SERVICE = "canceled_subscriptions_customer_service"
    CANCELED_SUBSCRIPTIONS_LOW_QUALITY = "canceled_subscriptions_low_quality"
    CANCELED_SUBSCRIPTIONS_MISSING_FEATURES = "canceled_subscriptions_missing_features"
    CANCELED_SUBSCRIPTIONS_SWITCHED_SERVICE = "canceled_subscriptions_switched_service"
    CANCELED_SUBSCRIPTIONS_TOO_COMPLEX = "canceled_subscriptions_too_complex"
    CANCELED_SUBSCRIPTIONS_TOO_EXPENSIVE = "canceled_subscriptions_too_expensive"
    CANCELED_SUBSCRIPTIONS_UNUSED = "canceled_subscriptions_unused"
    CANCELED_SUBSCRIPTIONS_OTHER = "canceled_subscriptions_other"
    ANNUAL_RECURRING_REVENUE = "annual_recurring_revenue"
    COMMITTED_ANNUAL_RECURRING_REVENUE = "committed_annual_recurring_revenue"
    CHECKOUTS_CONVERSION = "checkouts_conversion"
    LTV = "ltv"
    GROSS_MARGIN = "gross_margin"
    GROSS_MARGIN_PERCENTAGE = "gross_margin_percentage"
    CASHFLOW = "cashflow"
    AVERAGE_SEATS_PER_CUSTOMER = "average_seats_per_customer"
    SEAT_UTILIZATION_RATE = "seat_utilization_rate"


@dataclass(frozen=True)
class Definition:
    """One metric: its name for people, the unit of its values, and what it is computed from."""

    display_name: str
    unit: Unit
    needs: frozenset[Fact]


def _named(slug: Slug) -> str:
    special = {
        Slug.AVERAGE_REVENUE_PER_USER: "Average Revenue Per User (ARPU)",
        Slug.ACTIVE_USER_BY_EVENT: "Active Users By Event",
        Slug.CHECKOUTS_CONVERSION: "Checkouts Conversion Rate",
        Slug.LTV: "Lifetime Value (LTV)",
        Slug.GROSS_MARGIN_PERCENTAGE: "Gross Margin %",
        Slug.ONE_TIME_PRODUCTS: "One-Time Products",
        Slug.ONE_TIME_PRODUCTS_REVENUE: "One-Time Products Revenue",
        Slug.ONE_TIME_PRODUCTS_NET_REVENUE: "One-Time Products Net Revenue",
    }
    reason = slug.removeprefix("canceled_subscriptions_")
    if reason != slug:
        return f"Canceled Subscriptions - {reason.replace('_', ' ').title()}"
    return special.get(slug) or slug.replace("_", " ").title()


_PERCENTAGES = {
    Slug.CHURN_RATE, Slug.CHECKOUTS_CONVERSION, Slug.GROSS_MARGIN_PERCENTAGE, Slug.SEAT_UTILIZATION_RATE,
}  # fmt: skip
_SUB_CENT = {Slug.COSTS, Slug.CUMULATIVE_COSTS, Slug.COST_PER_USER}


def _unit(slug: Slug) -> Unit:
    if slug in _PERCENTAGES:
        return "percentage"
    if slug in _SUB_CENT:
        return "currency_sub_cent"
    money = ("revenue", "order_value", "revenue_per_user", "ltv", "gross_margin", "cashflow")
    return "currency" if slug.endswith(money) else "scalar"


def _needs(slug: Slug) -> Iterable[Fact]:
    match slug:
        case Slug.LTV:
            return (Fact.PHASES, Fact.PAYERS, Fact.CHURN, Fact.COSTS)
        case Slug.GROSS_MARGIN | Slug.GROSS_MARGIN_PERCENTAGE | Slug.CASHFLOW:
            return (Fact.ORDERS, Fact.COSTS)
        case Slug.COSTS | Slug.CUMULATIVE_COSTS | Slug.COST_PER_USER | Slug.ACTIVE_USER_BY_EVENT:
            return (Fact.COSTS,)
        case Slug.AVERAGE_REVENUE_PER_USER:
            return (Fact.PHASES, Fact.PAYERS)
        case Slug.CHURN_RATE | Slug.CHURNED_SUBSCRIPTIONS:
            return (Fact.CHURN,)
    if "seat" in slug:
        return (Fact.SEATS, Fact.SEAT_CUSTOMERS)
    if "checkouts" in slug:
        return (Fact.CHECKOUTS,)
    if slug.startswith("canceled_"):
        return (Fact.CANCELLATIONS,)
    if "recurring" in slug or slug in (Slug.ACTIVE_SUBSCRIPTIONS, Slug.COMMITTED_SUBSCRIPTIONS):
        return (Fact.PHASES,)
    return (Fact.ORDERS, Fact.RETURNS) if "net_" in slug else (Fact.ORDERS,)


METRICS: dict[Slug, Definition] = {
    slug: Definition(_named(slug), _unit(slug), frozenset(_needs(slug))) for slug in Slug
}
