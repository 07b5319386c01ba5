"""Upgrades webhooks's database."""

from webhooks import models  # noqa: F401  (registers the tables)
from webhooks.database import Base
from servicekit import migrations

migrations.run(Base.metadata)
