"""Catalog's HTTP process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from servicekit.app import create_app as compose
from servicekit.app import serve

from catalog.custom_fields import routes as custom_fields
from catalog.files import routes as files
from catalog.files.storage import Storage
from catalog.products import routes as products
from catalog.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The application: products, custom fields and files."""

    @asynccontextmanager
    async def with_storage(app: FastAPI) -> AsyncIterator[None]:
        app.state.storage = Storage(settings)
        yield

    routers = [products.router, custom_fields.router, files.router]
    return compose("catalog", settings, routers, with_storage, [products.hot_list])


if __name__ == "__main__":
    loaded = Settings.load()
    serve(create_app(loaded), loaded)
