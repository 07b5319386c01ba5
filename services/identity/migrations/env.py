"""Upgrades identity's database."""

from identity import models  # noqa: F401  (registers the tables)
from identity.database import Base
from servicekit import migrations

migrations.run(Base.metadata)
