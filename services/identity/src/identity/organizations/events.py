"""What is said about organizations."""

from contracts import identity as contracts

from identity.organizations.models import Organization


def shape(organization: Organization) -> contracts.Organization:
    """The public shape of an organization, with what it has not set at its default."""
    settings = organization.settings
    subscription = contracts.SubscriptionSettings.model_validate(settings.get("subscription_settings", {}))
    return contracts.Organization.model_validate(
        {
            "id": organization.id,
            "created_at": organization.created_at,
            "modified_at": organization.modified_at,
            "name": organization.name,
            "slug": organization.slug,
            "avatar_url": organization.avatar_url,
            "email": organization.email,
            "website": organization.website,
            "country": organization.country,
            "socials": organization.socials,
            "branding": organization.branding or {},
            "locale": organization.locale,
            "consumer_rights": organization.consumer_rights or {},
            **settings,
            "proration_behavior": subscription.proration_behavior,
            "allow_customer_updates": subscription.allow_customer_updates,
        }
    )


def organization_created(organization: Organization) -> contracts.OrganizationCreatedV1:
    """An organization can sell from now on."""
    return contracts.OrganizationCreatedV1(
        subject=organization.id,
        organization_id=organization.id,
        time=organization.created_at,
        data=shape(organization),
    )


def organization_updated(organization: Organization) -> contracts.OrganizationUpdatedV1:
    """An organization changed its profile."""
    return contracts.OrganizationUpdatedV1(
        subject=organization.id,
        organization_id=organization.id,
        time=organization.modified_at or organization.created_at,
        data=shape(organization),
    )
