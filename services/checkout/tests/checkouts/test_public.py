"""What anybody who follows a link sees: what is sold, and not what is given for it, or what the seller noted."""

import json

from servicekit import ids

from services.checkout.tests.support import confirmed, opened

PRIVATE = "the-seller-s-own"


def benefit(organization_id, kind, properties):
    return {
        "id": ids.uuid7(), "created_at": "2026-01-01T00:00:00Z", "modified_at": None, "type": kind,
        "description": "What is given", "selectable": True, "deletable": True, "is_deleted": False,
        "organization_id": organization_id, "metadata": {"cost": PRIVATE}, "visibility": "public",
        "visibility_configurable": True, "properties": properties,
    }  # fmt: skip


def question(organization_id):
    return {
        "custom_field_id": str(ids.uuid7()), "required": False, "order": 0,
        "custom_field": {
            "id": str(ids.uuid7()), "created_at": "2026-01-01T00:00:00Z", "modified_at": None,
            "metadata": {"why": PRIVATE}, "type": "text", "slug": "team", "name": "Team",
            "organization_id": str(organization_id), "properties": {"form_label": "Your team"},
        },
    }  # fmt: skip


async def test_a_visitor_is_not_shown_what_is_bought(client, anonymous, sell, known_seller, organization_id, sandbox):
    credit = {"units": 100, "rollover": False, "meter_id": str(ids.uuid7())}
    benefits = [
        benefit(organization_id, "custom", {"note": f"https://example.com/{PRIVATE}"}),
        benefit(organization_id, "github_repository", {"repository_owner": "acme", "repository_name": PRIVATE}),
        benefit(organization_id, "meter_credit", credit),
    ]
    asked = [question(organization_id)]
    product = await sell(benefits=benefits, metadata={"margin": PRIVATE}, attached_custom_fields=asked)
    limited = {"products": [str((await sell(name=PRIVATE)).id), str(product.id)], "max_redemptions": 7}
    terms = {"type": "percentage", "basis_points": 1000, "duration": "once", "metadata": {"for": PRIVATE}, **limited}
    discount = await client.post("/v1/discounts/", json={"name": "Launch", "code": "LAUNCH", **terms})
    assert discount.status_code == 201, discount.text
    checkout = await opened(client, product, discount_code="LAUNCH")
    assert json.dumps(checkout).count(PRIVATE) >= 6
    path = f"/v1/checkouts/client/{checkout['client_secret']}"
    answers = [
        await anonymous.get(path),
        await anonymous.patch(path, json={"customer_name": "Eve"}),
        await anonymous.post(f"{path}/confirm", json={"confirmation_token_id": "pm_card_visa"}),
    ]
    for answer in answers:
        assert answer.status_code == 200, answer.text
        assert PRIVATE not in answer.text
        shown = answer.json()
        assert [one["description"] for one in shown["product"]["benefits"]] == ["What is given"] * 3
        assert [one["properties"] for one in shown["products"][0]["benefits"]] == [{}, {}, credit]
        assert shown["attached_custom_fields"][0]["custom_field"]["properties"] == {"form_label": "Your team"}
        assert (shown["discount"]["code"], shown["discount"]["basis_points"]) == ("LAUNCH", 1000)
        assert (shown["discount"]["redemptions_count"], shown["discount"]["max_redemptions"]) == (0, None)


async def test_the_seller_still_sees_it(client, sell, organization_id, sandbox):
    product = await sell(benefits=[benefit(organization_id, "custom", {"note": PRIVATE})])
    checkout = await opened(client, product)
    assert (await confirmed(client, checkout)).status_code == 200
    seen = (await client.get(f"/v1/checkouts/{checkout['id']}")).json()
    assert seen["product"]["benefits"][0]["properties"] == {"note": PRIVATE}
