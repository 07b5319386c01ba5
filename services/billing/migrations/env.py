"""Upgrades billing's database."""

from billing import models  # noqa: F401  (registers the tables)
from billing.database import Base
from servicekit import migrations

migrations.run(Base.metadata)
