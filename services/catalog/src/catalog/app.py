"""Catalog's HTTP process."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from servicekit.app import create_app as compose
from servicekit.app import serve
from servicekit.links import verify_query
from starlette.types import Scope

from catalog.custom_fields import routes as custom_fields
from catalog.files import routes as files
from catalog.files.storage import Storage
from catalog.products import routes as products
from catalog.settings import Settings

_PART = re.compile(r"(/v1/files/[^/]+/parts/[^/]+)/?")


def create_app(settings: Settings) -> FastAPI:
    """The application: products, custom fields and files."""

    @asynccontextmanager
    async def with_storage(app: FastAPI) -> AsyncIterator[None]:
        app.state.storage = Storage(settings)
        yield

    def verify_upload(scope: Scope) -> None:
        """A part of an upload may have 16 MiB: who has no signed link for it is refused before it is read."""
        if scope["method"] == "PUT" and (part := _PART.fullmatch(scope["path"])):
            verify_query(settings.secret, part[1], scope["query_string"])

    routers = [products.router, custom_fields.router, files.router]
    return compose("catalog", settings, routers, with_storage, [products.hot_list], verify_upload)


if __name__ == "__main__":
    loaded = Settings.load()
    serve(create_app(loaded), loaded)
