"""Downloads as customers and merchants see them."""

from typing import Any
from uuid import UUID

from contracts.event import Instant
from pydantic import BaseModel

_FILE = (
    "id", "organization_id", "name", "path", "mime_type", "size", "storage_version", "checksum_etag",
    "checksum_sha256_base64", "checksum_sha256_hex", "last_modified_at", "version", "is_uploaded", "service",
    "size_readable",
)  # fmt: skip


class Download(BaseModel):
    """Where a file is fetched from, until `expires_at`."""

    url: str
    expires_at: Instant
    headers: dict[str, str] = {}


class FileDownload(BaseModel):
    """A file and its link."""

    id: UUID
    organization_id: UUID
    name: str
    path: str
    mime_type: str
    size: int
    size_readable: str
    storage_version: str | None
    checksum_etag: str | None
    checksum_sha256_base64: str | None
    checksum_sha256_hex: str | None
    last_modified_at: Instant | None
    version: str | None
    is_uploaded: bool
    service: str
    download: Download


class DownloadableRead(BaseModel):
    """A file that a customer may download because of a benefit."""

    id: UUID
    benefit_id: UUID
    file: FileDownload

    @classmethod
    def of(cls, id: UUID, benefit_id: UUID, file: dict[str, Any], link: Download) -> "DownloadableRead":
        """`file` is the catalog's shape."""
        shown = {name: file[name] for name in _FILE}
        return cls(id=id, benefit_id=benefit_id, file=FileDownload.model_validate({**shown, "download": link}))


class BenefitDownloadableFile(BaseModel):
    """A file of a benefit, and how often it was downloaded, and by how many."""

    id: UUID
    organization_id: UUID
    name: str
    path: str
    mime_type: str
    size: int
    size_readable: str
    storage_version: str | None
    checksum_etag: str | None
    checksum_sha256_base64: str | None
    checksum_sha256_hex: str | None
    last_modified_at: Instant | None
    version: str | None
    service: str
    is_uploaded: bool
    created_at: Instant
    flagged_malicious_at: Instant | None
    downloaders: int
    downloads: int
