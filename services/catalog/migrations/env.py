"""Upgrades catalog's database."""

from catalog import models  # noqa: F401  (registers the tables)
from catalog.database import Base
from servicekit import migrations

migrations.run(Base.metadata)
