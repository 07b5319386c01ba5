"""`/v1/integrations/stripe/webhook`: Stripe's call-backs, which end where the answers to our charges end."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Request
from processor import event_of, is_brief, judgement_of, outcome_of, setup_of
from servicekit.errors import BadRequest, responses
from servicekit.inputs import ForeignQuery, RawBody
from servicekit.routing import ResourceRouter, SessionOf

from checkout.payments import operations

router = ResourceRouter("/integrations/stripe", "integrations")

HEARD = {
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "payment_intent.requires_action",
}


SET_UP = {"setup_intent.succeeded", "setup_intent.setup_failed", "setup_intent.canceled"}
"""About cards that are kept."""


CHARGE_FAILED = "charge.failed"
"""Says what Radar judged of a declined card, which no answer and no other call-back does."""
OF_PAYMENTS = HEARD | SET_UP | {CHARGE_FAILED}


class SignatureInvalid(BadRequest):
    """The call-back was not signed by Stripe."""


@router.post("/webhook", name="stripe_webhook", responses=responses(SignatureInvalid))
async def receive_stripe_event(
    request: Request,
    session: SessionOf,
    body: RawBody,
    _: ForeignQuery,
    stripe_signature: Annotated[str, Header()] = "",
) -> dict[str, str]:
    """Takes a call-back of Stripe: once by its id, whatever the order.

    Where it comes before the answer to our charge and does not say what the card is, Stripe is asked, outside of the
    transaction of the call-back: the card is kept with its brand and its end, and the payment with its fee.
    """
    try:
        event = event_of(body, stripe_signature, request.app.state.settings.stripe_webhook_secret)
    except ValueError:
        raise SignatureInvalid("the signature is not Stripe's") from None
    intent: dict[str, Any] = event["data"]["object"]
    payment_id = _payment_id(intent) if event["type"] in OF_PAYMENTS else None
    if not await operations.receive(session, event, payment_id) or payment_id is None:
        return {"status": "received"}
    if event["type"] == CHARGE_FAILED:
        await operations.judge(session, payment_id, judgement_of(intent))
    else:
        is_kept = event["type"] == "setup_intent.succeeded"
        is_asked = (is_kept or is_brief(intent)) and await operations.ask_now(session, payment_id, intent["id"])
        if not is_asked and not is_kept:
            said = operations.not_kept(setup_of(intent)) if event["type"] in SET_UP else outcome_of(intent)
            await operations.settle(session, payment_id, said, request.app.state.settings)
    return {"status": "received"}


def _payment_id(intent: dict[str, Any]) -> UUID | None:
    """Which payment of ours an intent is for: it carries the id that we gave it."""
    try:
        return UUID((intent.get("metadata") or {}).get("payment_id", ""))
    except ValueError:
        return None
