"""What a feature flag is made of."""

from servicekit.inputs import Input


class FeatureFlagProperties(Input):
    """A feature that the merchant's software turns on for whoever holds the benefit."""
