"""What a benefit of license keys is made of."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints
from servicekit.inputs import Input

Prefix = Annotated[str, StringConstraints(strip_whitespace=True, max_length=32, pattern=r"^[A-Za-z0-9_-]*$")]


class LicenseKeyExpiration(Input):
    """After how long a key ends. A subscription's counts from its period's begin, and never ends before the period."""

    ttl: int = Field(strict=True, ge=1, le=1000)
    timeframe: Literal["year", "month", "day"]


class LicenseKeyActivations(Input):
    """On how many machines a key may be active at once."""

    limit: int = Field(strict=True, ge=1, le=1000)
    enable_customer_admin: bool = True


class LicenseKeysProperties(Input):
    """License keys: how they look, how long they last, and how often they may be used.

    With `offline` the text of a key is signed with the organization's key, and can be verified without asking.
    """

    prefix: Prefix | None = None
    expires: LicenseKeyExpiration | None = None
    activations: LicenseKeyActivations | None = None
    limit_usage: int | None = Field(default=None, strict=True, ge=1, le=2**31 - 1)
    offline: bool = False
