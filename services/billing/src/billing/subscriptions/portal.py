"""What a seller lets its customers change of their subscriptions by themselves."""

from typing import Any

from billing.organizations.models import Organization
from billing.subscriptions.errors import (
    PauseResumeNotAllowed,
    UpdateSubscriptionPlanNotAllowed,
    UpdateSubscriptionSeatsNotAllowed,
    UpdateSubscriptionUnitsNotAllowed,
)


def ensure_allowed(organization: Organization | None, verb: str | None) -> None:
    """Raises the refusal that the SDKs know where the seller's settings do not let customers do this.

    To cancel, and to drop a change that waits, is always allowed. Units follow the plan where nothing is said of them;
    pausing must be allowed by name.
    """
    data: dict[str, Any] = organization.data if organization is not None else {}
    settings: dict[str, Any] = data.get("customer_portal_settings", {}).get("subscription", {})
    may_change = bool(data.get("allow_customer_updates", True))
    may_plan = may_change and bool(settings.get("update_plan", True))
    if verb == "product_id" and not may_plan:
        raise UpdateSubscriptionPlanNotAllowed("Changing the plan is not allowed")
    if verb == "seats" and not (may_change and settings.get("update_seats", True)):
        raise UpdateSubscriptionSeatsNotAllowed("Changing the seats is not allowed")
    by_units = settings.get("update_units")
    if verb == "units" and not (may_plan if by_units is None else may_change and by_units):
        raise UpdateSubscriptionUnitsNotAllowed("Changing the units is not allowed")
    if verb in ("pause_at_period_end", "resume") and not settings.get("pause"):
        raise PauseResumeNotAllowed("Pausing and resuming is not allowed")
