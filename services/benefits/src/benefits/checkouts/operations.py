"""The benefits of one purchase for the confirmation page: those of one entitlement, nothing else of its customer."""

from typing import Any
from uuid import UUID

from servicekit import clocks, links
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants.models import BenefitGrant, Entitlement
from benefits.benefits.models import Benefit
from benefits.checkouts.schemas import CheckoutBenefit, CheckoutBenefits, CheckoutFile, CheckoutLicenseKey
from benefits.downloadables.operations import LIFETIME, path_of
from benefits.downloadables.queries import active_files
from benefits.files import queries as files
from benefits.license_keys.models import LicenseKey
from benefits.settings import Settings
from benefits.strategies.properties import PLATFORMS


async def of(session: AsyncSession, purchase_id: UUID, settings: Settings) -> CheckoutBenefits:
    """The benefits that an order, or a subscription, gives. The caller has verified the link that names it.

    An account of the customer's at another system is not shown: the e-mail of the purchase may have found an existing
    customer, of whom the buyer is to know nothing.
    """
    entitlement = select(Entitlement.organization_id, clocks.instant_at(Entitlement.organization_id))
    known = (await session.execute(entitlement.where(Entitlement.id == purchase_id))).one_or_none()
    if known is None:
        return CheckoutBenefits(items=[])
    clocks.stand(known.organization_id, known.instant)
    statement = (
        select(BenefitGrant, Benefit, LicenseKey)
        .join(Benefit, Benefit.id == BenefitGrant.benefit_id)
        .outerjoin(LicenseKey, LicenseKey.grant_id == BenefitGrant.id)
        .where(BenefitGrant.entitlement_id == purchase_id, Benefit.deleted_at.is_(None))
        .order_by(BenefitGrant.created_at, BenefitGrant.id)
    )
    rows = (await session.execute(statement)).all()
    given = [row for row in rows if row.BenefitGrant.is_granted]
    named = [id for row in given for id in active_files(row.Benefit)]
    kept = await files.downloadable(session, known.organization_id, named)
    return CheckoutBenefits(
        items=[_shown(row.BenefitGrant, row.Benefit, row.LicenseKey, kept, settings) for row in rows]
    )


def _shown(
    grant: BenefitGrant,
    benefit: Benefit,
    key: LicenseKey | None,
    kept: dict[UUID, dict[str, Any]],
    settings: Settings,
) -> CheckoutBenefit:
    is_held = grant.is_granted
    platform = PLATFORMS.get(benefit.type)
    return CheckoutBenefit(
        id=grant.id,
        benefit_id=benefit.id,
        type=benefit.type,
        description=benefit.description,
        status=grant.state,
        needs_account=platform if grant.work == "give" and grant.due_at is None else None,
        note=benefit.properties.get("note") if benefit.type == "custom" and is_held else None,
        license_key=CheckoutLicenseKey.model_validate(key, from_attributes=True)
        if key is not None and is_held
        else None,
        files=[_file(grant, kept[id], settings) for id in active_files(benefit) if is_held and id in kept],
    )


def _file(grant: BenefitGrant, file: dict[str, Any], settings: Settings) -> CheckoutFile:
    url = settings.public_url + links.signed(settings.secret, path_of(grant.id, UUID(str(file["id"]))), LIFETIME)
    return CheckoutFile.model_validate({**file, "url": url}, extra="ignore")
