"""Billing's message process: purchases in, payments that are due, and subscriptions that come to their end."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from contracts.billing import BillingClockReportedV1
from processor import StripeProcessor
from servicekit import mail, worker
from servicekit.backlogs import Backlog
from servicekit.clocks import Clocks
from servicekit.timers import Timer
from tax import Quotes

from billing.benefit_grants.consumers import consumers as benefit_grants
from billing.discounts.consumers import consumers as discounts
from billing.disputes.timers import follow_disputes
from billing.invariants import INVARIANTS
from billing.ledger import fees
from billing.orders import tax as taxes
from billing.orders.consumers import consumers as orders
from billing.orders.dunning import retry_due
from billing.organizations.consumers import consumers as organizations
from billing.payments.timers import collect_due, refund_duplicates
from billing.processor_events.consumers import consumers as processor_events
from billing.products.consumers import consumers as products
from billing.projections import projections
from billing.refunds.timers import finish_refunds
from billing.settings import Settings
from billing.subscriptions.models import BILLABLE
from billing.subscriptions.reminders import remind_due
from billing.subscriptions.renewals import renew_due
from billing.subscriptions.timers import end_canceled_subscriptions, pause_subscriptions, resume_subscriptions
from billing.tax_transactions.timers import tell_providers

clocks = Clocks("billing", BillingClockReportedV1)
FLOWS = [orders, processor_events, organizations, benefit_grants, products, discounts, projections.replays, clocks.flow]
RENEWALS = Backlog(
    "renewals",
    f"""
    select count(*), min(current_period_end) from subscriptions
    where status in ({", ".join(f"'{status}'" for status in BILLABLE)})
      and current_period_end <= :now and not cancel_at_period_end and ended_at is null
    """,
)


def main() -> None:
    """Runs the worker."""
    settings = Settings.load()
    fees.use(settings.platform_fee)

    @asynccontextmanager
    async def timers() -> AsyncIterator[Sequence[Timer]]:
        processor = StripeProcessor(settings)
        quotes = Quotes.of(settings.stripe_tax, settings.stripe_secret_key, settings.stripe_api_base)
        taxes.use(quotes)
        own = [
            Timer("end_canceled_subscriptions", end_canceled_subscriptions, every=timedelta(seconds=5)),
            Timer("pause_subscriptions", pause_subscriptions, every=timedelta(seconds=5)),
            Timer("resume_subscriptions", resume_subscriptions, every=timedelta(seconds=5)),
            Timer("renew_due", renew_due),
            Timer("remind_due", remind_due, every=timedelta(seconds=60)),
            Timer("retry_due", retry_due, every=timedelta(seconds=5)),
            Timer("refund_duplicates", partial(refund_duplicates, processor=processor), every=timedelta(seconds=5)),
            Timer("collect_due", partial(collect_due, processor=processor), on_wake=True),
            Timer("finish_refunds", partial(finish_refunds, processor=processor)),
            Timer("follow_disputes", partial(follow_disputes, processor=processor), every=timedelta(seconds=5)),
        ]
        tell = partial(tell_providers, quotes=quotes)
        own.append(Timer("tell_tax_providers", tell, every=timedelta(seconds=5), follows_clocks=False))
        if settings.mail_url:
            send = mail.send_mails(mail.sender(settings.mail_url), settings.mail_from)
            own.append(Timer("send_mails", send, every=timedelta(seconds=5), on_wake=True, follows_clocks=False))
        yield own
        await quotes.close()
        await processor.close()

    worker.run("billing", settings, FLOWS, timers, INVARIANTS, projections, clocks=clocks)


if __name__ == "__main__":
    main()
