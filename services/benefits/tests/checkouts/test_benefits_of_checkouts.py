"""The benefits of one purchase, for whoever holds a link to them."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from contracts.catalog import File, FileUploadedV1
from servicekit import clock, ids, links
from servicekit.testing.harness import SECRET


def link(purchase_id):
    return links.signed(SECRET, f"/v1/checkouts/client/{purchase_id}/benefits", timedelta(hours=1))


async def shown(anonymous, purchase_id):
    answer = await anonymous.get(link(purchase_id))
    assert answer.status_code == 200, answer.text
    return {item["description"]: item for item in answer.json()["items"]}


@pytest.fixture
async def file(bus, organization_id):
    now = clock.now()
    data = File.model_validate({
        "id": ids.uuid7(), "created_at": now, "modified_at": None, "organization_id": organization_id,
        "name": "app.zip", "path": "downloadable/x", "mime_type": "application/zip", "size": 10,
        "size_readable": "10 B", "storage_version": None, "checksum_etag": "e", "checksum_sha256_base64": "s",
        "checksum_sha256_hex": "h", "last_modified_at": now, "version": None, "service": "downloadable",
        "is_uploaded": True, "is_deleted": False, "flagged_malicious_at": None, "public_url": None,
    })  # fmt: skip
    await bus.deliver(FileUploadedV1(subject=data.id, organization_id=organization_id, time=now, sequence=1, data=data))
    return data


async def test_each_benefit_has_what_its_buyer_was_given(anonymous, story, file):
    benefits = [
        await story.benefit(),
        await story.benefit(type="custom", description="Note", properties={"note": "Call us"}),
        await story.benefit(type="downloadables", description="App", properties={"files": [str(file.id)]}),
    ]
    product, customer = await story.product(*benefits), story.customer()
    order = await story.bought_once(product, customer)
    other = await story.bought_once(await story.product(await story.benefit(description="Other")), customer)
    found = await shown(anonymous, order.id)
    assert set(found) == {"License", "Note", "App"}
    assert found["License"]["license_key"]["key"].startswith("DEMO-")
    assert (found["Note"]["note"], found["Note"]["status"]) == ("Call us", "granted")
    (one,) = found["App"]["files"]
    assert (one["name"], one["size"]) == ("app.zip", 10)
    address = urlsplit(one["url"])
    download = await anonymous.get(f"{address.path}?{address.query}", follow_redirects=False)
    assert download.status_code == 307
    assert set(await shown(anonymous, other.id)) == {"Other"}


async def test_what_waits_for_an_account_says_so_and_shows_none(anonymous, story, github, outside, fulfil):
    github.repository("acme", "app")
    github.roles["acme", 1] = "admin"
    assert "connected=github" in (await story.connect_place(github, 1)).headers["location"]
    repository = {"repository_owner": "acme", "repository_name": "app", "permission": "pull"}
    benefit = await story.benefit(type="github_repository", description="Code", properties=repository)
    customer = story.customer()
    subscription = await story.subscribed(await story.product(benefit), customer)
    await fulfil()
    waiting = (await shown(anonymous, subscription.id))["Code"]
    assert (waiting["status"], waiting["needs_account"]) == ("pending", "github")
    await story.connect(github, customer, 4711, "ada-of-github")
    await fulfil()
    given = (await shown(anonymous, subscription.id))["Code"]
    assert (given["status"], given["needs_account"]) == ("granted", None)
    assert "ada-of-github" not in str(given)


async def test_a_subscription_s_benefits_end_with_it(anonymous, story):
    subscription = await story.subscribed(await story.product(await story.benefit()))
    assert (await shown(anonymous, subscription.id))["License"]["status"] == "granted"
    await story.ended(subscription)
    ended = (await shown(anonymous, subscription.id))["License"]
    assert (ended["status"], ended["license_key"]) == ("revoked", None)


async def test_only_the_link_opens_it_for_an_hour(anonymous, client, story):
    order = await story.bought_once(await story.product(await story.benefit()))
    other = await story.bought_once(await story.product(await story.benefit()))
    path, _, query = link(order.id).partition("?")
    assert (await anonymous.get(path)).status_code == 422
    assert (await client.get(f"/v1/checkouts/client/{other.id}/benefits?{query}")).status_code == 403
    address = link(order.id)
    clock.move(timedelta(hours=1, seconds=1))
    assert (await anonymous.get(address)).status_code == 403
    assert await shown(anonymous, ids.uuid7()) == {}
