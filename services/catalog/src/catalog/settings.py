"""Catalog's settings."""

from typing import Annotated, Self

from fastapi import Depends, Request
from pydantic import Field, model_validator
from servicekit import settings

PART_LIMIT = 17 * 1024 * 1024


class Settings(settings.Settings):
    """The common ones, and where files lie."""

    body_limit_bytes: int = PART_LIMIT
    """A part of an upload, which the gateway lets through on its own address alone."""
    files_url: str = ""
    """`file:///a/folder`, or `s3://bucket` with the AWS_ settings; AWS_S3_BUCKET alone is the same as the latter."""
    aws_s3_bucket: str = Field(default="", repr=False)

    @model_validator(mode="after")
    def _has_a_place_for_files(self) -> Self:
        if not self.files_url and self.aws_s3_bucket:
            self.files_url = f"s3://{self.aws_s3_bucket}"
        if not self.files_url.startswith(("file:///", "s3://")):
            raise ValueError("FILES_URL is missing: file:///a/folder, or s3://bucket")
        return self


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


SettingsOf = Annotated[Settings, Depends(_settings)]
