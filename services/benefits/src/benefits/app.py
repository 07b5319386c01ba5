"""The HTTP process of benefits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from servicekit.app import create_app as compose
from servicekit.app import serve

from benefits.benefit_connections import routes as benefit_connections
from benefits.benefit_grants import routes as benefit_grants
from benefits.benefits import routes as benefits
from benefits.checkouts import routes as checkouts
from benefits.downloadables import routes as downloadables
from benefits.license_keys import routes as license_keys
from benefits.oauth_accounts import routes as oauth_accounts
from benefits.settings import Settings
from benefits.signing_keys import operations as signing_keys
from benefits.strategies.outside import outsides


def create_app(settings: Settings) -> FastAPI:
    """The application: benefits, their grants, license keys and downloads, for the merchant and in the portal."""
    signing_keys.configure(settings.secret)
    routers = [
        benefits.router, benefit_connections.router, benefit_grants.router, license_keys.router, checkouts.router,
    ]  # fmt: skip
    portal = [
        benefit_grants.portal_router,
        license_keys.portal_router,
        downloadables.portal_router,
        oauth_accounts.portal_router,
    ]

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with outsides(settings) as outside:
            app.state.outside = outside
            yield

    return compose("benefits", settings, [*routers, *portal], lifespan)


if __name__ == "__main__":
    loaded = Settings.load()
    serve(create_app(loaded), loaded)
