"""Files as the API shows and takes them."""

import base64
import binascii
from typing import Annotated, Literal
from uuid import UUID

from contracts import catalog as contracts
from contracts.event import Instant
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from servicekit.inputs import Input

MEGABYTE = 1024 * 1024
LIMITS = {"downloadable": 10_000 * MEGABYTE, "product_media": 10 * MEGABYTE, "organization_avatar": MEGABYTE}
"""The largest file of each service, in bytes (Polar's for pictures)."""
PART_BYTES = 16 * MEGABYTE
IMAGES = {"image/jpeg", "image/png", "image/gif", "image/webp", "image/svg+xml"}


def _sha256(value: str) -> str:
    try:
        is_digest = len(base64.b64decode(value, validate=True)) == 32
    except binascii.Error:
        is_digest = False
    if not is_digest:
        raise ValueError("is not the base64 of a SHA-256")
    return value


Sha256 = Annotated[str, StringConstraints(max_length=64), AfterValidator(_sha256)]
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255, pattern=r"^[^/\\\x00-\x1f]+$")
]
Version = Annotated[str, StringConstraints(max_length=64)]
MimeType = Annotated[
    str, StringConstraints(max_length=127, pattern=r"^[\w.+-]+/[\w.+-]+$"), Field(examples=["image/png"])
]


class PartCreate(Input):
    """A part of the upload: the bytes from `chunk_start` up to, and without, `chunk_end`."""

    number: Annotated[int, Field(strict=True, ge=1, le=1000)]
    chunk_start: Annotated[int, Field(strict=True, ge=0)]
    chunk_end: Annotated[int, Field(strict=True, ge=0)]
    checksum_sha256_base64: Sha256 | None = None


class UploadCreate(Input):
    """The parts, in order and without gaps; each of at most 16 MiB."""

    parts: Annotated[list[PartCreate], Field(min_length=1, max_length=1000)]


class FileCreate(Input):
    """A file that is about to be uploaded."""

    name: Name
    mime_type: MimeType
    size: Annotated[int, Field(strict=True, ge=1, le=max(LIMITS.values()))]
    service: Literal["downloadable", "product_media", "organization_avatar"]
    upload: UploadCreate
    checksum_sha256_base64: Sha256 | None = None
    version: Version | None = None
    organization_id: UUID | None = None

    @model_validator(mode="after")
    def _fits(self) -> "FileCreate":
        if self.size > LIMITS[self.service]:
            raise ValueError(f"a {self.service} has at most {LIMITS[self.service]} bytes")
        if self.service != "downloadable" and self.mime_type not in IMAGES:
            raise ValueError(f"a {self.service} is one of {', '.join(sorted(IMAGES))}")
        reached = 0
        for number, part in enumerate(self.upload.parts, start=1):
            if (part.number, part.chunk_start) != (number, reached) or part.chunk_end <= reached:
                raise ValueError("the parts are numbered from 1, and each begins where the one before it ends")
            if part.chunk_end - part.chunk_start > PART_BYTES:
                raise ValueError(f"a part has at most {PART_BYTES} bytes")
            reached = part.chunk_end
        if reached != self.size:
            raise ValueError("the parts should make up the size")
        return self


class FileUpdate(Input):
    """What may change; what is absent stays."""

    name: Name | None = None
    version: Version | None = None


class CompletedPart(Input):
    """A part that was uploaded, with the `ETag` of the answer."""

    number: Annotated[int, Field(strict=True, ge=1, le=1000)]
    checksum_etag: Annotated[str, StringConstraints(max_length=128)]
    checksum_sha256_base64: Sha256 | None = None


class FileUploadCompleted(Input):
    """Says that every part was uploaded."""

    id: Annotated[str, StringConstraints(max_length=64)]
    path: Annotated[str, StringConstraints(max_length=1024)]
    parts: Annotated[list[CompletedPart], Field(min_length=1, max_length=1000)]


class FileRead(contracts.File):
    """A file."""

    is_deleted: bool = Field(default=False, exclude=True)


class UploadPart(PartCreate):
    """Where a part is PUT to, with these headers, until `expires_at`."""

    model_config = ConfigDict(extra="ignore")

    url: str
    expires_at: Instant
    headers: dict[str, str]


class Upload(BaseModel):
    """Where the parts of a file go."""

    id: str
    path: str
    parts: list[UploadPart]


class FileUpload(BaseModel):
    """A file with the addresses of its parts."""

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
    upload: Upload
