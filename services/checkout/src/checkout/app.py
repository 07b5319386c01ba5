"""Checkout's HTTP process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from servicekit.app import create_app as compose
from servicekit.app import serve

from checkout.checkouts import routes as checkouts
from checkout.discounts import routes as discounts
from checkout.payments import routes as payments
from checkout.payments.stripe import StripeProcessor
from checkout.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The application: checkouts, discounts, and Stripe's call-back."""

    @asynccontextmanager
    async def with_processor(app: FastAPI) -> AsyncIterator[None]:
        processor = StripeProcessor(settings)
        app.state.processor = processor
        yield
        await processor.close()

    routers = [checkouts.router, checkouts.client_router, discounts.router, payments.router]
    return compose("checkout", settings, routers, with_processor)


if __name__ == "__main__":
    loaded = Settings.load()
    serve(create_app(loaded), loaded)
