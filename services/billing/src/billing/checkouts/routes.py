"""`/v1/checkouts/client/{client_secret}/order`: what a checkout bought, for its confirmation page."""

from fastapi.responses import RedirectResponse
from servicekit.errors import ResourceNotFound, responses
from servicekit.routing import ResourceRouter, SessionOf, SessionsOf

from billing.checkouts import order
from billing.checkouts.order import OrderViewExpired
from billing.checkouts.schemas import CheckoutOrder
from billing.documents.access import SettingsOf, StoreOf
from billing.documents.issue import OrderChanged

router = ResourceRouter("/checkouts/client/{client_secret}/order", "checkouts")


@router.get("", name="client_order", responses=responses(ResourceNotFound, OrderViewExpired))
async def client_order(client_secret: str, session: SessionOf, settings: SettingsOf) -> CheckoutOrder:
    """Gets the order of a checkout as its buyer, within a day of the purchase."""
    return await order.get(session, client_secret, settings)


@router.get(
    "/receipt",
    name="client_receipt",
    status_code=303,
    response_class=RedirectResponse,
    responses={**responses(ResourceNotFound, OrderViewExpired, OrderChanged), 303: {"description": "To the receipt."}},
)
async def client_receipt(
    client_secret: str, sessions: SessionsOf, store: StoreOf, settings: SettingsOf
) -> RedirectResponse:
    """Sends the buyer to the receipt of a checkout's order, within a day of the purchase."""
    return RedirectResponse(await order.receipt(sessions, store, client_secret, settings), 303)
