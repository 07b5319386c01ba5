"""Checkout's message process: projections, expiry, and payments that a crash left open."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from contracts.checkout import CheckoutClockReportedV1
from processor import StripeProcessor
from servicekit import attempts, worker
from servicekit.clocks import Clocks
from servicekit.database import Database
from servicekit.timers import Timer

from checkout.buyer_attempts.models import BuyerAttempt
from checkout.checkouts.timers import expire_checkouts, is_any_over
from checkout.customers.consumers import consumers as customers
from checkout.invariants import INVARIANTS
from checkout.orders.consumers import consumers as orders
from checkout.organizations.consumers import consumers as organizations
from checkout.payments.timers import cancel_failed, is_any_due, recover_open_payments, refund_duplicates
from checkout.products.consumers import consumers as products
from checkout.projections import projections
from checkout.settings import Settings
from checkout.subscriptions.consumers import consumers as subscriptions

clocks = Clocks("checkout", CheckoutClockReportedV1)
FLOWS = [products, customers, organizations, subscriptions, orders, projections.replays, clocks.flow]


def main() -> None:
    """Runs the worker."""
    settings = Settings.load()

    @asynccontextmanager
    async def timers(_: Database) -> AsyncIterator[Sequence[Timer]]:
        processor = StripeProcessor(settings)
        recover = partial(recover_open_payments, processor=processor, settings=settings)
        cancel = partial(cancel_failed, processor=processor, settings=settings)
        expire = partial(expire_checkouts, settings=settings)
        refund = partial(refund_duplicates, processor=processor)
        forget = partial(attempts.forget, table=BuyerAttempt)
        yield (
            Timer("expire_checkouts", expire, every=timedelta(seconds=5), ready=is_any_over),
            Timer("recover_open_payments", recover, on_wake=True, follows_clocks=False, ready=is_any_due),
            Timer("cancel_failed_payments", cancel, on_wake=True, follows_clocks=False, ready=is_any_due),
            Timer("refund_duplicates", refund, follows_clocks=False, ready=is_any_due),
            Timer("forget_buyer_attempts", forget, every=timedelta(minutes=1), follows_clocks=False),
        )
        await processor.close()

    worker.run("checkout", settings, FLOWS, timers, INVARIANTS, projections, clocks=clocks)


if __name__ == "__main__":
    main()
