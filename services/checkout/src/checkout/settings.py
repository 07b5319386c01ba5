"""Checkout's settings."""

from processor import StripeSettings
from pydantic import Field
from servicekit import settings


class Settings(StripeSettings, settings.PagesSettings):
    """The common ones, how to reach Stripe or the local stand-in, and what Stripe signs its call-backs with."""

    stripe_publishable_key: str = ""
    stripe_webhook_secret: str = Field(repr=False)
    checkout_ttl_seconds: int = Field(default=24 * 60 * 60, ge=60)
