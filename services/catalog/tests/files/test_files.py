"""`/v1/files/`: uploads in parts, links that expire, pictures of products."""

import base64
import hashlib
import uuid
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from catalog.files.models import File
from catalog.files.storage import Storage
from catalog.files.timers import remove_files
from contracts.catalog import FileUpdatedV1, FileUploadedV1, ProductUpdatedV1
from servicekit import clock, links
from servicekit.testing.harness import SECRET

FILES = "/v1/files/"
BODY = bytes(range(256)) * 40


def announced(body=BODY, cut=4000, **fields):
    ends = [*range(cut, len(body), cut), len(body)]
    parts = [
        {"number": number, "chunk_start": start, "chunk_end": end}
        for number, (start, end) in enumerate(zip([0, *ends], ends, strict=False), start=1)
    ]
    return {
        "name": "app-1.0.zip", "mime_type": "application/zip", "size": len(body), "service": "downloadable",
        "upload": {"parts": parts}, **fields,
    }  # fmt: skip


async def put(anonymous, part, body=BODY):
    url = urlsplit(part["url"])
    content = body[part["chunk_start"] : part["chunk_end"]]
    return await anonymous.put(f"{url.path}?{url.query}", content=content, headers=part["headers"])


async def uploaded(client, anonymous, body=BODY, **fields):
    answer = await client.post(FILES, json=announced(body, **fields))
    assert answer.status_code == 201, answer.text
    file = answer.json()
    parts = []
    for part in file["upload"]["parts"]:
        kept = await put(anonymous, part, body)
        assert kept.status_code == 200, kept.text
        parts.append({"number": part["number"], "checksum_etag": kept.headers["etag"], "checksum_sha256_base64": None})
    done = {"id": file["upload"]["id"], "path": file["upload"]["path"], "parts": parts}
    return file, done, await client.post(f"{FILES}{file['id']}/uploaded", json=done)


def names_below(folder):
    return [path.name for path in Path(folder).rglob("*") if path.is_file()]


async def picture(client, anonymous):
    fields = {"service": "product_media", "mime_type": "image/png", "name": "shot.png"}
    _, _, answer = await uploaded(client, anonymous, b"\x89PNG" + BODY, **fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_an_upload_in_parts_is_joined_and_digested(client, stranger, anonymous, bus):
    file, done, answer = await uploaded(client, anonymous)
    assert answer.status_code == 200, answer.text
    whole = answer.json()
    assert (whole["is_uploaded"], whole["size_readable"], whole["public_url"]) == (True, "10.2 KB", None)
    assert whole["checksum_sha256_hex"] == hashlib.sha256(BODY).hexdigest()
    assert len(await bus.recorded(FileUploadedV1)) == 1
    again = await client.post(f"{FILES}{file['id']}/uploaded", json=done)
    assert (again.status_code, again.json()) == (200, whole)
    assert len(await bus.recorded(FileUploadedV1)) == 1
    assert [item["id"] for item in (await client.get(FILES)).json()["items"]] == [file["id"]]
    assert (await stranger.get(FILES)).json()["items"] == []
    for method, path, body in (
        ("PATCH", file["id"], {"name": "x"}), ("DELETE", file["id"], None), ("POST", f"{file['id']}/uploaded", done),
    ):  # fmt: skip
        assert (await stranger.request(method, FILES + path, json=body)).status_code == 404
    renamed = await client.patch(FILES + file["id"], json={"name": "app-1.1.zip", "version": "1.1"})
    assert (renamed.json()["name"], renamed.json()["version"]) == ("app-1.1.zip", "1.1")
    assert (await bus.recorded(FileUpdatedV1))[-1].data.name == "app-1.1.zip"


async def test_only_who_has_a_link_downloads_and_only_for_a_while(client, anonymous):
    file, _, _ = await uploaded(client, anonymous)
    path = f"{FILES}{file['id']}/download"
    got = await anonymous.get(links.signed(SECRET, path, timedelta(minutes=5)))
    assert (got.status_code, got.content) == (200, BODY)
    assert got.headers["content-disposition"] == "attachment; filename*=UTF-8''app-1.0.zip"
    over = await anonymous.get(links.signed(SECRET, path, -timedelta(seconds=1)))
    assert (over.status_code, over.json()["error"]) == (403, "NotPermitted")
    other = links.signed(SECRET, f"{FILES}{'0' * 8}/download", timedelta(minutes=5)).partition("?")[2]
    assert (await anonymous.get(f"{path}?{other}")).status_code == 403
    assert (await anonymous.get(path)).status_code == 422
    assert (await anonymous.get(f"{FILES}{file['id']}/public")).status_code == 404


async def test_parts_that_are_missing_or_other_are_named(client, anonymous):
    wish = announced()
    wish["upload"]["parts"][0]["checksum_sha256_base64"] = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    file = (await client.post(FILES, json=wish)).json()
    first, second, third = file["upload"]["parts"]
    etags = [(await put(anonymous, part)).headers["etag"] for part in (first, second)]
    assert (await put(anonymous, {**third, "chunk_end": third["chunk_end"] - 1})).status_code == 422
    assert (await anonymous.put(urlsplit(first["url"]).path, content=b"x")).status_code == 403
    unsigned = f"{urlsplit(first['url']).path}?expires=9999999999&signature=0"
    assert (await anonymous.put(unsigned, content=b"x")).status_code == 403

    def done(*given):
        parts = [{"number": number, "checksum_etag": etag} for number, etag in given]
        return {"id": file["upload"]["id"], "path": file["upload"]["path"], "parts": parts}

    path = f"{FILES}{file['id']}/uploaded"
    for body, loc in (
        (done((1, etags[0])), ["body", "parts"]),
        ({**done((1, etags[0])), "id": "other"}, ["body", "id"]),
        (done((1, etags[0]), (2, etags[1]), (3, "x")), ["body", "parts", 0]),
    ):
        refused = await client.post(path, json=body)
        assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, loc)
    assert (await client.get(FILES)).json()["items"] == []


async def test_what_cannot_be_announced_is_refused(client):
    gap = announced()
    gap["upload"]["parts"][1]["chunk_start"] += 1
    for body in (
        gap,
        announced(size=len(BODY) + 1),
        announced(service="product_media"),
        announced(mime_type="image/png", service="organization_avatar", size=2**21),
        announced(name="../../etc/passwd"),
        announced(checksum_sha256_base64="short"),
    ):
        assert (await client.post(FILES, json=body)).status_code == 422


async def test_products_show_their_pictures(client, stranger, anonymous, bus):
    media = await picture(client, anonymous)
    body = {"name": "Pro Plan", "prices": [{"price_amount": 2900}], "medias": [media["id"]]}
    product = (await client.post("/v1/products/", json=body)).json()
    (shown,) = product["medias"]
    assert shown["public_url"] == f"https://shop.example/v1/files/{media['id']}/public"
    got = await anonymous.get(urlsplit(shown["public_url"]).path)
    assert (got.status_code, got.headers["content-type"]) == (200, "image/png")
    assert "immutable" in got.headers["cache-control"]
    assert "sandbox" in got.headers["content-security-policy"]
    theirs = await stranger.post("/v1/products/", json=body)
    assert (theirs.status_code, theirs.json()["detail"][0]["loc"]) == (422, ["body", "medias", 0])
    await client.delete(FILES + media["id"])
    assert (await client.get(f"/v1/products/{product['id']}")).json()["medias"] == []
    assert (await bus.recorded(ProductUpdatedV1))[-1].data.medias == []
    assert (await anonymous.get(urlsplit(shown["public_url"]).path)).status_code == 404


async def test_the_bytes_of_deleted_and_unfinished_files_are_removed(client, anonymous, database, app):
    file, _, _ = await uploaded(client, anonymous)
    begun = (await client.post(FILES, json=announced())).json()
    await put(anonymous, begun["upload"]["parts"][0])
    await client.delete(FILES + file["id"])
    storage = Storage(app.state.settings)
    remove = remove_files(storage)
    assert await remove(database.transaction) == 1
    clock.move(timedelta(hours=25))
    assert await remove(database.transaction) == 1
    assert await remove(database.transaction) == 0
    async with database.transaction() as session:
        gone = await session.get_one(File, begun["id"])
    left = names_below(urlsplit(app.state.settings.files_url).path)
    assert [name for name in left if file["id"] in name or begun["id"] in name] == []
    assert gone.removed_at is not None


@pytest.mark.parametrize("query", ["", "?expires=9999999999&signature=0", "?expires=1e9&signature=x", "?expires=%00"])
async def test_a_part_without_a_signed_link_is_refused_before_it_is_read(anonymous, query):
    taken = []

    async def body():
        for _ in range(64):
            taken.append(1)
            yield b"x" * 65536

    answer = await anonymous.put(f"/v1/files/{uuid.uuid4()}/parts/1{query}", content=body())
    assert answer.status_code in {403, 422}
    assert len(answer.content) < 1024
    assert taken == []
