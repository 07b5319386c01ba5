"""Every table of the service, for Alembic."""

from webhooks.deliveries.models import Delivery
from webhooks.endpoints.models import Endpoint
from webhooks.events.models import WebhookEvent
from webhooks.organizations.models import Organization
from webhooks.redeliveries.models import Redelivery

__all__ = ["Delivery", "Endpoint", "Organization", "Redelivery", "WebhookEvent"]
