"""What is heard about files."""

from contracts.catalog import FileUpdatedV1, FileUploadedV1
from servicekit.consumers import Consumers
from servicekit.database import project
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.files.models import File

consumers = Consumers("benefits.files")


@consumers.on(FileUploadedV1, FileUpdatedV1)
async def keep_file(event: FileUploadedV1 | FileUpdatedV1, session: AsyncSession) -> None:
    """Keeps the file as it is now."""
    await project(
        session,
        File,
        event,
        organization_id=event.organization_id,
        is_deleted=event.data.is_deleted,
        data=event.data.model_dump(mode="json"),
    )
