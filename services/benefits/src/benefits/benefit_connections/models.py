"""What organizations connected at other systems: GitHub App installations and Discord servers."""

from servicekit.database import Record
from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from benefits.database import Base


class BenefitConnection(Record, Base):
    """An installation or a server whose access an organization may sell: one of its people administers it.

    Several organizations may have the same one, each by a proof of its own.
    """

    __tablename__ = "benefit_connections"

    platform: Mapped[str]
    """`github` or `discord`."""
    external_id: Mapped[str]
    """GitHub's id of the installation, or Discord's of the server. An App that is installed anew has another id."""
    name: Mapped[str]
    """The GitHub account's login or the server's name when it was connected."""
    connected_by: Mapped[str | None]
    """The account that proved it; None where the suite's operator connected it."""


Index(
    "benefit_connections_external_key",
    BenefitConnection.organization_id,
    BenefitConnection.platform,
    BenefitConnection.external_id,
    unique=True,
)
