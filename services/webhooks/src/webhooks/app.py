"""The HTTP process of webhooks."""

from fastapi import FastAPI
from servicekit.app import create_app as compose
from servicekit.app import serve

from webhooks.deliveries import routes as deliveries
from webhooks.endpoints import routes as endpoints
from webhooks.event_types import routes as event_types
from webhooks.events import routes as events
from webhooks.redeliveries import routes as redeliveries
from webhooks.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The application: endpoints, event types, events, deliveries and redeliveries."""
    routers = [endpoints.router, event_types.router, events.router, deliveries.router, redeliveries.router]
    return compose("webhooks", settings, routers)


if __name__ == "__main__":
    loaded = Settings.load()
    serve(create_app(loaded), loaded)
