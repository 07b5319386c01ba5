"""The properties of every type of benefit."""

from servicekit.inputs import Input

from benefits.strategies.custom.properties import CustomProperties
from benefits.strategies.discord.properties import DiscordProperties
from benefits.strategies.downloadables.properties import DownloadablesProperties
from benefits.strategies.feature_flag.properties import FeatureFlagProperties
from benefits.strategies.github_repository.properties import GitHubRepositoryProperties
from benefits.strategies.license_keys.properties import LicenseKeysProperties
from benefits.strategies.meter_credit.properties import MeterCreditProperties

PROPERTIES: dict[str, type[Input]] = {
    "custom": CustomProperties,
    "license_keys": LicenseKeysProperties,
    "downloadables": DownloadablesProperties,
    "feature_flag": FeatureFlagProperties,
    "meter_credit": MeterCreditProperties,
    "github_repository": GitHubRepositoryProperties,
    "discord": DiscordProperties,
}
PLATFORMS = {"github_repository": "github", "discord": "discord"}
"""The types that are given at another company's system, and which one."""
