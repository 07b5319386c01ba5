"""What is said about meters."""

from contracts import metering as contracts

from metering.meters.models import Meter


def shape(meter: Meter) -> contracts.Meter:
    """The public shape of a meter."""
    return contracts.Meter(
        id=meter.id,
        created_at=meter.created_at,
        modified_at=meter.modified_at,
        organization_id=meter.organization_id,
        metadata=meter.user_metadata,
        name=meter.name,
        unit=meter.unit,
        custom_label=meter.custom_label,
        custom_multiplier=meter.custom_multiplier,
        filter=meter.filter,
        aggregation=meter.aggregation,
        archived_at=meter.archived_at,
    )


def meter_created(meter: Meter) -> contracts.MeterCreatedV1:
    """Prices can be rated by a meter."""
    return contracts.MeterCreatedV1(
        subject=meter.id, organization_id=meter.organization_id, time=meter.created_at, data=shape(meter)
    )


def meter_updated(meter: Meter) -> contracts.MeterUpdatedV1:
    """A meter changed."""
    return contracts.MeterUpdatedV1(
        subject=meter.id,
        organization_id=meter.organization_id,
        time=meter.modified_at or meter.created_at,
        data=shape(meter),
    )
