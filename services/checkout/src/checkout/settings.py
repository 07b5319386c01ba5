"""Checkout's settings."""

from typing import Self

from pydantic import Field, model_validator
from servicekit import settings


class Settings(settings.Settings):
    """The common ones, and how to reach Stripe, or the local stand-in."""

    stripe_secret_key: str = Field(repr=False)
    stripe_publishable_key: str = ""
    stripe_webhook_secret: str = Field(repr=False)
    stripe_api_base: str = ""
    """Empty for Stripe itself; the local Stripe's address otherwise."""
    checkout_ttl_seconds: int = Field(default=24 * 60 * 60, ge=60)

    @model_validator(mode="after")
    def _no_live_key_for_a_stand_in(self) -> Self:
        if self.stripe_api_base and self.stripe_secret_key.startswith(("sk_live_", "rk_live_")):
            raise ValueError("STRIPE_API_BASE is set: a live STRIPE_SECRET_KEY is never sent to another address")
        return self

    @property
    def is_test_mode(self) -> bool:
        """Whether the key is a test key, so that Stripe's test payment methods may be named."""
        return "_test_" in self.stripe_secret_key
