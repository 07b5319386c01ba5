"""Call-backs of others: without their signature or state they change nothing, and they are reached without a token."""

import hashlib
import hmac
import json
import time

import httpx
import pytest
from polar_cli.stack import Stack

from tests.security.attacks.people import Seller

STRIPE = "/v1/integrations/stripe/webhook"
BODY = json.dumps({"id": "evt_x", "object": "event", "type": "payment_intent.succeeded", "data": {"object": {}}})


def signature(secret: str, body: str, at: float) -> str:
    """As Stripe signs."""
    digest = hmac.new(secret.encode(), f"{int(at)}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={int(at)},v1={digest}"


@pytest.mark.parametrize(
    "header",
    ["", "t=1,v1=00", signature("whsec_wrong", BODY, time.time()), signature("", BODY, time.time()), "x" * 4000],
    ids=["none", "garbage", "another secret", "no secret", "long"],
)
async def test_stripe_s_call_backs_are_signed(nobody: httpx.AsyncClient, header: str) -> None:
    headers = {"Stripe-Signature": header} if header else {}
    assert (await nobody.post(STRIPE, content=BODY, headers=headers)).status_code == 400


@pytest.mark.parametrize("body", ["[]", "7", '"x"', "{}", '{"id":"evt_1"}', '{"id":1,"type":[]}', "{"])
async def test_a_signed_call_back_that_is_no_event_is_refused(
    stack: Stack, nobody: httpx.AsyncClient, body: str
) -> None:
    secret = f"whsec_{stack.state.secret('stripe-webhook')}"
    headers = {"Stripe-Signature": signature(secret, body, time.time())}
    answer = await nobody.post(STRIPE, content=body, headers=headers)
    assert answer.status_code < 500, answer.text


async def test_an_invented_state_connects_no_account(seller: Seller) -> None:
    path = "/v1/customer-portal/oauth-accounts/callback"
    for query in ({}, {"code": "c"}, {"state": "s", "code": "c"}, {"state": "a.b.c", "error": "x" * 3000}):
        answer = await seller.nobody.get(path, params=query, follow_redirects=False)
        assert answer.status_code in {302, 303, 307, 400, 403, 404, 422}, answer.text
