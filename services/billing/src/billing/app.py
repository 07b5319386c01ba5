"""Billing's HTTP process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from processor import StripeProcessor
from servicekit.app import create_app as compose
from servicekit.app import serve
from servicekit.storage import ObjectStore
from tax import Quotes

from billing.cancellations import routes as cancellations
from billing.checkouts import routes as checkouts
from billing.customers import routes as customers
from billing.disputes import routes as disputes
from billing.invoices import routes as invoices
from billing.ledger import fees
from billing.members import routes as members
from billing.metrics import routes as metrics
from billing.orders import routes as orders
from billing.orders import tax as taxes
from billing.payment_methods import routes as payment_methods
from billing.payments import routes as payments
from billing.receipts import routes as receipts
from billing.refunds import routes as refunds
from billing.settings import Settings
from billing.subscriptions import routes as subscriptions
from billing.withdrawals import routes as withdrawals


def create_app(settings: Settings) -> FastAPI:
    """The application: customers, orders, subscriptions and payments, for the merchant and in the customer's portal."""
    fees.use(settings.platform_fee)

    @asynccontextmanager
    async def with_processor(app: FastAPI) -> AsyncIterator[None]:
        processor = StripeProcessor(settings)
        app.state.processor = processor
        quotes = Quotes.of(settings.stripe_tax, settings.stripe_secret_key, settings.stripe_api_base)
        taxes.use(quotes)
        app.state.documents = ObjectStore(settings.files_url)
        yield
        await quotes.close()
        await processor.close()

    routers = [
        customers.router,
        members.router,
        members.external_router,
        orders.router,
        invoices.router,
        receipts.router,
        checkouts.router,
        subscriptions.router,
        payments.router,
        payment_methods.router,
        payment_methods.external_router,
        refunds.router,
        disputes.router,
        metrics.router,
    ]
    portal = [
        payment_methods.portal_router,
        customers.portal_router,
        members.portal_router,
        orders.portal_router,
        invoices.portal_router,
        receipts.portal_router,
        subscriptions.portal_router,
        withdrawals.portal_router,
        cancellations.portal_router,
    ]
    return compose("billing", settings, [*routers, *portal], with_processor)


if __name__ == "__main__":
    loaded = Settings.load()
    serve(create_app(loaded), loaded)
