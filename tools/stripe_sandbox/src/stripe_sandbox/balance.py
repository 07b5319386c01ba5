"""Balance transactions: what each movement left in Stripe's account, less Stripe's fee."""

from typing import Any

from stripe_sandbox.events import Sandbox

FEE_PER_MILLE, FEE_FIXED = 29, 30
"""2.9 % and 30 minor units of every charge: Stripe's published price for cards in the US, here in any currency."""


def fee_of_charge(amount: int) -> int:
    """The fee of a charge in minor units, rounded half up."""
    return (amount * FEE_PER_MILLE + 500) // 1000 + FEE_FIXED


def movement(sandbox: Sandbox, kind: str, source: dict[str, Any], amount: int, fee: int) -> dict[str, Any]:
    """Writes a balance transaction: `amount` minor units came (or went, when negative), and `fee` was kept."""
    return sandbox.store.new(
        "balance_transaction",
        "txn",
        {
            "amount": amount,
            "currency": source["currency"],
            "exchange_rate": None,
            "fee": fee,
            "fee_details": [{"amount": fee, "currency": source["currency"], "type": "stripe_fee"}] if fee else [],
            "net": amount - fee,
            "reporting_category": "dispute" if source["object"] == "dispute" else kind,
            "source": source["id"],
            "status": "pending",
            "type": kind,
        },
    )
