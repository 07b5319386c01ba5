"""What is said about customers."""

from contracts import avatars
from contracts import billing as contracts
from contracts.checkout import Address

from billing.customers.models import Customer


def shape(customer: Customer) -> contracts.Customer:
    """The public shape of a customer."""
    return contracts.Customer(
        id=customer.id,
        created_at=customer.created_at,
        modified_at=customer.modified_at,
        metadata=customer.user_metadata,
        external_id=customer.external_id,
        email=customer.email,
        email_verified=customer.email_verified,
        type=customer.type,
        name=customer.name,
        billing_name=customer.billing_name,
        billing_address=Address.model_validate(customer.billing_address) if customer.billing_address else None,
        tax_id=customer.tax_id,
        locale=customer.locale,
        organization_id=customer.organization_id,
        deleted_at=customer.deleted_at,
        first_user_event_at=None,
        avatar_url=avatars.url_of(customer.id),
        default_payment_method_id=customer.default_payment_method_id,
    )


def customer_created(customer: Customer) -> contracts.CustomerCreatedV1:
    """A customer exists."""
    return contracts.CustomerCreatedV1(
        subject=customer.id,
        organization_id=customer.organization_id,
        time=customer.created_at,
        data=shape(customer),
    )


def customer_updated(customer: Customer) -> contracts.CustomerUpdatedV1:
    """A customer changed."""
    return contracts.CustomerUpdatedV1(
        subject=customer.id,
        organization_id=customer.organization_id,
        time=customer.modified_at or customer.created_at,
        data=shape(customer),
    )


def customer_deleted(customer: Customer) -> contracts.CustomerDeletedV1:
    """A customer was deleted."""
    return contracts.CustomerDeletedV1(
        subject=customer.id,
        organization_id=customer.organization_id,
        time=customer.deleted_at or customer.created_at,
        data=shape(customer),
    )
