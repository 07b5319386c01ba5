"""Identity's message process: it publishes, and tells again to those whose copies differ."""

from servicekit import worker

from identity.customers.consumers import consumers as customers
from identity.projections import projections
from identity.settings import Settings

FLOWS = [customers, projections.replays]

if __name__ == "__main__":
    worker.run("identity", Settings.load(), FLOWS, projections=projections)
