"""Upgrades benefits's database."""

from benefits import models  # noqa: F401  (registers the tables)
from benefits.database import Base
from servicekit import migrations

migrations.run(Base.metadata)
