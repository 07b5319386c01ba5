"""Where bytes lie: a folder, or a bucket of an S3-compatible store. Nothing here is called inside a transaction."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import obstore
from obstore.store import LocalStore, S3Store, from_url
from pydantic import Field, model_validator
from pydantic_settings import BaseSettings


class FilesSettings(BaseSettings):
    """A service's settings inherit these beside the common ones, when it keeps bytes."""

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


class ObjectStore:
    """Puts, reads and removes bytes by their path below `url`: `file:///folder` or `s3://bucket`."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme == "file":
            Path(parts.path).mkdir(parents=True, exist_ok=True)
            self._store: Any = LocalStore(parts.path)
        else:
            self._store = from_url(url)

    async def put(self, path: str, body: bytes) -> None:
        """Keeps bytes; what lay there before is replaced as a whole."""
        await obstore.put_async(self._store, path, body)

    async def get(self, path: str) -> bytes:
        """Raises `FileNotFoundError`."""
        found = await obstore.get_async(self._store, path)
        return bytes(await found.bytes_async())

    async def stream(self, path: str) -> AsyncIterator[bytes]:
        """The bytes, a piece at a time. Raises `FileNotFoundError` before the first."""
        found = await obstore.get_async(self._store, path)

        async def pieces() -> AsyncIterator[bytes]:
            async for piece in found.stream():
                yield bytes(piece)

        return pieces()

    def writer(self, path: str) -> AbstractAsyncContextManager[Any]:
        """Writes a piece at a time, with `await writer.write(piece)`."""
        opened: AbstractAsyncContextManager[Any] = obstore.open_writer_async(self._store, path)
        return opened

    async def remove(self, paths: Iterable[str]) -> None:
        """Removes what is there of the paths."""
        for path in paths:
            try:
                await obstore.delete_async(self._store, path)
            except FileNotFoundError:
                continue

    async def link(self, method: Literal["GET", "PUT"], path: str, lifetime: timedelta) -> str | None:
        """Where the store itself takes or gives the bytes for a while; None where a route of ours must."""
        if not isinstance(self._store, S3Store):
            return None
        url: str = await obstore.sign_async(self._store, method, path, lifetime)
        return url
