"""What is said about benefits."""

from contracts import benefits as contracts

from benefits.benefits.models import Benefit


def shape(benefit: Benefit) -> contracts.Benefit:
    """The public shape of a benefit."""
    return contracts.Benefit(
        id=benefit.id,
        created_at=benefit.created_at,
        modified_at=benefit.modified_at,
        type=benefit.type,
        description=benefit.description,
        selectable=True,
        deletable=True,
        is_deleted=benefit.deleted_at is not None,
        organization_id=benefit.organization_id,
        metadata=benefit.user_metadata,
        visibility=benefit.visibility,
        visibility_configurable=True,
        properties=benefit.properties,
    )


def benefit_created(benefit: Benefit) -> contracts.BenefitCreatedV1:
    """A benefit can be attached to products."""
    return contracts.BenefitCreatedV1(
        subject=benefit.id,
        organization_id=benefit.organization_id,
        time=benefit.created_at,
        data=shape(benefit),
    )


def benefit_updated(benefit: Benefit) -> contracts.BenefitUpdatedV1:
    """A benefit changed, or was deleted."""
    return contracts.BenefitUpdatedV1(
        subject=benefit.id,
        organization_id=benefit.organization_id,
        time=benefit.modified_at or benefit.created_at,
        data=shape(benefit),
    )
