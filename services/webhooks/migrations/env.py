"""Upgrades webhooks's database."""

from servicekit import migrations
from webhooks import models  # noqa: F401  (registers the tables)
from webhooks.database import Base

migrations.run(Base.metadata)
