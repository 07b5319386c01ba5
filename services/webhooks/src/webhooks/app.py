"""The HTTP process of webhooks."""

from fastapi import FastAPI
from servicekit.app import create_app as compose
from servicekit.app import serve

from webhooks.deliveries import routes as deliveries
from webhooks.endpoints import routes as endpoints
from webhooks.events import routes as events
from webhooks.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The application: endpoints, events and deliveries."""
    return compose("webhooks", settings, [endpoints.router, events.router, deliveries.router])


if __name__ == "__main__":
    loaded = Settings.load()
    serve(create_app(loaded), loaded)
