"""What a benefit of files is made of."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, model_validator
from servicekit.inputs import Input


class DownloadablesProperties(Input):
    """Files that its holders download; those that are archived are kept, and given no more."""

    files: Annotated[list[UUID], Field(min_length=1, max_length=100)]
    archived: dict[UUID, bool] = {}

    @model_validator(mode="after")
    def _archives_its_own(self) -> "DownloadablesProperties":
        if len(set(self.files)) < len(self.files):
            raise ValueError("every file can be given once")
        if not set(self.archived) <= set(self.files):
            raise ValueError("only files of the benefit can be archived")
        return self
