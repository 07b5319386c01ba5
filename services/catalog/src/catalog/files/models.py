"""Files: what is shown of products, and what buyers download."""

import math
from datetime import datetime
from typing import Any

from servicekit.database import Record
from sqlalchemy import BigInteger, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from catalog.database import Base

PUBLIC = ("product_media", "organization_avatar")
"""What everybody may see; the others need a signed link."""


class File(Record, Base):
    """A file and where it lies: uploaded in parts, and joined when all of them are there; then it never changes."""

    __tablename__ = "files"

    service: Mapped[str]
    name: Mapped[str]
    path: Mapped[str] = mapped_column(unique=True)
    public_url: Mapped[str | None]
    mime_type: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[str | None]
    checksum_sha256_base64: Mapped[str | None]
    checksum_sha256_hex: Mapped[str | None]
    checksum_etag: Mapped[str | None]
    last_modified_at: Mapped[datetime | None]
    is_uploaded: Mapped[bool] = mapped_column(default=False)
    parts: Mapped[list[Any]] = mapped_column(JSONB)
    """Of the upload: `number` from 1, `chunk_start`, `chunk_end` (exclusive), `checksum_sha256_base64`."""
    deleted_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
    """When the bytes of a deleted file were removed from the storage."""

    def part_path(self, number: int) -> str:
        """Where a part of the upload lies."""
        return f"{self.path}.part{number}"

    @property
    def size_readable(self) -> str:
        """The size as people write it: 1.2 MB."""
        if self.size == 0:
            return "0 B"
        power = min(int(math.log(self.size, 1000)), 4)
        scaled = self.size / 1000**power
        return f"{scaled:.0f} B" if power == 0 else f"{scaled:.1f} {'BKMGT'[power]}B"


Index("files_list_idx", File.organization_id, File.created_at.desc(), File.id.desc())
Index("files_removal_idx", File.deleted_at, postgresql_where=File.deleted_at.is_not(None) & File.removed_at.is_(None))
Index("files_unfinished_idx", File.created_at, postgresql_where=~File.is_uploaded & File.deleted_at.is_(None))
