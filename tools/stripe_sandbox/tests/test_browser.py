"""What a browser reaches: the script, the frame with the card fields, and intents only with their own secret."""

import aiohttp
import pytest


@pytest.mark.parametrize(
    ("name", "type"),
    [
        ("stripe.js", "application/javascript"),
        ("elements.html", "text/html"),
        ("elements.js", "application/javascript"),
        ("elements.css", "text/css"),
    ],
)
async def test_the_files_are_served_under_a_strict_policy(sandbox, name, type):
    async with aiohttp.ClientSession() as browser, browser.get(f"{sandbox.url}/_stripe/{name}") as response:
        assert (response.status, response.content_type) == (200, type)
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


async def test_a_publishable_key_confirms_no_intent_without_its_secret(client, sandbox):
    intent = await client.v1.setup_intents.create_async({"payment_method_types": ["card"]})
    url = f"{sandbox.url}/v1/setup_intents/{intent.id}/confirm"
    form = {"key": "pk_test_browser", "payment_method": "pm_card_visa"}
    async with aiohttp.ClientSession() as browser:
        for secret in (None, f"{intent.id}_secret_wrong"):
            given = form if secret is None else {**form, "client_secret": secret}
            async with browser.post(url, data=given) as response:
                assert response.status == 401
        assert (await client.v1.setup_intents.retrieve_async(intent.id)).status == "requires_payment_method"
        async with browser.post(url, data={**form, "client_secret": intent.client_secret}) as response:
            assert (await response.json())["status"] == "succeeded"
