"""Why a subscription is not changed: the refusals of the API, by the names that the SDKs know."""

from typing import ClassVar

from servicekit.errors import Conflict, NotPermitted, ServiceError


class InactiveSubscription(NotPermitted):
    """The subscription is in a status in which this cannot be done: paused, past due, or not paused."""


class SubscriptionLocked(Conflict):
    """Another change, or the last bill, is being paid: what it costs now is only known afterwards."""


class SubscriptionNotScheduledToCancel(Conflict):
    """There is no cancellation that could be taken back."""


class PaymentFailed(ServiceError):
    """The charge was declined (`decline_code`), and nothing was changed."""

    status_code: ClassVar[int] = 402


class PaymentActionRequired(PaymentFailed):
    """The bank wants the customer, who is not here; nothing was changed."""


class PaymentMethodRequired(Conflict):
    """There is no saved payment method that could be charged."""


class PaymentNotReady(NotPermitted):
    """The organization may not bill subscriptions."""


class PaymentUnavailable(ServiceError):
    """The payment processor could not be asked. The change is applied, or dropped, when it can be."""

    status_code: ClassVar[int] = 503


class UpdateSubscriptionPlanNotAllowed(NotPermitted):
    """The organization does not let customers change their plan."""


class UpdateSubscriptionSeatsNotAllowed(NotPermitted):
    """The organization does not let customers change their seats."""


class UpdateSubscriptionUnitsNotAllowed(NotPermitted):
    """The organization does not let customers change their units."""


class PauseResumeNotAllowed(NotPermitted):
    """The organization does not let customers pause and resume."""
