"""`/v1/license-keys` for the merchant, and its twin in `/v1/customer-portal/` for the customer and the software."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from servicekit.auth import Principal, allow
from servicekit.errors import BadRequest, NotPermitted, ResourceNotFound, responses
from servicekit.lists import ListResource, PageQuery, Sorting, sorted_by
from servicekit.routing import ResourceRouter, SessionOf

from benefits.benefit_grants import operations as benefit_grants
from benefits.license_keys import operations, queries
from benefits.license_keys.operations import UsageLimitReached
from benefits.license_keys.queries import LicenseKeyFilter
from benefits.license_keys.schemas import (
    LicenseKeyActivate,
    LicenseKeyActivationRead,
    LicenseKeyDeactivate,
    LicenseKeyRead,
    LicenseKeyUpdate,
    LicenseKeyValidate,
    LicenseKeyWithActivations,
    ValidatedLicenseKey,
)

router = ResourceRouter("/license-keys", "license_keys")
portal_router = ResourceRouter("/customer-portal/license-keys", "license_keys")
Reader = Annotated[Principal, allow("license_keys:read", "license_keys:write")]
Writer = Annotated[Principal, allow("license_keys:write")]
Customer = Annotated[Principal, allow("customer_portal:read", "customer_portal:write", kind="customer")]
CustomerWriter = Annotated[Principal, allow("customer_portal:write", kind="customer")]
Ids = Annotated[list[UUID] | None, Query()]
VALIDATE: Any = responses(ResourceNotFound, UsageLimitReached)
ROTATE: Any = responses(ResourceNotFound, BadRequest)
ACTIVATE: Any = responses(ResourceNotFound, NotPermitted)


@router.get("/", name="list")
async def list_keys(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by(*queries.COLUMNS)],
    organization_id: Ids = None,
    benefit_id: Ids = None,
    customer_id: Ids = None,
    status: Annotated[list[str] | None, Query()] = None,
) -> ListResource[LicenseKeyRead]:
    """Lists license keys."""
    wanted = LicenseKeyFilter(organization_id, benefit_id, customer_id, status)
    keys, total = await queries.list_keys(session, principal, wanted, page, sorting)
    return page.of([LicenseKeyRead.model_validate(key) for key in keys], total)


@router.post("/validate", name="validate", responses=VALIDATE)
async def validate(session: SessionOf, principal: Writer, body: LicenseKeyValidate) -> ValidatedLicenseKey:
    """Says whether a key is good."""
    principal.organization(body.organization_id)
    return ValidatedLicenseKey.model_validate(await operations.validate(session, body))


@router.post("/activate", name="activate", responses=ACTIVATE)
async def activate(session: SessionOf, principal: Writer, body: LicenseKeyActivate) -> LicenseKeyActivationRead:
    """Activates a key on a machine."""
    principal.organization(body.organization_id)
    return LicenseKeyActivationRead.model_validate(await operations.activate(session, body))


@router.post("/deactivate", name="deactivate", status_code=204, responses=responses(ResourceNotFound))
async def deactivate(session: SessionOf, principal: Writer, body: LicenseKeyDeactivate) -> None:
    """Deactivates a key on a machine."""
    principal.organization(body.organization_id)
    await operations.deactivate(session, body)


@router.get("/{id}", name="get", responses=responses(ResourceNotFound))
async def get(id: UUID, session: SessionOf, principal: Reader) -> LicenseKeyWithActivations:
    """Gets a license key."""
    return LicenseKeyWithActivations.model_validate(await operations.get(session, principal, id))


@router.patch("/{id}", name="update", responses=responses(ResourceNotFound))
async def update(id: UUID, session: SessionOf, principal: Writer, changes: LicenseKeyUpdate) -> LicenseKeyRead:
    """Changes a license key."""
    return LicenseKeyRead.model_validate(await operations.update(session, principal, id, changes))


@router.post("/{id}/rotate", name="rotate", responses=ROTATE)
async def rotate(id: UUID, session: SessionOf, principal: Writer) -> LicenseKeyRead:
    """Writes another text on a license key; the old one is good no more."""
    return LicenseKeyRead.model_validate(await benefit_grants.rotate_key(session, principal, id))


@router.get("/{id}/activations/{activation_id}", name="get_activation", responses=responses(ResourceNotFound))
async def get_activation(
    id: UUID, activation_id: UUID, session: SessionOf, principal: Reader
) -> LicenseKeyActivationRead:
    """Gets an activation of a license key."""
    found = await operations.get_activation(session, principal, id, activation_id)
    return LicenseKeyActivationRead.model_validate(found)


@portal_router.post("/validate", name="portal_validate", responses=VALIDATE)
async def portal_validate(session: SessionOf, body: LicenseKeyValidate) -> ValidatedLicenseKey:
    """Says whether a key is good. Needs no token: the key itself is the secret."""
    return ValidatedLicenseKey.model_validate(await operations.validate(session, body))


@portal_router.post("/activate", name="portal_activate", responses=ACTIVATE)
async def portal_activate(session: SessionOf, body: LicenseKeyActivate) -> LicenseKeyActivationRead:
    """Activates a key on a machine. Needs no token: the key itself is the secret."""
    return LicenseKeyActivationRead.model_validate(await operations.activate(session, body))


@portal_router.post("/deactivate", name="portal_deactivate", status_code=204, responses=responses(ResourceNotFound))
async def portal_deactivate(session: SessionOf, body: LicenseKeyDeactivate) -> None:
    """Deactivates a key on a machine. Needs no token: the key itself is the secret."""
    await operations.deactivate(session, body)


@portal_router.get("/", name="portal_list")
async def list_own_keys(
    session: SessionOf,
    principal: Customer,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by(*queries.COLUMNS)],
    benefit_id: Ids = None,
) -> ListResource[LicenseKeyRead]:
    """Lists the customer's own license keys."""
    keys, total = await queries.list_keys(session, principal, LicenseKeyFilter(benefit_id=benefit_id), page, sorting)
    return page.of([LicenseKeyRead.model_validate(_for_customer(key)) for key in keys], total)


@portal_router.get("/{id}", name="portal_get", responses=responses(ResourceNotFound))
async def get_own_key(id: UUID, session: SessionOf, principal: Customer) -> LicenseKeyWithActivations:
    """Gets a license key of the customer's own."""
    return LicenseKeyWithActivations.model_validate(_for_customer(await operations.get(session, principal, id)))


@portal_router.post("/{id}/rotate", name="portal_rotate", responses=ROTATE)
async def rotate_own_key(id: UUID, session: SessionOf, principal: CustomerWriter) -> LicenseKeyRead:
    """Writes another text on a license key of the customer's own; the old one is good no more."""
    return LicenseKeyRead.model_validate(_for_customer(await benefit_grants.rotate_key(session, principal, id)))


def _for_customer(key: dict[str, Any]) -> dict[str, Any]:
    """Without what the merchant noted of the customer."""
    return {**key, "customer": key["customer"].model_copy(update={"metadata": {}, "external_id": None})}
