"""Metrics and dashboards."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from polar.v2026_10 import Polar
from polar.v2026_10.errors import HTTPValidationError, PolarClientError

UNKNOWN = "00000000-0000-4000-8000-000000000000"
operation = pytest.mark.operation


def around(instant: str) -> dict[str, str]:
    """The dates from the day before an instant to the day after it."""
    day = datetime.fromisoformat(instant.replace("Z", "+00:00")).astimezone(UTC).date()
    return {"start_date": str(day - timedelta(days=1)), "end_date": str(day + timedelta(days=1))}


@operation("metrics.get")
def test_metrics_of_a_purchase(polar: Polar, purchase: Any) -> None:
    range_ = around(purchase.order.created_at)
    found = polar.metrics.get(
        **range_, interval="day", timezone="Europe/Berlin", customer_id=purchase.customer.id, billing_type="recurring"
    )
    assert [len(found.periods), found.totals.orders, found.totals.new_subscriptions] == [3, 1, 1]
    assert found.totals.revenue == purchase.order.net_amount
    assert found.totals.monthly_recurring_revenue == 2900
    assert (found.totals.checkouts, found.totals.checkouts_conversion) == (1, 1)
    assert (found.metrics.revenue.display_name, found.metrics.revenue.type) == ("Revenue", "currency")
    only = polar.metrics.get(**range_, interval="hour", metrics=["orders"], product_id=[purchase.order.product_id])
    assert (len(only.periods), only.totals.revenue, only.metrics.revenue) == (72, None, None)
    assert only.totals.orders >= 1
    with pytest.raises(HTTPValidationError):
        polar.metrics.get(start_date="2023-01-01", end_date="2026-01-01", interval="day")


@operation("metrics.export")
def test_export_metrics(polar: Polar, purchase: Any) -> None:
    range_ = around(purchase.order.created_at)
    text = polar.metrics.export(
        **range_, interval="month", metrics=["orders"], customer_id=purchase.customer.id, billing_type="recurring"
    )
    header, *lines = text.splitlines()
    assert header == "timestamp,currency,orders"
    assert sum(int(line.rpartition(",")[2]) for line in lines) == 1


@operation("metrics.limits")
def test_the_limits_of_metrics(polar: Polar) -> None:
    limits = polar.metrics.limits()
    assert (limits.min_date, limits.intervals.hour.max_days, limits.intervals.year.min_days) == ("2023-01-01", 7, 366)


@pytest.fixture
def dashboard(polar: Polar) -> Any:
    return polar.metrics.create_dashboard(name="Money", metrics=["revenue", "orders"])


@operation("metrics.create_dashboard")
def test_create_a_dashboard(dashboard: Any, organization: dict[str, str]) -> None:
    assert (dashboard.name, dashboard.metrics) == ("Money", ["revenue", "orders"])
    assert dashboard.organization_id == organization["organization_id"]


@operation("metrics.list_dashboards")
def test_list_dashboards(polar: Polar, dashboard: Any) -> None:
    assert dashboard.id in [found.id for found in polar.metrics.list_dashboards()]
    assert polar.metrics.list_dashboards(organization_id=UNKNOWN) == []


@operation("metrics.get_dashboard")
def test_get_a_dashboard(polar: Polar, dashboard: Any) -> None:
    assert polar.metrics.get_dashboard(dashboard.id).name == "Money"


@operation("metrics.update_dashboard")
def test_change_a_dashboard(polar: Polar, dashboard: Any) -> None:
    changed = polar.metrics.update_dashboard(dashboard.id, metrics=["ltv"])
    assert (changed.name, changed.metrics) == ("Money", ["ltv"])


@operation("metrics.delete_dashboard")
def test_delete_a_dashboard(polar: Polar, dashboard: Any) -> None:
    polar.metrics.delete_dashboard(dashboard.id)
    with pytest.raises(PolarClientError):
        polar.metrics.get_dashboard(dashboard.id)
