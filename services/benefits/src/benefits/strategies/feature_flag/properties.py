"""What a feature flag is made of."""

from pydantic import BaseModel


class FeatureFlagProperties(BaseModel):
    """A feature that the merchant's software turns on for whoever holds the benefit."""
