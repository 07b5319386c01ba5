"""The HTTP process of benefits."""

from fastapi import FastAPI
from servicekit.app import create_app as compose
from servicekit.app import serve

from benefits.benefit_grants import routes as benefit_grants
from benefits.benefits import routes as benefits
from benefits.downloadables import routes as downloadables
from benefits.license_keys import routes as license_keys
from benefits.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The application: benefits, their grants, license keys and downloads, for the merchant and in the portal."""
    routers = [benefits.router, benefit_grants.router, license_keys.router]
    portal = [benefit_grants.portal_router, license_keys.portal_router, downloadables.portal_router]
    return compose("benefits", settings, [*routers, *portal])


if __name__ == "__main__":
    loaded = Settings.load()
    serve(create_app(loaded), loaded)
