"""`/v1/custom-fields/`, and the products that ask them."""

from contracts.catalog import ProductUpdatedV1

FIELDS = "/v1/custom-fields/"
EMPTY = {"properties": {"options": []}}
CROSSED = {"properties": {"ge": 2, "le": 1}}


async def made(client, **fields):
    answer = await client.post(FIELDS, json={"type": "text", "slug": "company", "name": "Company", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def sold(client, **fields):
    body = {"name": "Pro Plan", "prices": [{"price_amount": 2900}], **fields}
    answer = await client.post("/v1/products/", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_create_get_list_change_delete(client, stranger):
    field = await made(client, properties={"max_length": 20, "form_label": "Your company"}, metadata={"a": 1})
    assert field["properties"] == {"max_length": 20, "form_label": "Your company"}
    other = await made(
        client, type="select", slug="size", name="Size", properties={"options": [{"value": "s", "label": "Small"}]}
    )
    path = FIELDS + field["id"]
    assert (await client.get(path)).json() == field
    listed = (await client.get(FIELDS)).json()["items"]
    assert [item["slug"] for item in listed] == ["company", "size"]
    assert [item["id"] for item in (await client.get(FIELDS, params={"type": "select"})).json()["items"]] == [
        other["id"]
    ]
    changed = (await client.patch(path, json={"type": "text", "name": "Firm", "properties": {}})).json()
    assert (changed["name"], changed["properties"], changed["metadata"]) == ("Firm", {}, {"a": 1})
    for method in ("GET", "PATCH", "DELETE"):
        body = {"type": "text"} if method == "PATCH" else None
        assert (await stranger.request(method, path, json=body)).status_code == 404
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404
    assert (await made(client))["slug"] == "company"


async def test_what_cannot_be_asked_is_named(client):
    await made(client)
    for body, loc in (
        ({"type": "text", "slug": "COMPANY", "name": "Twice"}, ["body", "slug"]),
        ({"type": "text", "slug": "a b", "name": "Spaces"}, ["body", "text", "slug"]),
        ({"type": "colour", "slug": "c", "name": "Colour"}, ["body"]),
        ({"type": "select", "slug": "s", "name": "S", **EMPTY}, ["body", "select", "properties", "options"]),
        ({"type": "number", "slug": "n", "name": "N", **CROSSED}, ["body", "number", "properties"]),
    ):
        refused = await client.post(FIELDS, json=body)
        assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, loc), body
    field = await made(client, slug="other")
    other = await client.patch(FIELDS + field["id"], json={"type": "number"})
    assert other.json()["detail"][0]["loc"] == ["body", "type"]


async def test_products_ask_fields_in_order_and_follow_their_changes(client, bus):
    first, second = await made(client), await made(client, slug="vat", name="VAT")
    asked = [{"custom_field_id": second["id"], "required": True}, {"custom_field_id": first["id"], "required": False}]
    product = await sold(client, attached_custom_fields=asked)
    shown = product["attached_custom_fields"]
    assert [(one["order"], one["required"], one["custom_field"]["slug"]) for one in shown] == [
        (0, True, "vat"), (1, False, "company"),
    ]  # fmt: skip
    await client.patch(FIELDS + first["id"], json={"type": "text", "name": "Firm"})
    told = (await bus.recorded(ProductUpdatedV1))[-1].data
    assert told.attached_custom_fields[1]["custom_field"]["name"] == "Firm"
    await client.delete(FIELDS + second["id"])
    left = (await client.get(f"/v1/products/{product['id']}")).json()["attached_custom_fields"]
    assert [(one["order"], one["custom_field"]["name"]) for one in left] == [(0, "Firm")]


async def test_products_ask_only_what_is_theirs_and_once(client, stranger):
    foreign = await made(stranger)
    mine = await made(client)
    for ids in ([foreign["id"]], [mine["id"], mine["id"]]):
        asked = [{"custom_field_id": id, "required": True} for id in ids]
        body = {"name": "Pro Plan", "prices": [{"price_amount": 2900}], "attached_custom_fields": asked}
        refused = await client.post("/v1/products/", json=body)
        loc = ["body", "attached_custom_fields", len(ids) - 1, "custom_field_id"]
        assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, loc)
