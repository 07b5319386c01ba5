"""Billing's message process: purchases in, payments that are due, and subscriptions that come to their end."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from contracts.billing import BillingClockReportedV1
from processor import StripeProcessor
from servicekit import attempts, mail, worker
from servicekit.backlogs import Backlog
from servicekit.clocks import Clocks
from servicekit.database import Database
from servicekit.timers import Timer
from tax import Quotes

from billing.benefit_grants.consumers import consumers as benefit_grants
from billing.cancellations.timers import carry_out_received, forget_idle, is_any_received
from billing.card_attempts.models import CardAttempt
from billing.client_intents.timers import cancel_intents, forget_intents, is_any_to_cancel
from billing.customers.consumers import consumers as customers
from billing.discounts.consumers import consumers as discounts
from billing.disputes.timers import follow_disputes, is_any_to_follow
from billing.invariants import INVARIANTS
from billing.ledger import fees
from billing.mails.operations import is_over
from billing.orders import tax as taxes
from billing.orders.consumers import consumers as orders
from billing.orders.dunning import is_any_to_retry, retry_due
from billing.organizations.consumers import consumers as organizations
from billing.payment_methods.expiry import remind_of_cards
from billing.payments.timers import (
    ask_waiting,
    collect_due,
    is_any_duplicate,
    is_any_to_ask,
    is_any_to_collect,
    refund_duplicates,
)
from billing.processor_events.consumers import consumers as processor_events
from billing.products.consumers import consumers as products
from billing.projections import projections
from billing.refunds.timers import finish_refunds, is_any_unfinished
from billing.settings import Settings
from billing.subscriptions.models import BILLABLE
from billing.subscriptions.reminders import remind_due
from billing.subscriptions.renewals import is_any_to_renew, renew_due
from billing.subscriptions.timers import (
    end_canceled_subscriptions,
    is_any_over,
    is_any_to_pause,
    is_any_to_resume,
    pause_subscriptions,
    resume_subscriptions,
)
from billing.tax_transactions.timers import is_any_to_tell, tell_providers

clocks = Clocks("billing", BillingClockReportedV1)
FLOWS = [
    orders, processor_events, organizations, benefit_grants, products, discounts, customers, projections.replays,
    clocks.flow,
]  # fmt: skip
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
    async def timers(_: Database) -> AsyncIterator[Sequence[Timer]]:
        processor = StripeProcessor(settings)
        quotes = Quotes.of(settings.stripe_tax, settings.stripe_secret_key, settings.stripe_api_base)
        taxes.use(quotes)
        five = timedelta(seconds=5)
        refund = partial(refund_duplicates, processor=processor)
        follow = partial(follow_disputes, processor=processor)
        collect = partial(collect_due, processor=processor)
        finish = partial(finish_refunds, processor=processor)
        tell = partial(tell_providers, quotes=quotes)
        forget = partial(attempts.forget, table=CardAttempt)
        cancel = partial(cancel_intents, processor=processor)
        carry_out = partial(carry_out_received, secret=settings.secret)
        own = [
            Timer("end_canceled_subscriptions", end_canceled_subscriptions, every=five, ready=is_any_over),
            Timer("pause_subscriptions", pause_subscriptions, every=five, ready=is_any_to_pause),
            Timer("resume_subscriptions", resume_subscriptions, every=five, ready=is_any_to_resume),
            Timer("renew_due", renew_due, ready=is_any_to_renew),
            Timer("remind_due", remind_due, every=timedelta(seconds=60)),
            Timer("remind_of_cards", remind_of_cards, every=timedelta(hours=1), follows_clocks=False),
            Timer("retry_due", retry_due, every=five, ready=is_any_to_retry),
            Timer("refund_duplicates", refund, every=five, follows_clocks=False, ready=is_any_duplicate),
            Timer("ask_waiting", ask_waiting, every=five, follows_clocks=False, ready=is_any_to_ask),
            Timer("collect_due", collect, on_wake=True, ready=is_any_to_collect),
            Timer("finish_refunds", finish, follows_clocks=False, ready=is_any_unfinished),
            Timer("follow_disputes", follow, every=five, follows_clocks=False, ready=is_any_to_follow),
            Timer("tell_tax_providers", tell, every=five, follows_clocks=False, ready=is_any_to_tell),
            Timer("cancel_intents", cancel, on_wake=True, follows_clocks=False, ready=is_any_to_cancel),
            Timer("forget_intents", forget_intents, every=timedelta(hours=1), follows_clocks=False),
            Timer("carry_out_cancellations", carry_out, on_wake=True, follows_clocks=False, ready=is_any_received),
            Timer("forget_cancellations", forget_idle, every=timedelta(hours=1), follows_clocks=False),
            Timer("forget_card_attempts", forget, every=timedelta(minutes=1), follows_clocks=False),
        ]
        if settings.mail_url:
            own.append(mail.timer(settings.mail_url, settings.mail_from, settings.pages_base, is_over))
        yield own
        await quotes.close()
        await processor.close()

    worker.run("billing", settings, FLOWS, timers, INVARIANTS, projections, clocks=clocks)


if __name__ == "__main__":
    main()
