"""`/v1/organizations/` and what it says."""

from uuid import UUID

import httpx
import pytest
from contracts.identity import OrganizationCreatedV1, OrganizationUpdatedV1
from identity.organizations import operations
from servicekit.database import Database
from servicekit.testing import signed_headers
from servicekit.testing.harness import Bus


@pytest.fixture
async def organization(database: Database) -> UUID:
    async with database.transaction() as session:
        return (await operations.create(session, "Acme", "acme")).id


async def test_created_organizations_are_announced_once(database: Database, bus: Bus, organization: UUID) -> None:
    (event,) = await bus.recorded(OrganizationCreatedV1)
    assert event.subject == event.data.id == organization
    assert event.sequence == 1
    with pytest.raises(operations.SlugTaken):
        async with database.transaction() as session:
            await operations.create(session, "Other", "ACME")
    assert len(await bus.all()) == 1


async def test_a_token_sees_and_changes_its_own_organization_only(
    client: httpx.AsyncClient, bus: Bus, organization: UUID
) -> None:
    own = signed_headers(organization, "organizations:write")
    listed = (await client.get("/v1/organizations/", headers=own)).json()
    assert [item["slug"] for item in listed["items"]] == ["acme"]
    assert listed["pagination"] == {"page": 1, "page_size": 10, "total_count": 1, "max_page": 1}
    changed = await client.patch(f"/v1/organizations/{organization}", headers=own, json={"name": "  Acme Inc. "})
    assert changed.json()["name"] == "Acme Inc."
    (event,) = await bus.recorded(OrganizationUpdatedV1)
    assert (event.sequence, event.data.name) == (2, "Acme Inc.")

    assert (await client.get("/v1/organizations/")).json()["items"] == []
    assert (await client.get(f"/v1/organizations/{organization}")).status_code == 404
    assert (await client.patch(f"/v1/organizations/{organization}", json={"name": "Mine"})).status_code == 404


async def test_writing_needs_the_scope(client: httpx.AsyncClient, organization: UUID) -> None:
    reader = signed_headers(organization, "organizations:read")
    refused = await client.patch(f"/v1/organizations/{organization}", headers=reader, json={"name": "X"})
    assert refused.status_code == 403
    assert refused.json()["error"] == "NotPermitted"
    nobody = await client.get("/v1/organizations/", headers={"X-Polar-Principal": ""})
    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, "Bearer")
    forged = await client.get("/v1/organizations/", headers={"X-Polar-Principal": "e30.e30.e30"})
    assert forged.status_code == 401


async def test_settings_have_defaults_and_keep_what_is_not_given(
    client: httpx.AsyncClient, bus: Bus, organization: UUID
) -> None:
    own = signed_headers(organization, "organizations:write")
    path = f"/v1/organizations/{organization}"
    before = (await client.get(path, headers=own)).json()
    assert (before["status"], before["proration_behavior"], before["socials"]) == ("active", "prorate", [])
    assert before["customer_email_settings"]["order_confirmation"] is True
    changes = {
        "country": "DE",
        "socials": [{"platform": "github", "url": "https://example.com/acme"}],
        "subscription_settings": {"proration_behavior": "invoice", "allow_multiple_subscriptions": True},
        "customer_portal_settings": {"usage": {"show": False}},
        "default_presentment_currency": "EUR",
        "dispute_settings": {"auto_accept_below_amount": 1500},
        "embed_hosts": ["Shop.example.com"],
    }
    answer = await client.patch(path, headers=own, json=changes)
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert (changed["proration_behavior"], changed["default_presentment_currency"]) == ("invoice", "eur")
    assert (changed["country"], changed["embed_hosts"]) == ("DE", ["shop.example.com"])
    again = (
        await client.patch(path, headers=own, json={"subscription_settings": {"benefit_revocation_grace_period": 7}})
    ).json()
    assert again["subscription_settings"] == {
        **before["subscription_settings"],
        "proration_behavior": "invoice",
        "allow_multiple_subscriptions": True,
        "benefit_revocation_grace_period": 7,
    }
    assert again["customer_portal_settings"] == {**before["customer_portal_settings"], "usage": {"show": False}}
    assert (await client.get(path, headers=own)).json() == again
    events = await bus.recorded(OrganizationUpdatedV1)
    assert events[-1].data.model_dump(mode="json") == again


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"subscription_settings": {"unknown": True}}, "unknown"),
        ({"subscription_settings": {"benefit_revocation_grace_period": -1}}, "benefit_revocation_grace_period"),
        ({"socials": [{"platform": "myspace", "url": "https://example.com"}]}, "platform"),
        ({"socials": [{"platform": "x", "url": "javascript:alert(1)"}]}, "url"),
        ({"country": "XX"}, "country"),
        ({"default_presentment_currency": "dollars"}, "default_presentment_currency"),
        ({"default_presentment_currency": "abc"}, "default_presentment_currency"),
        ({"default_presentment_currency": "kwd"}, "default_presentment_currency"),
        ({"embed_hosts": ["a b"]}, "embed_hosts"),
        ({"branding": {"brand_color": "red"}}, "brand_color"),
        ({"branding": {"terms_url": "javascript:alert(1)"}}, "terms_url"),
        ({"branding": {"logo_url": "https://elsewhere.example/v1/files/x/public"}}, "logo_url"),
        ({"branding": {"font": "Comic Sans"}}, "font"),
        ({"locale": "xx"}, "locale"),
        ({"consumer_rights": {"withdrawal": {"countries": {"XX": True}}}}, "XX"),
        ({"consumer_rights": {"withdrawal": {"countries": {"DE": "no"}}}}, "DE"),
        ({"consumer_rights": {"returns": {}}}, "returns"),
    ],
)
async def test_wrong_settings_are_refused_by_name(
    client: httpx.AsyncClient, bus: Bus, organization: UUID, changes: dict[str, object], field: str
) -> None:
    own = signed_headers(organization, "organizations:write")
    answer = await client.patch(f"/v1/organizations/{organization}", headers=own, json=changes)
    assert answer.status_code == 422
    assert any(field in problem["loc"] for problem in answer.json()["detail"]), answer.text
    assert len(await bus.all()) == 1


async def test_the_look_is_merged_and_told(client: httpx.AsyncClient, bus: Bus, organization: UUID) -> None:
    own = signed_headers(organization, "organizations:write")
    path = f"/v1/organizations/{organization}"
    logo = f"http://127.0.0.1:8000/v1/files/{organization}/public"
    given = {"logo_url": logo, "brand_color": "#1A2B3C", "support_email": "help@acme.example"}
    assert (await client.patch(path, headers=own, json={"branding": given})).status_code == 200
    changes = {"branding": {"terms_url": "https://acme.example/terms", "support_email": None}}
    changed = (await client.patch(path, headers=own, json=changes)).json()["branding"]
    assert changed == {
        "logo_url": logo, "brand_color": "#1a2b3c", "terms_url": "https://acme.example/terms", "privacy_url": None,
        "support_email": None, "support_url": None,
    }  # fmt: skip
    assert (await bus.recorded(OrganizationUpdatedV1))[-1].data.branding.model_dump() == changed
    shown = (await client.patch(path, headers=own, json={"locale": "pl"})).json()
    assert (shown["locale"], shown["branding"]) == ("pl", changed)
    assert (await bus.recorded(OrganizationUpdatedV1))[-1].data.locale == "pl"


async def test_consumers_rights_are_on_merged_and_told(client: httpx.AsyncClient, bus: Bus, organization: UUID) -> None:
    own = signed_headers(organization, "organizations:read", "organizations:write")
    path = f"/v1/organizations/{organization}"
    by_default = {"enabled": True, "countries": {}}
    names = ("withdrawal", "immediate_delivery_consent", "cancellation")
    assert (await client.get(path, headers=own)).json()["consumer_rights"] == dict.fromkeys(names, by_default)
    given = {"withdrawal": {"countries": {"us": True, "NO": False}}, "cancellation": {"enabled": False}}
    assert (await client.patch(path, headers=own, json={"consumer_rights": given})).status_code == 200
    changes = {"consumer_rights": {"withdrawal": {"countries": {"NO": None, "SE": False}}}}
    changed = (await client.patch(path, headers=own, json=changes)).json()["consumer_rights"]
    assert changed == {
        "withdrawal": {"enabled": True, "countries": {"US": True, "SE": False}},
        "immediate_delivery_consent": by_default,
        "cancellation": {"enabled": False, "countries": {}},
    }
    told = (await bus.recorded(OrganizationUpdatedV1))[-1].data.consumer_rights
    assert told.model_dump() == changed
    assert [told.offers_withdrawal(country) for country in ("US", "SE", "DE", "CA", None)] == [
        True, False, True, False, True,
    ]  # fmt: skip
    assert [told.asks_for_consent(country) for country in ("US", "SE", "DE", None)] == [False, False, True, False]
    assert not told.offers_cancellation("DE")
