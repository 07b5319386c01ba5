"""Files: uploaded in parts, shown on products, and downloaded by whoever bought them."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from polar.v2026_10 import Polar
from polar.v2026_10.errors import ResourceNotFound

from tests.conformance.conftest import needed

operation = pytest.mark.operation
BODY = bytes(range(256)) * 8


def uploaded(polar: Polar, **fields: Any) -> Any:
    half = len(BODY) // 2
    parts = [
        {"number": 1, "chunk_start": 0, "chunk_end": half},
        {"number": 2, "chunk_start": half, "chunk_end": len(BODY)},
    ]
    wish = {"name": "app.zip", "mime_type": "application/zip", "service": "downloadable", **fields}
    file = polar.files.create(size=len(BODY), upload={"parts": parts}, **wish)
    done = []
    for part in file.upload.parts:
        answer = httpx.put(part.url, content=BODY[part.chunk_start : part.chunk_end], headers=part.headers)
        assert answer.status_code == 200, answer.text
        done.append({"number": part.number, "checksum_etag": answer.headers["etag"], "checksum_sha256_base64": None})
    return polar.files.uploaded(file.id, id=file.upload.id, path=file.upload.path, parts=done)


@pytest.fixture(scope="module")
def file(polar: Polar) -> Any:
    """What buyers download."""
    return uploaded(polar)


@operation("files.create")
def test_announce_a_file(polar: Polar) -> None:
    part = {"number": 1, "chunk_start": 0, "chunk_end": 10}
    made = polar.files.create(
        name="a.bin", mime_type="application/zip", size=10, service="downloadable", upload={"parts": [part]}
    )
    assert (made.is_uploaded, made.upload.parts[0].number) == (False, 1)


@operation("files.uploaded")
def test_complete_an_upload(file: Any) -> None:
    assert (file.is_uploaded, file.service, file.size) == (True, "downloadable", len(BODY))


@operation("files.list")
def test_list_files(polar: Polar, file: Any) -> None:
    assert [one.id for one in polar.files.list(ids=[file.id]).items] == [file.id]


@operation("files.update")
def test_rename_a_file(polar: Polar) -> None:
    changed = polar.files.update(uploaded(polar).id, name="other.zip", version="2")
    assert (changed.name, changed.version) == ("other.zip", "2")


@operation("files.delete")
def test_delete_a_file(polar: Polar) -> None:
    gone = uploaded(polar)
    polar.files.delete(gone.id)
    with pytest.raises(ResourceNotFound):
        polar.files.update(gone.id, name="x")


def test_a_picture_of_a_product(polar: Polar) -> None:
    picture = uploaded(polar, service="product_media", mime_type="image/png", name="shot.png")
    price = {"amount_type": "fixed", "price_amount": 1000}
    made = polar.products.create(name="Pictured", prices=[price], medias=[picture.id])
    assert httpx.get(made.medias[0].public_url).content == BODY


@pytest.fixture(scope="module")
def downloads(polar: Polar, file: Any) -> Any:
    """A benefit that gives the file."""
    return polar.benefits.create(type="downloadables", description="The app", properties={"files": [file.id]})


@pytest.fixture(scope="module")
def portal(polar: Polar, downloads: Any, until: Callable[..., Any]) -> Iterator[Polar]:
    """The portal of a customer who got the file for nothing."""
    made = polar.products.create(name="The app", prices=[{"amount_type": "fixed", "price_amount": 0}])
    polar.products.update_benefits(made.id, benefits=[downloads.id])
    checkout = polar.checkouts.create(products=[made.id], customer_email="files@example.com")
    polar.checkouts.client_confirm(checkout.client_secret)
    (grant,) = until(lambda: polar.benefits.grants(downloads.id, is_granted=True).items)
    session = until(lambda: polar.customer_sessions.create(customer_id=grant.customer_id))
    with Polar(session.token, base_url=needed("POLAR_API_URL"), timeout=60.0) as client:
        yield client


@operation("customer_portal.downloadables.list")
def test_the_customer_downloads(portal: Polar, downloads: Any) -> None:
    (found,) = portal.customer_portal.downloadables.list(benefit_id=downloads.id).items
    answer = httpx.get(found.file.download.url, follow_redirects=True)
    assert (answer.status_code, answer.content) == (200, BODY)


@operation("benefits.files")
def test_the_files_of_a_benefit(polar: Polar, portal: Polar, downloads: Any, file: Any) -> None:
    link = portal.customer_portal.downloadables.list().items[0].file.download.url
    before = polar.benefits.files(downloads.id).items[0].downloads
    httpx.get(link, follow_redirects=True)
    (found,) = polar.benefits.files(downloads.id).items
    assert (found.id, found.downloads, found.downloaders) == (file.id, before + 1, 1)


@operation("customer_portal.benefit_grants.list")
def test_the_customers_grants(portal: Polar, downloads: Any) -> None:
    (grant,) = portal.customer_portal.benefit_grants.list(type="downloadables").items
    assert (grant.benefit_id, grant.benefit.organization.name) == (downloads.id, "Conformance")


@operation("customer_portal.benefit_grants.get")
def test_a_grant_of_the_customer(portal: Polar, file: Any) -> None:
    (listed,) = portal.customer_portal.benefit_grants.list().items
    grant = portal.customer_portal.benefit_grants.get(listed.id)
    assert grant.benefit.properties.active_files == [file.id]


@operation("customer_portal.benefit_grants.update")
def test_the_customer_changes_a_grant(portal: Polar) -> None:
    (listed,) = portal.customer_portal.benefit_grants.list().items
    assert portal.customer_portal.benefit_grants.update(listed.id, benefit_type="downloadables").id == listed.id
