"""How Stripe is reached: settings that every service has which speaks to it."""

from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings


class StripeSettings(BaseSettings):
    """A service's settings inherit these beside the common ones."""

    stripe_secret_key: str = Field(repr=False)
    stripe_api_base: str = ""
    """Empty for Stripe itself; the local Stripe's address otherwise."""
    stripe_tax: bool = False
    """Whether Stripe Tax is asked before the built-in tables."""

    @model_validator(mode="after")
    def _no_live_key_for_a_stand_in(self) -> Self:
        if self.stripe_api_base and self.stripe_secret_key.startswith(("sk_live_", "rk_live_")):
            raise ValueError("STRIPE_API_BASE is set: a live STRIPE_SECRET_KEY is never sent to another address")
        return self

    @property
    def is_test_mode(self) -> bool:
        """Whether the key is a test key, so that Stripe's test payment methods may be named."""
        return "_test_" in self.stripe_secret_key
