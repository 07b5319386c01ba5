"""What attacks need of a seller: products on sale, checkouts that a link opened, and what customers have."""

import os
from typing import Any

import httpx
from servicekit.testing import eventually

PATIENCE = 60.0
VISA = "pm_card_visa"
DECLINED = "pm_card_chargeDeclined"


def address(name: str = "buyer") -> str:
    """A mailbox that no other test uses."""
    return f"{name}-{os.urandom(6).hex()}@example.com"


class Seller:
    """An organization with its token, and what anybody can do with its public pages."""

    def __init__(self, api: httpx.AsyncClient, nobody: httpx.AsyncClient, organization_id: str) -> None:
        self.api, self.nobody, self.organization_id = api, nobody, organization_id

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request of the seller's that must succeed."""
        answer = await self.api.request(method, path, json=body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def product(self, amount: int = 0, **fields: Any) -> Any:
        """Puts a product on sale; `amount` is in cents, 0 is free."""
        price = {"amount_type": "fixed", "price_amount": amount, "price_currency": "usd"}
        prices = [price if amount else {"amount_type": "free"}]
        return await self.call("POST", "/v1/products/", {"name": "Attacked", "prices": prices, **fields})

    async def link(self, product: Any) -> str:
        """The path of a public checkout link."""
        made = await self.call("POST", "/v1/checkout-links/", {"products": [product["id"]]})
        return f"/v1/checkout-links/{made['client_secret']}/redirect"

    async def opened(self, link: str) -> str:
        """Follows a link as a stranger does. Returns the path of the new checkout, with its client secret."""

        async def follow() -> str | None:
            answer = await self.nobody.get(link, follow_redirects=False)
            return answer.headers["location"] if answer.status_code in {302, 303, 307} else None

        location = await eventually(follow, seconds=PATIENCE, what="the checkout of a link")
        secret = next(part for part in location.replace("?", "/").split("/") if part.startswith("polar_c"))
        return f"/v1/checkouts/client/{secret}"

    async def page(self, product: Any) -> str:
        """A public checkout of the product."""
        return await self.opened(await self.link(product))

    async def bought(self, product: Any, email: str, card: str = VISA, **fields: Any) -> Any:
        """A purchase by whoever has this address, at the public page. Returns the confirmed checkout."""
        page = await self.page(product)
        answer = await self.nobody.post(
            f"{page}/confirm", json={"customer_email": email, "confirmation_token_id": card, **fields}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def customer(self, email: str) -> Any:
        """The one customer with this address, waited for."""

        return (await self.until("customers", email=email))[0]

    async def items(self, resource: str, **query: Any) -> list[Any]:
        """The first page of a list."""
        answer = await self.api.get(f"/v1/{resource}/", params={"limit": 100, **query})
        assert answer.status_code == 200, answer.text
        found: list[Any] = answer.json()["items"]
        return found

    async def until(self, resource: str, **query: Any) -> list[Any]:
        """The first page of a list, once it has something; what it is about may not have arrived yet."""

        async def look() -> list[Any]:
            answer = await self.api.get(f"/v1/{resource}/", params={"limit": 100, **query})
            assert answer.status_code in {200, 404}, answer.text
            return list(answer.json().get("items", ()))

        return await eventually(look, seconds=PATIENCE, what=f"{resource} {query}")
