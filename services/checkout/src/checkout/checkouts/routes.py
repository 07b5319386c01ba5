"""`/v1/checkouts/`, for the seller, and `/v1/checkouts/client/{client_secret}` for the buyer."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from processor import StripeProcessor
from servicekit.addresses import AddressOf
from servicekit.attempts import TooManyAttempts
from servicekit.auth import Principal, allow
from servicekit.errors import ResourceNotFound, responses
from servicekit.http import Dialect, DialectOf
from servicekit.lists import ListResource, PageQuery, Sorting, sorted_by
from servicekit.routing import EdgeRoute, ResourceRouter, SessionOf, SessionsOf
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.buyer_attempts.operations import PaymentUnavailable
from checkout.checkouts import (
    consumer_rights,
    customer_sessions,
    embedding,
    events,
    operations,
    public,
    queries,
    streams,
)
from checkout.checkouts.buyers import CheckoutCustomerDeleted
from checkout.checkouts.confirm import confirm as confirm_checkout
from checkout.checkouts.models import Checkout, ExpiredCheckoutError, NotOpenCheckout
from checkout.checkouts.queries import CheckoutFilter
from checkout.checkouts.schemas import (
    CheckoutConfirm,
    CheckoutConfirmed,
    CheckoutConfirmWithSecret,
    CheckoutCreate,
    CheckoutOrganization,
    CheckoutPublic,
    CheckoutPublicConfirmed,
    CheckoutRead,
    CheckoutUpdate,
    CheckoutUpdatePublic,
)
from checkout.payments.operations import PaymentError
from checkout.settings import Settings
from checkout.subscriptions.operations import AlreadyActiveSubscriptionError, SubscriptionNotUpgradable
from checkout.trial_redemptions.operations import TrialAlreadyRedeemed

router = ResourceRouter("/checkouts", "checkouts")
client_router = ResourceRouter("/checkouts/client", "checkouts")
Reader = Annotated[Principal, allow("checkouts:read", "checkouts:write")]
Writer = Annotated[Principal, allow("checkouts:write")]
Ids = Annotated[list[UUID] | None, Query()]
REFUSALS = responses(
    ResourceNotFound, NotOpenCheckout, CheckoutCustomerDeleted, AlreadyActiveSubscriptionError,
    SubscriptionNotUpgradable, TrialAlreadyRedeemed, PaymentError, ExpiredCheckoutError, PaymentUnavailable,
)  # fmt: skip
CONFIRM_REFUSALS = REFUSALS | responses(TooManyAttempts)


internal = APIRouter(prefix="/internal", tags=["internal"], route_class=EdgeRoute, include_in_schema=False)


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _processor(request: Request) -> StripeProcessor:
    processor: StripeProcessor = request.app.state.processor
    return processor


SettingsOf = Annotated[Settings, Depends(_settings)]
ProcessorOf = Annotated[StripeProcessor, Depends(_processor)]


@router.get("/", name="list")
async def list_checkouts(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by("created_at", "expires_at", "status")],
    settings: SettingsOf,
    dialect: DialectOf,
    organization_id: Ids = None,
    product_id: Ids = None,
    customer_id: Ids = None,
    external_customer_id: Annotated[list[str] | None, Query()] = None,
    status: Annotated[list[str] | None, Query(description="open, expired, confirmed, succeeded or failed.")] = None,
    query: Annotated[str | None, Query(max_length=200)] = None,
) -> ListResource[CheckoutRead]:
    """Lists checkouts. `completed` is understood as `succeeded`."""
    statuses = ["succeeded" if word == "completed" else word for word in status] if status else None
    wanted = CheckoutFilter(organization_id, product_id, customer_id, external_customer_id, statuses, query)
    checkouts, total = await queries.list_checkouts(session, principal, wanted, page, sorting)
    return page.of([_read(checkout, settings, dialect) for checkout in checkouts], total)


@router.post("/", name="create", status_code=201)
async def create(
    session: SessionOf, principal: Writer, checkout: CheckoutCreate, settings: SettingsOf, dialect: DialectOf
) -> CheckoutRead:
    """Opens a checkout."""
    return CheckoutRead.of(await operations.create(session, principal, checkout, settings), dialect)


@client_router.get("/{client_secret}", name="client_get", responses=responses(ResourceNotFound, ExpiredCheckoutError))
async def client_get(
    client_secret: str, session: SessionOf, settings: SettingsOf, dialect: DialectOf
) -> CheckoutPublic:
    """Gets a checkout as its buyer."""
    checkout = await operations.opened(session, client_secret)
    return CheckoutPublic.shown(await _public(session, checkout, settings, dialect))


@client_router.get(
    "/{client_secret}/stream",
    name="client_stream",
    response_class=StreamingResponse,
    responses={
        **responses(ResourceNotFound, ExpiredCheckoutError, streams.TooManyStreams),
        200: {"description": "Server-sent events.", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
    },
)
async def client_stream(client_secret: str, request: Request, sessions: SessionsOf) -> StreamingResponse:
    """Follows a checkout as its buyer: server-sent events, each a JSON object of `key` and `payload`.

    The keys are `checkout.updated`, `checkout.order_created` and `checkout.subscription_created`. The present state
    comes first. After 55 seconds an event `reconnect` ends the stream.
    """
    async with sessions() as session:
        checkout = await operations.opened(session, client_secret)
        state = streams.State.of(checkout)
    open_streams: streams.Streams = request.app.state.streams
    open_streams.ensure_room(checkout.id)
    lines = streams.events(open_streams, request.app, checkout.id, state)
    return StreamingResponse(lines, media_type="text/event-stream", headers=streams.HEADERS)


@client_router.patch("/{client_secret}", name="client_update", responses=REFUSALS)
async def client_update(
    client_secret: str, session: SessionOf, changes: CheckoutUpdatePublic, settings: SettingsOf, dialect: DialectOf
) -> CheckoutPublic:
    """Changes a checkout as its buyer."""
    checkout = await operations.opened(session, client_secret, lock=True)
    await operations.update(session, checkout, changes, settings)
    return CheckoutPublic.shown(await _public(session, checkout, settings, dialect))


@client_router.post("/{client_secret}/confirm", name="client_confirm", responses=CONFIRM_REFUSALS)
async def client_confirm(
    client_secret: str,
    sessions: SessionsOf,
    body: CheckoutConfirm,
    settings: SettingsOf,
    processor: ProcessorOf,
    dialect: DialectOf,
    address: AddressOf,
) -> CheckoutPublicConfirmed:
    """Confirms a checkout as its buyer."""

    async def find(session: AsyncSession) -> Checkout:
        return await operations.opened(session, client_secret, lock=True)

    await confirm_checkout(sessions, processor, settings, find, body, address)
    async with sessions() as session:
        checkout = await operations.opened(session, client_secret)
        fields = await _public(session, checkout, settings, dialect)
        token = customer_sessions.token_of(checkout, settings)
    return CheckoutPublicConfirmed.shown({**fields, "status": "confirmed", "customer_session_token": token})


@router.get("/{id}", name="get", responses=responses(ResourceNotFound))
async def get(
    id: UUID, session: SessionOf, principal: Reader, settings: SettingsOf, dialect: DialectOf
) -> CheckoutRead:
    """Gets a checkout."""
    return _read(await operations.owned(session, principal, id), settings, dialect)


@router.patch("/{id}", name="update", responses=responses(ResourceNotFound, NotOpenCheckout))
async def update(
    id: UUID, session: SessionOf, principal: Writer, changes: CheckoutUpdate, settings: SettingsOf, dialect: DialectOf
) -> CheckoutRead:
    """Changes an open checkout."""
    checkout = await operations.owned(session, principal, id, lock=True)
    return CheckoutRead.of(await operations.update(session, checkout, changes, settings), dialect)


@router.post("/{id}/confirm", name="confirm", responses=CONFIRM_REFUSALS)
async def confirm(
    id: UUID,
    sessions: SessionsOf,
    principal: Writer,
    body: CheckoutConfirmWithSecret,
    settings: SettingsOf,
    processor: ProcessorOf,
) -> CheckoutConfirmed:
    """Confirms a checkout with the buyer's payment details. The id and the client secret must belong together."""

    async def find(session: AsyncSession) -> Checkout:
        checkout = await operations.owned(session, principal, id, lock=True)
        if checkout.client_secret != body.client_secret:
            raise ResourceNotFound()
        return checkout

    await confirm_checkout(sessions, processor, settings, find, body)
    async with sessions() as session:
        checkout = await operations.owned(session, principal, id)
    return CheckoutConfirmed(
        id=checkout.id,
        status="confirmed",
        customer_id=checkout.customer_id,
        order_id=checkout.order_id,
        subscription_id=checkout.bought_subscription_id,
        payment_processor_metadata=events.processor_metadata(checkout, settings),
    )


@internal.get("/embed-origin/{client_secret}")
async def embed_origin(client_secret: str, session: SessionOf) -> Response:
    """Says to the gateway, for the header of the page, who may frame a checkout: `X-Embed-Origin`, or `'none'`."""
    return Response(status_code=204, headers={"X-Embed-Origin": await embedding.ancestors(session, client_secret)})


def _read(checkout: Checkout, settings: Settings, dialect: Dialect) -> CheckoutRead:
    return CheckoutRead.of(events.shape(checkout, settings), dialect)


async def _public(session: AsyncSession, checkout: Checkout, settings: Settings, dialect: Dialect) -> dict[str, Any]:
    seller = await operations.seller(session, checkout)
    fields = public.without_private(_read(checkout, settings, dialect).model_dump())
    if checkout.status != "succeeded":
        # Whose e-mail was typed is no business of who typed it.
        fields["customer_id"] = checkout.seller_named_id
    fields["organization"] = CheckoutOrganization.model_validate(seller) if seller else None
    fields["consumer_rights"] = consumer_rights.offered(checkout, seller) if seller else None
    return fields
