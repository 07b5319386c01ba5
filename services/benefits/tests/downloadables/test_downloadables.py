"""Files that benefits give: links for who holds them, counted; and grants as their customers see them."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from contracts.catalog import File, FileUpdatedV1, FileUploadedV1
from contracts.identity import Organization, OrganizationCreatedV1
from servicekit import clock, ids
from servicekit.testing import signed_headers

PORTAL = "/v1/customer-portal"
SCOPES = ("customer_portal:read", "customer_portal:write")


@pytest.fixture
async def seller(bus, organization_id):
    """The service has heard of the organization."""
    data = Organization(
        id=organization_id, created_at=clock.now(), modified_at=None, name="Acme", slug="acme", avatar_url=None,
        email="owner@acme.example", website=None,
    )  # fmt: skip
    await bus.deliver(OrganizationCreatedV1(subject=data.id, organization_id=data.id, time=data.created_at, data=data))
    return data


@pytest.fixture
def put(bus, organization_id):
    """Catalog tells of an uploaded file, or of its end."""

    async def put(file=None, **changes):
        now = clock.now()
        fields = {
            "id": ids.uuid7(), "created_at": now, "modified_at": None, "organization_id": organization_id,
            "name": "app.zip", "path": "downloadable/x", "mime_type": "application/zip", "size": 10,
            "size_readable": "10 B", "storage_version": None, "checksum_etag": "e", "checksum_sha256_base64": "s",
            "checksum_sha256_hex": "h", "last_modified_at": now, "version": None, "service": "downloadable",
            "is_uploaded": True, "is_deleted": False, "flagged_malicious_at": None, "public_url": None,
        }  # fmt: skip
        data = File.model_validate({**(file.model_dump() if file else fields), **changes})
        contract = FileUpdatedV1 if file else FileUploadedV1
        event = contract(subject=data.id, organization_id=data.organization_id, time=now, data=data)
        event.sequence = 2 if file else 1
        await bus.deliver(event)
        return data

    return put


@pytest.fixture
async def holder(story, put, seller, organization_id):
    """A customer who holds a benefit with two files, the files, and the headers of their session."""
    files = [await put(name=f"app-{n}.zip") for n in (1, 2)]
    properties = {"files": [str(file.id) for file in files]}
    benefit = await story.benefit(type="downloadables", description="The app", properties=properties)
    customer = story.customer()
    subscription = await story.subscribed(await story.product(benefit), customer)
    return benefit, files, subscription, signed_headers(organization_id, *SCOPES, customer_id=customer.id)


async def listed(anonymous, own, **query):
    answer = await anonymous.get(f"{PORTAL}/downloadables/", headers=own, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def followed(anonymous, item):
    url = urlsplit(item["file"]["download"]["url"])
    return await anonymous.get(f"{url.path}?{url.query}", follow_redirects=False)


async def test_who_holds_the_benefit_downloads_and_is_counted(client, stranger, anonymous, holder):
    benefit, files, _, own = holder
    items = await listed(anonymous, own)
    assert [item["file"]["name"] for item in items] == ["app-1.zip", "app-2.zip"]
    assert len({item["id"] for item in items}) == 2
    for _ in range(2):
        answer = await followed(anonymous, items[0])
        assert answer.status_code == 307
        assert urlsplit(answer.headers["location"]).path == f"/v1/files/{files[0].id}/download"
    counted = (await client.get(f"/v1/benefits/{benefit['id']}/files")).json()["items"]
    assert [(file["downloads"], file["downloaders"]) for file in counted] == [(2, 1), (0, 0)]
    assert (await stranger.get(f"/v1/benefits/{benefit['id']}/files")).status_code == 404
    assert await listed(anonymous, own, benefit_id=str(ids.uuid7())) == []


async def test_links_end_with_the_grant_the_file_and_the_hour(client, anonymous, story, put, holder):
    benefit, files, subscription, own = holder
    first, second = await listed(anonymous, own)
    forged = urlsplit(first["file"]["download"]["url"])
    assert (await anonymous.get(f"{forged.path}?expires=9999999999&signature=0")).status_code == 403
    await put(files[1], is_deleted=True)
    assert (await followed(anonymous, second)).status_code == 404
    archived = {"files": [str(file.id) for file in files[:1]], "archived": {str(files[0].id): True}}
    await client.patch(f"/v1/benefits/{benefit['id']}", json={"properties": archived})
    assert (await followed(anonymous, first)).status_code == 404
    await client.patch(f"/v1/benefits/{benefit['id']}", json={"properties": {"files": archived["files"]}})
    assert (await followed(anonymous, first)).status_code == 307
    clock.move(timedelta(hours=2))
    assert (await followed(anonymous, first)).status_code == 403
    clock.reset()
    await story.ended(subscription)
    assert (await followed(anonymous, first)).status_code == 404
    assert await listed(anonymous, own) == []


async def test_only_files_of_the_organization_are_given(client, put, story):
    mine, picture = await put(), await put(service="product_media")
    foreign = await put(organization_id=ids.uuid7())
    for wanted, loc in (
        ([mine.id, foreign.id], ["body", "properties", "files", 1]),
        ([picture.id], ["body", "properties", "files", 0]),
        ([], ["body", "properties", "files"]),
        ([mine.id, mine.id], ["body", "properties"]),
    ):
        properties = {"files": [str(id) for id in wanted]}
        body = {"type": "downloadables", "description": "The app", "properties": properties}
        refused = await client.post("/v1/benefits/", json=body)
        assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, loc)


async def test_customers_see_their_own_grants_without_what_is_the_merchants(anonymous, story, holder, organization_id):
    benefit, files, subscription, own = holder
    other = story.customer(email="bob@example.com")
    await story.bought_once(await story.product(await story.benefit(metadata={"cost": "secret"})), other)
    path = f"{PORTAL}/benefit-grants/"
    (grant,) = (await anonymous.get(path, headers=own)).json()["items"]
    assert (grant["benefit_id"], grant["subscription_id"]) == (benefit["id"], str(subscription.id))
    assert grant["benefit"]["properties"] == {"active_files": [str(file.id) for file in files]}
    assert grant["benefit"]["organization"]["name"] == "Acme"
    assert not {"metadata", "visibility"} & set(grant["benefit"])
    assert not {"metadata", "external_id"} & set(grant["customer"])
    assert (await anonymous.get(path + grant["id"], headers=own)).json() == grant
    assert (await anonymous.get(path, headers=own, params={"type": "license_keys"})).json()["items"] == []
    assert len((await anonymous.get(path, headers=own, params={"query": "APP"})).json()["items"]) == 1
    bobs = signed_headers(organization_id, *SCOPES, customer_id=other.id)
    assert (await anonymous.get(path + grant["id"], headers=bobs)).status_code == 404
    same = await anonymous.patch(path + grant["id"], headers=own, json={"benefit_type": "downloadables"})
    assert same.json() == grant
    wrong = await anonymous.patch(path + grant["id"], headers=own, json={"benefit_type": "custom"})
    assert wrong.json()["detail"][0]["loc"] == ["body", "benefit_type"]
