"""Lists over 100,000 rows."""

from servicekit.testing.plans import check_lists


async def test_lists_walk_no_table(client, story, database, database_url, app):
    subscription = await story.subscribed(await story.product(await story.benefit()))
    tables = {
        "benefits": {},
        "license_keys": {"key": "'K' || n", "grant_id": "gen_random_uuid()"},
        "benefit_grants": {"entitlement_id": "gen_random_uuid()"},
    }
    paths = [
        "/v1/benefits/", "/v1/benefits/?sorting=-user_order",
        "/v1/benefits/?type=license_keys&query=lic&limit=100", "/v1/benefit-grants/",
        f"/v1/benefit-grants/?is_granted=true&customer_id={subscription.customer_id}", "/v1/license-keys/",
        "/v1/license-keys/?status=granted&limit=100",
    ]  # fmt: skip
    await check_lists(client, database, database_url, app, tables, paths)
