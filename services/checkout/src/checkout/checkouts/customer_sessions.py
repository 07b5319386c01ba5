"""The customer session that comes with a purchase, where it is sure whose it is.

Anybody can type anybody's e-mail: a session is given to the buyer of a checkout that the seller made for this customer,
or where the customer begins with this purchase. Identity opens it, from the HMAC that the purchase's event carries.
"""

from datetime import timedelta

from contracts import checkout as contracts
from servicekit import clock
from servicekit.tokens import derived, hashed

from checkout.checkouts.models import Checkout
from checkout.settings import Settings

PREFIX = "polar_cst_"
LIFETIME = timedelta(hours=1)
"""As of every customer session (Polar's rule)."""


def of_purchase(checkout: Checkout, settings: Settings) -> contracts.PurchaseSession | None:
    """What the event of a purchase says of its session; None where the buyer gets none."""
    if not _is_given(checkout):
        return None
    return contracts.PurchaseSession(
        token_hash=hashed(_text(checkout, settings), settings.secret).hex(),
        expires_at=clock.wall() + LIFETIME,
        is_of_new_customer=checkout.is_new_customer,
    )


def token_of(checkout: Checkout, settings: Settings) -> str | None:
    """The token, while the session lasts: the same however often the confirmation is repeated."""
    succeeded_at = checkout.succeeded_at
    if succeeded_at is None or succeeded_at + LIFETIME <= clock.now() or not _is_given(checkout):
        return None
    return _text(checkout, settings)


def _is_given(checkout: Checkout) -> bool:
    named = checkout.named_customer_id
    return checkout.status == "succeeded" and (checkout.is_new_customer or named is not None)


def _text(checkout: Checkout, settings: Settings) -> str:
    return derived(PREFIX, settings.secret, "customer session of checkout", str(checkout.id), checkout.client_secret)
