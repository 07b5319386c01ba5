"""Links of sellers lead to the web, and to nothing that a browser would run."""

import pytest

from tests.security.attacks.people import Seller

SCRIPTS = ["javascript:alert(1)", "JavaScript://x/%0aalert(1)", "data:text/html,<script>", "vbscript:x", "file:///etc"]


@pytest.mark.parametrize("link", SCRIPTS)
async def test_what_a_browser_would_run_is_no_link(seller: Seller, link: str) -> None:
    product = await seller.product()
    organization = f"/v1/organizations/{seller.organization_id}"
    requests = [
        ("PATCH", organization, {"website": link}),
        ("PATCH", organization, {"avatar_url": link}),
        ("POST", "/v1/checkouts/", {"products": [product["id"]], "success_url": link}),
        ("POST", "/v1/checkouts/", {"products": [product["id"]], "return_url": link}),
        ("POST", "/v1/checkout-links/", {"products": [product["id"]], "success_url": link}),
        ("POST", "/v1/checkout-links/", {"products": [product["id"]], "return_url": link}),
        ("POST", "/v1/webhooks/endpoints", {"url": link, "events": ["order.paid"]}),
    ]
    for method, path, body in requests:
        answer = await seller.api.request(method, path, json=body)
        assert answer.status_code == 422, f"{path} {body}: {answer.status_code} {answer.text}"


async def test_links_to_social_networks_too(seller: Seller) -> None:
    body = {"socials": [{"platform": "x", "url": "javascript:alert(1)"}]}
    answer = await seller.api.patch(f"/v1/organizations/{seller.organization_id}", json=body)
    assert answer.status_code == 422, answer.text
