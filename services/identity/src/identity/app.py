"""Identity's HTTP process."""

from fastapi import FastAPI
from servicekit.app import create_app as compose
from servicekit.app import serve

from identity.organization_access_tokens import routes as access_tokens
from identity.organizations import routes as organizations
from identity.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The application: organizations, their access tokens, and the gateway's question who a token belongs to."""
    return compose("identity", settings, [organizations.router, access_tokens.router, access_tokens.internal])


if __name__ == "__main__":
    loaded = Settings.load()
    serve(create_app(loaded), loaded)
