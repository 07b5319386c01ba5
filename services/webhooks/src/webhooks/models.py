"""Every table of the service, for Alembic."""

from webhooks.deliveries.models import Delivery
from webhooks.endpoints.models import Endpoint
from webhooks.events.models import WebhookEvent

__all__ = ["Delivery", "Endpoint", "WebhookEvent"]
