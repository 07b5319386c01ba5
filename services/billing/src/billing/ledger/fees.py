"""What the operator of the suite takes of each payment: nothing, unless the settings say so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from pricing.amounts import rounded


@dataclass(frozen=True)
class PlatformFee:
    """A share in basis points (1/10,000) of a payment, and a fixed part in minor units by currency."""

    basis_points: int = 0
    fixed: Mapping[str, int] = field(default_factory=dict)

    def of(self, amount: int, currency: str) -> int:
        """The fee of a payment of `amount` minor units: never more than the payment, rounded half away from zero."""
        share = rounded(Fraction(amount * self.basis_points, 10_000))
        return min(amount, share + self.fixed.get(currency, 0)) if amount > 0 else 0


_present = PlatformFee()


def use(fee: PlatformFee) -> None:
    """Sets this process's fee, from its settings, when it starts."""
    global _present
    _present = fee


def platform_fee(amount: int, currency: str) -> int:
    """The fee of a payment, in minor units, by this process's settings."""
    return _present.of(amount, currency)
