"""Catalog's HTTP process."""

from fastapi import FastAPI
from servicekit.app import create_app as compose
from servicekit.app import serve

from catalog.products import routes as products
from catalog.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The application: products."""
    return compose("catalog", settings, [products.router])


if __name__ == "__main__":
    loaded = Settings.load()
    serve(create_app(loaded), loaded)
