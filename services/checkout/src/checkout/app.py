"""Checkout's HTTP process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from processor import StripeProcessor
from servicekit.app import create_app as compose
from servicekit.app import serve
from tax import Quotes

from checkout.checkout_links import routes as checkout_links
from checkout.checkouts import routes as checkouts
from checkout.checkouts import taxes
from checkout.checkouts.streams import Streams
from checkout.discounts import routes as discounts
from checkout.organizations import routes as organizations
from checkout.payments import routes as payments
from checkout.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The application: checkouts, their links, discounts, what a buyer sees of a seller, and Stripe's call-back."""

    @asynccontextmanager
    async def with_processor(app: FastAPI) -> AsyncIterator[None]:
        processor = StripeProcessor(settings)
        app.state.processor = processor
        app.state.streams = Streams(app.state.database)
        quotes = Quotes.of(settings.stripe_tax, settings.stripe_secret_key, settings.stripe_api_base)
        taxes.use(quotes)
        yield
        await app.state.streams.close()
        await quotes.close()
        await processor.close()

    routers = [
        checkouts.internal,
        checkouts.router,
        checkouts.client_router,
        checkout_links.router,
        discounts.router,
        payments.router,
    ]
    return compose("checkout", settings, [*routers, organizations.portal_router], with_processor)


if __name__ == "__main__":
    loaded = Settings.load()
    serve(create_app(loaded), loaded)
