"""Collaborators of a repository: given and taken once, whatever GitHub answers and whenever a worker dies."""

import asyncio
from datetime import timedelta

import pytest
from benefits.benefit_grants import fulfilment, queries
from benefits.benefit_grants.fulfilment import Fulfilment
from contracts.benefits import BenefitGrantCreatedV1, BenefitGrantRevokedV1, BenefitGrantUpdatedV1
from servicekit import clock, ids
from servicekit.testing import signed_headers
from servicekit.testing.plans import check_kept_plan
from sqlalchemy import text

from services.benefits.tests.providers.provider import Trouble

ADA, OWNER = 4711, 1
REPOSITORY = {"repository_owner": "acme", "repository_name": "app", "permission": "push"}


@pytest.fixture
async def customer(story, github, outside):
    customer = story.customer()
    answer = await story.connect(github, customer, ADA, "ada")
    assert answer.headers["location"] == "http://test/portal?tab=access&connected=github"
    return customer


@pytest.fixture
async def product(story, github, outside):
    github.repository("acme", "app")
    github.roles["acme", OWNER] = "admin"
    assert "connected=github" in (await story.connect_place(github, OWNER)).headers["location"]
    github.calls.clear()
    return await story.product(await story.benefit(type="github_repository", properties=REPOSITORY))


async def only(story):
    (grant,) = await story.grants()
    return grant


async def grant_of(story, subscription):
    (grant,) = [one for one in await story.grants() if one["subscription_id"] == str(subscription.id)]
    return grant


async def test_access_is_given_and_taken(story, bus, github, customer, product, fulfil):
    subscription = await story.subscribed(product, customer)
    assert ((await only(story))["status"], github.count("PUT")) == ("pending", 0)
    await fulfil()
    grant = await only(story)
    assert (grant["status"], grant["is_granted"], grant["error"]) == ("granted", True, None)
    assert grant["properties"] == {"account_id": str(ADA), "granted_account_id": str(ADA), **REPOSITORY}
    assert github.has_access("acme", "app", ADA)
    github.accept("acme", "app", ADA)
    await story.ended(subscription)
    assert (await only(story))["is_granted"]
    await fulfil()
    assert (await only(story))["is_revoked"]
    assert not github.has_access("acme", "app", ADA)
    assert len(await bus.recorded(BenefitGrantCreatedV1)) == len(await bus.recorded(BenefitGrantRevokedV1)) == 1


async def test_an_invitation_that_was_not_accepted_is_taken_back(story, github, customer, product, fulfil):
    subscription = await story.subscribed(product, customer)
    await fulfil()
    await story.ended(subscription)
    await fulfil()
    assert github.invitations["acme", "app"] == {}


async def test_an_account_of_who_typed_the_address_first_gets_nothing_that_others_buy(
    story, client, github, product, fulfil
):
    """A stranger takes something free with Ada's address, and connects an account in the session that came with it."""
    await story.organization()
    customer, free, stranger = story.customer(), ids.uuid7(), 666
    await story.connect(github, customer, stranger, "mallory", checkout_id=free)
    await story.subscribed(product, customer, checkout_id=free)
    await fulfil()
    assert github.has_access("acme", "app", stranger), "of the stranger's own purchase"
    paid = await story.subscribed(product, customer, checkout_id=ids.uuid7())
    await fulfil()
    bought = await grant_of(story, paid)
    assert (bought["status"], bought["error"]["type"]) == ("pending", "BenefitActionRequiredError")
    path, wish = f"/v1/customer-portal/benefit-grants/{bought['id']}", {"benefit_type": "github_repository"}
    chosen = {**wish, "properties": {"account_id": str(stranger)}}
    unproven = await client.patch(path, json=chosen, headers=story.session(customer, free))
    assert unproven.status_code == 422, unproven.text
    await story.connect(github, customer, ADA, "ada")
    await fulfil()
    assert github.has_access("acme", "app", ADA)
    bought = await grant_of(story, paid)
    assert bought["properties"]["granted_account_id"] == str(ADA)


async def test_an_account_is_the_customers_once_they_have_proven_themselves(story, client, github, product, fulfil):
    """The buyer connected it after a purchase, buys again, and chooses it in a session that a code opened."""
    await story.organization()
    customer, first, second = story.customer(), ids.uuid7(), ids.uuid7()
    await story.connect(github, customer, ADA, "ada", checkout_id=first)
    await story.subscribed(product, customer, checkout_id=second)
    assert await fulfil() == 0
    (grant,) = await story.grants()
    chosen = {"benefit_type": "github_repository", "properties": {"account_id": str(ADA)}}
    path = f"/v1/customer-portal/benefit-grants/{grant['id']}"
    answer = await client.patch(path, json=chosen, headers=story.session(customer))
    assert answer.status_code == 200, answer.text
    await fulfil()
    assert github.has_access("acme", "app", ADA)
    await story.connect(github, customer, ADA, "ada", checkout_id=first)
    await story.subscribed(await story.product(await story.benefit(type="github_repository", properties=REPOSITORY)),
                           customer, checkout_id=ids.uuid7())  # fmt: skip
    await fulfil()
    assert [one["status"] for one in await story.grants()] == ["granted"] * 2, "what is proven stays proven"


async def test_a_missing_account_waits_for_the_customer(story, bus, github, product, fulfil):
    customer = story.customer()
    await story.subscribed(product, customer)
    assert await fulfil() == 0
    grant = await only(story)
    assert (grant["status"], grant["error"]["type"]) == ("pending", "BenefitActionRequiredError")
    (created,) = await bus.recorded(BenefitGrantCreatedV1)
    assert created.data.error.type == "BenefitActionRequiredError"
    await story.connect(github, customer, ADA)
    await fulfil()
    assert (await only(story))["is_granted"]
    (updated,) = await bus.recorded(BenefitGrantUpdatedV1)
    assert (updated.data.is_granted, updated.data.error) == (True, None)


@pytest.mark.parametrize(
    ("trouble", "seconds"),
    [
        (Trouble(429, headers={"Retry-After": "120"}), 120),
        (Trouble(403, {"message": "You have exceeded a secondary rate limit"}), 60),
        (Trouble(403, {"message": "limit"}, {"Retry-After": "90"}), 90),
        (Trouble(403, {"message": "limit"}, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}), 1),
    ],
)
async def test_limits_are_kept_to(story, github, customer, product, fulfil, trouble, seconds):
    await story.subscribed(product, customer)
    other = story.customer(email="bob@example.com")
    await story.connect(github, other, 99)
    github.troubles.append(trouble)
    await fulfil()
    github.calls.clear()
    await story.subscribed(product, other)
    clock.move(timedelta(seconds=seconds * 0.9))
    await fulfil()
    assert github.calls == [] or seconds == 1
    await fulfil(timedelta(seconds=seconds * 0.4 + 1))
    await fulfil(timedelta(seconds=seconds))
    assert [grant["status"] for grant in await story.grants()] == ["granted", "granted"]


@pytest.mark.parametrize("trouble", [Trouble(502), Trouble(200, stall=1.5)])
async def test_what_is_out_of_order_is_tried_again_later_and_later(
    impatient, story, github, customer, product, fulfil, trouble
):
    await story.subscribed(product, customer)
    github.troubles += [trouble, Trouble(500)]
    await fulfil()
    grant = await only(story)
    assert (grant["status"], grant["error"]["type"]) == ("pending", "BenefitRetriableError")
    await fulfil(timedelta(seconds=5))
    assert (await only(story))["status"] == "pending"
    await fulfil(timedelta(seconds=10))
    assert (await only(story))["status"] == "granted"


async def test_a_repository_that_is_gone_fails_until_the_benefit_is_edited(
    story, bus, client, github, customer, product, fulfil, work_off
):
    del github.installed["acme", "app"]
    await story.subscribed(product, customer)
    await fulfil()
    grant = await only(story)
    assert (grant["status"], grant["error"]["type"]) == ("failed", "BenefitRefusedError")
    assert "acme/app is gone" in grant["error"]["message"]
    assert await fulfil(timedelta(days=2)) == 0
    github.repository("acme", "web")
    properties = {**REPOSITORY, "repository_name": "web"}
    await client.patch(f"/v1/benefits/{grant['benefit_id']}", json={"properties": properties})
    await work_off()
    await fulfil()
    assert (await only(story))["status"] == "granted"
    assert github.has_access("acme", "web", ADA)
    assert [event.data.status for event in await bus.recorded(BenefitGrantCreatedV1)] == ["failed"]


async def test_another_repository_takes_the_old_one_first(story, client, github, customer, product, fulfil, work_off):
    await story.subscribed(product, customer)
    await fulfil()
    github.repository("acme", "web")
    github.calls.clear()
    benefit_id = (await only(story))["benefit_id"]
    await client.patch(f"/v1/benefits/{benefit_id}", json={"description": "Only words"})
    await work_off()
    assert await fulfil() == 0
    properties = {**REPOSITORY, "repository_name": "web", "permission": "triage"}
    await client.patch(f"/v1/benefits/{benefit_id}", json={"properties": properties})
    await work_off()
    await fulfil()
    assert not github.has_access("acme", "app", ADA)
    assert github.has_access("acme", "web", ADA)
    methods = [method for method, path in github.calls if "/collaborators/" in path]
    assert methods == ["DELETE", "PUT"]
    assert (await only(story))["properties"]["permission"] == "triage"


async def test_access_stays_while_another_grant_gives_it(story, github, customer, product, fulfil):
    first = await story.subscribed(product, customer)
    await story.bought_once(product, customer)
    await fulfil()
    github.accept("acme", "app", ADA)
    await story.ended(first)
    await fulfil()
    assert sorted(grant["status"] for grant in await story.grants()) == ["granted", "revoked"]
    assert github.has_access("acme", "app", ADA)


async def test_two_ends_at_once_leave_no_access(story, github, customer, product, fulfil):
    both = [await story.subscribed(product, customer) for _ in range(2)]
    await fulfil()
    for one in both:
        await story.ended(one)
    await fulfil()
    assert not github.has_access("acme", "app", ADA)


async def test_an_upgrade_takes_first_and_then_gives(story, bus, github, customer, product, fulfil):
    github.repository("acme", "pro")
    better = await story.product(
        await story.benefit(type="github_repository", properties={**REPOSITORY, "repository_name": "pro"})
    )
    subscription = await story.subscribed(product, customer)
    await fulfil()
    github.calls.clear()
    await story.renewed(subscription, product_id=better.id)
    github.troubles.append(Trouble(500))
    await fulfil()
    assert github.count("PUT") == 0
    await fulfil(timedelta(seconds=10))
    assert [method for method, path in github.calls if "/collaborators/" in path] == ["DELETE", "PUT"]


async def test_an_account_with_another_name_is_found_by_its_number(story, github, customer, product, fulfil):
    github.users[ADA] = "ada-lovelace"
    await story.subscribed(product, customer)
    await fulfil()
    assert github.has_access("acme", "app", ADA)
    paths = [path for method, path in github.calls if method == "PUT"]
    assert paths == ["/repos/acme/app/collaborators/ada-lovelace"]


async def test_what_a_dead_worker_did_is_done_again_harmlessly(
    story, bus, github, customer, product, fulfil, monkeypatch
):
    await story.subscribed(product, customer)

    async def killed(*_):
        raise ConnectionError("killed between the call and the commit")

    with monkeypatch.context() as dying:
        dying.setattr(fulfilment, "write_down", killed)
        await fulfil()
    assert github.has_access("acme", "app", ADA)
    assert (await only(story))["status"] == "pending"
    assert await fulfil() == 0
    await fulfil(fulfilment.LEASE)
    assert (await only(story))["status"] == "granted"
    assert len(github.invitations["acme", "app"]) == 1
    assert len(await bus.recorded(BenefitGrantCreatedV1)) == 1


async def test_what_was_given_by_a_dead_worker_is_taken(story, github, customer, product, fulfil, monkeypatch):
    subscription = await story.subscribed(product, customer)

    async def killed(*_):
        raise ConnectionError("killed between the call and the commit")

    with monkeypatch.context() as dying:
        dying.setattr(fulfilment, "write_down", killed)
        await fulfil()
    await story.ended(subscription)
    await fulfil(fulfilment.LEASE)
    assert not github.has_access("acme", "app", ADA)
    assert (await only(story))["is_revoked"]


async def test_two_workers_ask_once(story, bus, app, database, github, customer, product, outside):
    buyers = [customer]
    for number in range(5):
        buyers.append(story.customer(email=f"b{number}@example.com"))
        await story.connect(github, buyers[-1], 100 + number)
    for buyer in buyers:
        await story.subscribed(product, buyer)
    async with Fulfilment(app.state.settings, outside) as one, Fulfilment(app.state.settings, outside) as two:
        while sum(await asyncio.gather(*(worker.fulfil_due(database.transaction) for worker in (one, two, one, two)))):
            await asyncio.gather(one.settle(), two.settle())
    assert {grant["status"] for grant in await story.grants()} == {"granted"}
    assert github.count("PUT") == len(buyers)
    assert len(await bus.recorded(BenefitGrantCreatedV1)) == len(buyers)


async def test_an_end_while_it_is_given_is_not_lost(story, github, customer, product, fulfil):
    subscription = await story.subscribed(product, customer)
    github.troubles.append(Trouble(200, {"id": 7}, stall=0.5, after=True))
    giving = asyncio.create_task(fulfil())
    await asyncio.sleep(0.2)
    await story.ended(subscription)
    await giving
    await fulfil(timedelta(seconds=100))
    assert not github.has_access("acme", "app", ADA)
    assert (await only(story))["is_revoked"]


async def test_a_token_that_was_withdrawn_is_made_anew(story, github, customer, product, fulfil):
    await story.subscribed(product, customer)
    await fulfil()
    github.installation_tokens.clear()
    await story.bought_once(product, customer)
    await fulfil()
    assert {grant["status"] for grant in await story.grants()} == {"granted"}


async def test_the_customer_chooses_the_account(story, client, github, customer, product, fulfil):
    await story.connect(github, customer, 99, "ada-at-work")
    await story.subscribed(product, customer)
    await fulfil()
    grant = await only(story)
    path = f"/v1/customer-portal/benefit-grants/{grant['id']}"
    await story.organization()
    own = story.session(customer)
    shown = (await client.get(path, headers=own)).json()
    assert shown["customer"]["oauth_accounts"]["github:99"] == {"account_id": "99", "account_username": "ada-at-work"}
    assert grant["properties"]["account_id"] == "99"
    wish = {"benefit_type": "github_repository", "properties": {"account_id": str(ADA)}}
    assert (await client.patch(path, json=wish, headers=own)).status_code == 200
    await fulfil()
    assert github.has_access("acme", "app", ADA)
    assert not github.has_access("acme", "app", 99)
    wish["properties"]["account_id"] = "1"
    refused = await client.patch(path, json=wish, headers=own)
    assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "properties", "account_id"])
    foreign = signed_headers(ids.uuid7(), "customer_portal:write", customer_id=customer.id)
    assert (await client.patch(path, json=wish, headers=foreign)).status_code == 404


async def test_organizations_take_turns_and_purchases_come_first(
    story, database, github, customer, product, outside, app
):
    await story.subscribed(product, customer)
    async with database.transaction() as session:
        await session.execute(text(
            "insert into benefit_grants (id, organization_id, created_at, benefit_id, customer_id, entitlement_id, "
            "properties, work, due_at, urgency) select gen_random_uuid(), tenant.id, now(), g.benefit_id, "
            "gen_random_uuid(), gen_random_uuid(), '{}', 'give', now() - interval '1 hour', 1 "
            "from (select * from benefit_grants limit 1) g, (select gen_random_uuid() id from generate_series(1, 3) "
            "union all select organization_id from benefit_grants) tenant, generate_series(1, 200)"))  # fmt: skip
    async with Fulfilment(app.state.settings, outside) as worker:
        jobs = await worker._claim(database.transaction, 32)
    tenants = [job.organization_id for job in jobs]
    assert len(jobs) == 32
    assert max(tenants.count(one) for one in set(tenants)) == fulfilment.PER_ORGANIZATION
    (purchase,) = [grant["id"] for grant in await story.grants() if grant["customer_id"] == str(customer.id)]
    assert purchase in [str(job.grant_id) for job in jobs]


async def test_bad_wishes_name_their_field(client, outside):
    for fields, loc in (
        ({"repository_owner": "a/b", "repository_name": "app"}, "repository_owner"),
        ({"repository_owner": "acme", "repository_name": ".."}, "repository_name"),
        ({**REPOSITORY, "permission": "root"}, "permission"),
    ):
        body = {"type": "github_repository", "description": "Code", "properties": fields}
        refused = await client.post("/v1/benefits/", json=body)
        assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "properties", loc])


async def test_without_an_app_there_is_no_such_benefit(client, app, monkeypatch):
    monkeypatch.setattr(app.state.settings, "github_app_id", "")
    body = {"type": "github_repository", "description": "Code", "properties": REPOSITORY}
    refused = await client.post("/v1/benefits/", json=body)
    assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "type"])


async def test_a_plan_made_while_nothing_waited_does_for_a_full_queue(story, customer, product, database):
    async def claim(session):
        return await queries.claimable(session, clock.wall(), 100, 100, [])

    await story.subscribed(product, customer)
    own = dict.fromkeys(("customer_id", "entitlement_id"), "gen_random_uuid()")
    await check_kept_plan(database, "benefit_grants", claim, **own)
