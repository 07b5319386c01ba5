"""What is said about organizations."""

from contracts import identity as contracts

from identity.organizations.models import Organization


def organization_created(organization: Organization) -> contracts.OrganizationCreatedV1:
    """An organization can sell from now on."""
    return contracts.OrganizationCreatedV1(
        subject=organization.id,
        organization_id=organization.id,
        time=organization.created_at,
        data=contracts.Organization.model_validate(organization),
    )


def organization_updated(organization: Organization) -> contracts.OrganizationUpdatedV1:
    """An organization changed its profile."""
    return contracts.OrganizationUpdatedV1(
        subject=organization.id,
        organization_id=organization.id,
        time=organization.modified_at or organization.created_at,
        data=contracts.Organization.model_validate(organization),
    )
