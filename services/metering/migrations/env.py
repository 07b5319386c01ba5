"""Upgrades metering's database."""

from metering import models  # noqa: F401  (registers the tables)
from metering.database import Base
from servicekit import migrations

migrations.run(Base.metadata)
