"""Identity's HTTP process."""

from fastapi import FastAPI
from servicekit.app import create_app as compose
from servicekit.app import serve

from identity.customer_sessions import routes as customer_sessions
from identity.email_updates import routes as email_updates
from identity.organization_access_tokens import routes as access_tokens
from identity.organization_access_tokens.refusals import Refusals
from identity.organizations import routes as organizations
from identity.settings import Settings
from identity.test_clocks import routes as test_clocks


def create_app(settings: Settings) -> FastAPI:
    """The application: organizations, access tokens, sessions, test clocks, and the gateway's question."""
    sessions = [customer_sessions.router, customer_sessions.portal_router, email_updates.portal_router]
    tokens = [access_tokens.router, access_tokens.internal]
    app = compose("identity", settings, [organizations.router, *sessions, *tokens, test_clocks.router])
    app.state.refusals = Refusals()
    return app


if __name__ == "__main__":
    loaded = Settings.load()
    serve(create_app(loaded), loaded)
