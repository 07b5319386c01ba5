"""What is said of endpoints."""

from contracts.webhooks import WebhookEndpoint, WebhookEndpointDisabledV1
from servicekit import clock

from webhooks.endpoints.models import Endpoint


def disabled(endpoint: Endpoint) -> WebhookEndpointDisabledV1:
    """An endpoint gets no more deliveries; not said of one that the merchant disabled."""
    data = WebhookEndpoint.model_validate(endpoint)
    return WebhookEndpointDisabledV1(
        subject=endpoint.id, organization_id=endpoint.organization_id, time=clock.now(), data=data
    )
