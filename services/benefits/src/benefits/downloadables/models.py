"""Downloads: how often a grant's files were taken."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from benefits.database import Base


class Download(Base):
    """How often one file was downloaded with one grant."""

    __tablename__ = "downloads"

    grant_id: Mapped[UUID] = mapped_column(primary_key=True)
    file_id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    benefit_id: Mapped[UUID]
    customer_id: Mapped[UUID]
    downloads: Mapped[int] = mapped_column(BigInteger)
    last_downloaded_at: Mapped[datetime]


Index("downloads_benefit_idx", Download.benefit_id, Download.file_id)
