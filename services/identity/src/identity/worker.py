"""Identity's message process: it only publishes."""

from servicekit import worker
from servicekit.consumers import Consumers

from identity.settings import Settings

FLOWS: list[Consumers] = []

if __name__ == "__main__":
    worker.run("identity", Settings.load(), FLOWS)
