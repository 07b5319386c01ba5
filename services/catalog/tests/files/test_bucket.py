"""Files in a bucket: parts go to the store by signed addresses, and downloads come from it."""

import base64
import hashlib
from collections.abc import AsyncIterator

import boto3
import httpx
import pytest
from catalog.app import create_app
from moto.server import ThreadedMotoServer
from servicekit.testing import signed_headers

BUCKET = "polar-files"
BODY = bytes(range(256)) * 40
HALF = len(BODY) // 2


@pytest.fixture
def s3(monkeypatch):
    """A bucket of a store that checks what S3 checks."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "not-a-real-secret",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT": f"http://{host}:{port}",
        "AWS_ALLOW_HTTP": "true",
    }.items():
        monkeypatch.setenv(name, value)
    httpx.post(f"http://{host}:{port}/moto-api/reset")
    client = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1")
    client.create_bucket(Bucket=BUCKET)
    yield client
    server.stop()


@pytest.fixture
async def merchant(s3, settings, database, organization_id, service) -> AsyncIterator[httpx.AsyncClient]:
    """Calls a catalog whose files are in the bucket."""
    app = create_app(settings.model_copy(update={"files_url": f"s3://{BUCKET}"}))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        headers = signed_headers(organization_id, *service.scopes)
        async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as caller:
            yield caller


def keys(s3):
    return sorted(one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []))


async def test_a_file_goes_up_in_parts_and_comes_down_by_signed_addresses(merchant, s3):
    parts = [
        {"number": 1, "chunk_start": 0, "chunk_end": HALF},
        {"number": 2, "chunk_start": HALF, "chunk_end": len(BODY)},
    ]
    wish = {
        "name": "app.zip", "mime_type": "application/zip", "size": len(BODY), "service": "downloadable",
        "upload": {"parts": parts},
    }  # fmt: skip
    file = (await merchant.post("/v1/files/", json=wish)).json()
    done = []
    async with httpx.AsyncClient() as outside:
        for part in file["upload"]["parts"]:
            assert f"/{BUCKET}/" in part["url"]
            assert "X-Amz-Signature=" in part["url"]
            piece = BODY[part["chunk_start"] : part["chunk_end"]]
            sent = await outside.put(part["url"], content=piece, headers=part["headers"])
            assert sent.status_code == 200, sent.text
            done.append({"number": part["number"], "checksum_etag": sent.headers["etag"]})
        complete = {"id": file["upload"]["id"], "path": file["upload"]["path"], "parts": done}
        answer = await merchant.post(f"/v1/files/{file['id']}/uploaded", json=complete)
        assert answer.status_code == 200, answer.text
        digest = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
        assert answer.json()["checksum_sha256_base64"] == digest
        assert keys(s3) == [file["path"]]
        stored = s3.get_object(Bucket=BUCKET, Key=file["path"])["Body"].read()
        assert stored == BODY


async def test_a_part_that_never_arrived_is_named(merchant, s3):
    parts = [{"number": 1, "chunk_start": 0, "chunk_end": 10}]
    wish = {
        "name": "a.txt", "mime_type": "text/plain", "size": 10, "service": "downloadable", "upload": {"parts": parts}
    }  # fmt: skip
    file = (await merchant.post("/v1/files/", json=wish)).json()
    done = [{"number": 1, "checksum_etag": "0" * 32}]
    complete = {"id": file["upload"]["id"], "path": file["upload"]["path"], "parts": done}
    answer = await merchant.post(f"/v1/files/{file['id']}/uploaded", json=complete)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][:2] == ["body", "parts"]
    assert keys(s3) == []
