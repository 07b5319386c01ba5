"""Card testing: strangers who try stolen cards at a form that is open to everybody, to learn which of them are good.

Declines are counted by the hour, and above these numbers Stripe is not asked. A buyer rarely needs three tries. Where a
seller is attacked, one decline is all that a purchase, a card or an address has: buyers who were not declined go on.
"""

from collections.abc import Mapping

PER_PURCHASE = 5
"""Declines of one checkout, order or customer."""
PER_CARD = 5
"""Declines of one card, by Stripe's fingerprint, at whichever seller: security codes and dates are guessed so."""
PER_ADDRESS = 10
"""Declines of one client address: several buyers may share it."""
PER_NETWORK = 50
"""Declines of one IPv6 network of 48 bits, all of which one customer of a provider may have."""
UNDER_ATTACK = 1

ATTACK_PERCENT, ATTACK_LEAST = 40, 20
"""A seller is attacked when more than this share of at least so many cards were declined."""
ALERT_PERCENT, ALERT_LEAST = 40, 50
"""From here on the seller and the operator are told."""

REFUSAL = "Too many payments were declined: try again later"


def bounds(
    purchase: str, address: str | None, network: str | None, fingerprint: str | None, *, is_under_attack: bool
) -> Mapping[str, int]:
    """How many declines each mark of an attempt may have within the hour. What is not known is not counted."""
    found = {purchase: PER_PURCHASE}
    if address is not None:
        found[f"address {address}"] = PER_ADDRESS
    if network is not None and network != address:
        found[f"network {network}"] = PER_NETWORK
    if fingerprint is not None:
        found[f"card {fingerprint}"] = PER_CARD
    return dict.fromkeys(found, UNDER_ATTACK) if is_under_attack else found
