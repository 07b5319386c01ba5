"""Metering's HTTP process."""

from fastapi import FastAPI
from servicekit.app import create_app as compose
from servicekit.app import serve

from metering.event_types import routes as event_types
from metering.events import routes as events
from metering.meters import routes as meters
from metering.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The application: usage events, their types, and meters."""
    return compose("metering", settings, [events.router, event_types.router, meters.router])


if __name__ == "__main__":
    loaded = Settings.load()
    serve(create_app(loaded), loaded)
