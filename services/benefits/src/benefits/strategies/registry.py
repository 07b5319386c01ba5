"""The strategy of each type that is given in our own database. Those of the outside are made with its clients."""

from benefits.strategies.custom.strategy import Custom
from benefits.strategies.downloadables.strategy import Downloadables
from benefits.strategies.license_keys.strategy import LicenseKeys
from benefits.strategies.meter_credit.strategy import MeterCredit
from benefits.strategies.protocol import Strategy

STRATEGIES: dict[str, Strategy] = {
    "custom": Custom(),
    "feature_flag": Custom(),
    "license_keys": LicenseKeys(),
    "downloadables": Downloadables(),
    "meter_credit": MeterCredit(),
}
