"""Upgrades the sample service's database."""

from servicekit import migrations
from sqlalchemy import MetaData

migrations.run(MetaData())
