"""What is said about files, and their public shape."""

from contracts import catalog as contracts

from catalog.files.models import File


def shape(file: File) -> contracts.File:
    """The public shape of a file."""
    return contracts.File(
        id=file.id,
        created_at=file.created_at,
        modified_at=file.modified_at,
        organization_id=file.organization_id,
        name=file.name,
        path=file.path,
        mime_type=file.mime_type,
        size=file.size,
        size_readable=file.size_readable,
        storage_version=None,
        checksum_etag=file.checksum_etag,
        checksum_sha256_base64=file.checksum_sha256_base64,
        checksum_sha256_hex=file.checksum_sha256_hex,
        last_modified_at=file.last_modified_at,
        version=file.version,
        service=file.service,
        is_uploaded=file.is_uploaded,
        is_deleted=file.deleted_at is not None,
        flagged_malicious_at=None,
        public_url=file.public_url,
    )


def file_uploaded(file: File, data: contracts.File) -> contracts.FileUploadedV1:
    """A file can be used."""
    return contracts.FileUploadedV1(
        subject=file.id, organization_id=file.organization_id, time=file.last_modified_at or file.created_at, data=data
    )


def file_updated(file: File, data: contracts.File) -> contracts.FileUpdatedV1:
    """A file got another name, or was deleted."""
    return contracts.FileUpdatedV1(
        subject=file.id, organization_id=file.organization_id, time=file.modified_at or file.created_at, data=data
    )
