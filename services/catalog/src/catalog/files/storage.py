"""Where the bytes lie: a folder, or a bucket of an S3-compatible store. Nothing here is called inside a transaction."""

import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from servicekit.errors import ResourceNotFound
from servicekit.storage import ObjectStore

from catalog.files.models import File
from catalog.settings import Settings

LINK_LIFETIME = timedelta(hours=1)


class PartMismatch(Exception):
    """A part is missing, or is not what was announced; `number` says which."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(why)
        self.number = number


@dataclass(frozen=True)
class Joined:
    """The digests of a whole file: SHA-256, and the MD5 that stores call the ETag."""

    sha256: bytes
    etag: str


class Storage:
    """Puts parts, joins them, reads and removes files."""

    def __init__(self, settings: Settings) -> None:
        self._objects = ObjectStore(settings.files_url)

    async def put_part(self, file: File, number: int, body: bytes) -> str:
        """Keeps a part, and returns its ETag."""
        await self._objects.put(file.part_path(number), body)
        return hashlib.md5(body, usedforsecurity=False).hexdigest()

    async def part_url(self, file: File, number: int) -> str | None:
        """Where a store of its own takes the part; None where the suite's own route must."""
        return await self._objects.link("PUT", file.part_path(number), LINK_LIFETIME)

    async def download_url(self, file: File) -> str | None:
        """Where a store of its own gives the file; None where the suite's own route must."""
        return await self._objects.link("GET", file.path, LINK_LIFETIME)

    async def join(self, file: File, etags: dict[int, str]) -> Joined:
        """Joins the parts in order, checking each one's size and digests. Raises `PartMismatch`.

        May be repeated: the parts stay until `remove_parts`.
        """
        whole, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        async with self._objects.writer(file.path) as writer:
            for part in file.parts:
                number = part["number"]
                body = await self._part(file, number)
                if len(body) != part["chunk_end"] - part["chunk_start"]:
                    raise PartMismatch(number, "the part has another size than was announced")
                if hashlib.md5(body, usedforsecurity=False).hexdigest() != etags[number].strip('"'):
                    raise PartMismatch(number, "the part's ETag is another one")
                announced = part["checksum_sha256_base64"]
                if announced and base64.b64encode(hashlib.sha256(body).digest()).decode() != announced:
                    raise PartMismatch(number, "the part's SHA-256 is another one")
                whole.update(body)
                md5.update(body)
                await writer.write(body)
        return Joined(whole.digest(), md5.hexdigest())

    async def _part(self, file: File, number: int) -> bytes:
        try:
            return await self._objects.get(file.part_path(number))
        except FileNotFoundError:
            raise PartMismatch(number, "the part was not uploaded") from None

    async def remove_parts(self, file: File) -> None:
        """Removes the parts of an upload; those that are gone already do not matter."""
        await self._objects.remove([file.part_path(part["number"]) for part in file.parts])

    async def remove(self, file: File) -> None:
        """Removes a file, and what is left of its upload."""
        await self._objects.remove([file.path])
        await self.remove_parts(file)

    async def read(self, file: File) -> AsyncIterator[bytes]:
        """The file's bytes, a piece at a time. Raises `ResourceNotFound` when the store has lost it."""
        try:
            return await self._objects.stream(file.path)
        except FileNotFoundError:
            raise ResourceNotFound() from None
