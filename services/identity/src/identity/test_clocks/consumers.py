"""What the services answer to a clock's rounds."""

from typing import Any

from contracts.benefits import BenefitsClockReportedV1
from contracts.billing import BillingClockReportedV1
from contracts.catalog import CatalogClockReportedV1
from contracts.checkout import CheckoutClockReportedV1
from contracts.event import Event
from contracts.identity import IdentityClockReportedV1
from contracts.metering import MeteringClockReportedV1
from contracts.test_clocks import ClockReport
from contracts.webhooks import WebhooksClockReportedV1
from sqlalchemy.ext.asyncio import AsyncSession

from identity.test_clocks import operations
from identity.test_clocks.events import clocks as clocks


@clocks.flow.on(
    BenefitsClockReportedV1,
    BillingClockReportedV1,
    CatalogClockReportedV1,
    CheckoutClockReportedV1,
    IdentityClockReportedV1,
    MeteringClockReportedV1,
    WebhooksClockReportedV1,
)
async def follow_report(event: Event[Any], session: AsyncSession) -> None:
    """Takes a service's answer."""
    report: ClockReport = event.data
    await operations.take_report(session, event.source.strip("/"), report)
