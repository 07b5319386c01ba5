"""Upgrades checkout's database."""

from checkout import models  # noqa: F401  (registers the tables)
from checkout.database import Base
from servicekit import migrations

migrations.run(Base.metadata)
