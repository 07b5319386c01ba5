"""`/v1/license-keys` for the merchant, and its twin in `/v1/customer-portal/` for the customer and the software."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from servicekit.auth import MEMBER, Principal, allow
from servicekit.database import Database, driver_of
from servicekit.errors import BadRequest, NotPermitted, ResourceNotFound, responses
from servicekit.inputs import IgnoredQuery
from servicekit.lists import ListResource, PageQuery, Sorting, sorted_by
from servicekit.routing import ResourceRouter, SessionOf, session_of

from benefits.benefit_grants import operations as benefit_grants
from benefits.license_keys import operations, queries, validation
from benefits.license_keys.queries import LicenseKeyFilter
from benefits.license_keys.schemas import (
    LicenseKeyActivate,
    LicenseKeyActivationRead,
    LicenseKeyDeactivate,
    LicenseKeyPublicKey,
    LicenseKeyRead,
    LicenseKeyUpdate,
    LicenseKeyValidate,
    LicenseKeyWithActivations,
    ValidatedLicenseKey,
)
from benefits.license_keys.validation import UsageLimitReached

router = ResourceRouter("/license-keys", "license_keys")
portal_router = ResourceRouter("/customer-portal/license-keys", "license_keys")
Reader = Annotated[Principal, allow("license_keys:read", "license_keys:write")]
Writer = Annotated[Principal, allow("license_keys:write")]
Customer = Annotated[Principal, allow("customer_portal:read", "customer_portal:write", MEMBER, kind="customer")]
CustomerWriter = Annotated[Principal, allow("customer_portal:write", MEMBER, kind="customer")]
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


@router.post("/validate", name="validate", responses=VALIDATE, response_model=ValidatedLicenseKey)
async def validate(request: Request, principal: Writer, body: LicenseKeyValidate) -> Response:
    """Says whether a key is good."""
    principal.organization(body.organization_id)
    return await _validated(request, body, {})


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


@portal_router.post("/validate", name="portal_validate", responses=VALIDATE, response_model=ValidatedLicenseKey)
async def portal_validate(request: Request, body: LicenseKeyValidate) -> Response:
    """Says whether a key is good. Needs no token: the key itself is the secret."""
    return await _validated(request, body, queries.HIDDEN)


async def _validated(request: Request, body: LicenseKeyValidate, hidden: Mapping[str, Any]) -> Response:
    """By one statement of its own; with an `Idempotency-Key` in the request's transaction, as the stored answer is."""
    database: Database = request.app.state.database
    fetchrow: Any = database.count if body.increment_usage is None else database.write
    if "idempotency-key" in request.headers:
        fetchrow = (await driver_of(await session_of(request))).fetchrow
    return Response(await validation.validate(fetchrow, body, hidden), media_type="application/json")


@portal_router.get("/public-key", name="public_key", responses=responses(ResourceNotFound))
async def public_key(session: SessionOf, organization_id: UUID) -> LicenseKeyPublicKey:
    """The key with which an organization's offline license keys are verified. Needs no token: it is public."""
    return LicenseKeyPublicKey.model_validate(await operations.public_key(session, organization_id))


@portal_router.post("/activate", name="portal_activate", responses=ACTIVATE)
async def portal_activate(session: SessionOf, body: LicenseKeyActivate) -> LicenseKeyActivationRead:
    """Activates a key on a machine. Needs no token: the key itself is the secret."""
    made = await operations.activate(session, body)
    made["license_key"] = _with(made["license_key"], queries.HIDDEN)
    return LicenseKeyActivationRead.model_validate(made)


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
    organization_id: IgnoredQuery = None,
) -> ListResource[LicenseKeyRead]:
    """Lists the customer's own license keys."""
    keys, total = await queries.list_keys(session, principal, LicenseKeyFilter(benefit_id=benefit_id), page, sorting)
    return page.of([LicenseKeyRead.model_validate(_for_customer(key)) for key in keys], total)


@portal_router.get("/{id}", name="portal_get", responses=responses(ResourceNotFound))
async def get_own_key(id: UUID, session: SessionOf, principal: Customer) -> LicenseKeyWithActivations:
    """Gets a license key of the customer's own, with its activations where the seller lets holders manage them."""
    return LicenseKeyWithActivations.model_validate(_for_customer(await operations.get_own(session, principal, id)))


@portal_router.post("/{id}/rotate", name="portal_rotate", responses=ROTATE)
async def rotate_own_key(id: UUID, session: SessionOf, principal: CustomerWriter) -> LicenseKeyRead:
    """Writes another text on a license key of the customer's own; the old one is good no more."""
    return LicenseKeyRead.model_validate(_for_customer(await benefit_grants.rotate_key(session, principal, id)))


def _for_customer(key: dict[str, Any]) -> dict[str, Any]:
    """Without what the merchant noted of the customer."""
    return _with(key, {"metadata": {}, "external_id": None})


def _with(key: dict[str, Any], hidden: Mapping[str, Any]) -> dict[str, Any]:
    """A key whose customer has these fields instead of their own."""
    return {**key, "customer": key["customer"].model_copy(update=hidden)}
