"""What can be done with checkout links; following one opens a checkout."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from contracts import checkout as contracts
from pydantic import ValidationError
from servicekit import attempts, clock, ids
from servicekit.addresses import counted
from servicekit.attempts import Bound
from servicekit.auth import Principal
from servicekit.errors import InvalidInput, ResourceNotFound
from servicekit.quotas import Quotas
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.buyer_attempts.models import BuyerAttempt
from checkout.checkout_links import quantities, queries
from checkout.checkout_links.models import SECRET_PREFIX, CheckoutLink
from checkout.checkout_links.schemas import CheckoutLinkCreate, CheckoutLinkUpdate
from checkout.checkouts import chargeable, embedding
from checkout.checkouts import operations as checkouts
from checkout.checkouts.schemas import CheckoutCreate
from checkout.discounts import operations as discounts
from checkout.discounts.models import Discount
from checkout.products.models import Product
from checkout.products.operations import awaited_price, awaited_products
from checkout.settings import Settings

PREFILLED = ("customer_email", "customer_name", "discount_code", "amount", "locale")
REMEMBERED = ("reference_id", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
"""What a link's query leaves in the metadata of its checkout (Polar's rule)."""
OPENED_PER_MINUTE = 30
"""So many checkouts may be opened by links from one address."""
_FIELD = "custom_field_data."


async def create(session: AsyncSession, principal: Principal, wish: CheckoutLinkCreate, quotas: Quotas) -> CheckoutLink:
    """Creates a link.

    Raises `InvalidInput` for what does not exist, is archived, or belongs to several sellers, and `QuotaExceeded`.
    """
    products = await _products(session, principal, wish)
    organization_id = products[0].organization_id
    discount = await _known_discount(session, organization_id, wish.discount_id)
    if discount is not None and wish.trial_interval is None:
        chargeable.ensure_offerable(products, discount, "discount_id")
    for kind in quantities.KINDS:
        quantities.ensure_allowed(products, kind, getattr(wish, kind))
    await quotas.ensure_room(session, CheckoutLink, organization_id, CheckoutLink.deleted_at.is_(None))
    link = CheckoutLink(
        id=ids.uuid7(),
        organization_id=organization_id,
        created_at=clock.now(),
        client_secret=SECRET_PREFIX + secrets.token_hex(20),
        label=wish.label,
        product_ids=[product.id for product in products],
        discount_id=wish.discount_id,
        allow_discount_codes=wish.allow_discount_codes,
        require_billing_address=wish.require_billing_address,
        trial_interval=wish.trial_interval,
        trial_interval_count=(wish.trial_interval_count or 1) if wish.trial_interval else None,
        seats=wish.seats,
        units=wish.units,
        success_url=wish.success_url,
        return_url=wish.return_url,
        user_metadata=wish.metadata,
    )
    session.add(link)
    await session.flush()
    return link


async def get(session: AsyncSession, principal: Principal, id: UUID, *, lock: bool = False) -> CheckoutLink:
    """Raises `ResourceNotFound`."""
    link = await queries.find(session, principal, id, lock=lock)
    if link is None:
        raise ResourceNotFound()
    return link


async def update(session: AsyncSession, principal: Principal, id: UUID, changes: CheckoutLinkUpdate) -> CheckoutLink:
    """Changes a link. Raises `ResourceNotFound`, or `InvalidInput` naming what does not exist."""
    link = await get(session, principal, id, lock=True)
    given = changes.model_dump(exclude_unset=True)
    products = given.pop("products", None)
    if products is not None:
        known = await _offered(session, link.organization_id, products)
        link.product_ids = [product.id for product in known]
    discount = None
    if "discount_id" in given:
        discount = await _known_discount(session, link.organization_id, given["discount_id"])
    elif products is not None and link.discount_id is not None:
        discount = await discounts.by_id(session, link.organization_id, link.discount_id)
    await _set_quantities(session, link, given)
    _set_trial(link, given)
    if discount is not None and link.trial_interval is None:
        named = await awaited_products(session, link.organization_id, link.product_ids)
        field = "discount_id" if "discount_id" in given else "products"
        chargeable.ensure_offerable(list(named.values()), discount, field)
    metadata = given.pop("metadata", None)
    if metadata is not None:
        link.user_metadata = metadata
    for name, value in given.items():
        if value is not None or name not in ("allow_discount_codes", "require_billing_address"):
            setattr(link, name, value)
    link.modified_at = clock.now()
    await session.flush()
    return link


async def _set_quantities(session: AsyncSession, link: CheckoutLink, given: dict[str, Any]) -> None:
    """Takes the numbers out of the changes. One that new products do not take any more goes (Polar's rule).

    Raises `InvalidInput` for a number that is given and not taken.
    """
    known = await awaited_products(session, link.organization_id, link.product_ids)
    products = [known[id] for id in link.product_ids if id in known]
    for kind in quantities.KINDS:
        if kind in given:
            number = given.pop(kind)
            quantities.ensure_allowed(products, kind, number)
            setattr(link, kind, number)
        elif quantities.refusal(products, kind, getattr(link, kind)) is not None:
            setattr(link, kind, None)


def _set_trial(link: CheckoutLink, given: dict[str, Any]) -> None:
    """Takes the trial out of the changes. Raises `InvalidInput` for a count of no interval."""
    interval = given.pop("trial_interval", link.trial_interval)
    count = given.pop("trial_interval_count", link.trial_interval_count if link.trial_interval else None)
    if interval is None and count is not None and link.trial_interval is None:
        raise InvalidInput(("body", "trial_interval_count"), "needs a trial_interval")
    link.trial_interval = interval
    link.trial_interval_count = (count or 1) if interval is not None else None


async def delete(session: AsyncSession, principal: Principal, id: UUID) -> None:
    """Deletes a link; the checkouts that it opened go on. Raises `ResourceNotFound`."""
    link = await get(session, principal, id, lock=True)
    link.deleted_at = clock.now()


async def ensure_seldom(session: AsyncSession, address: str | None) -> None:
    """Counts a checkout that a link opens, by the client's address. Raises `TooManyAttempts`."""
    known = counted(address)
    if known is not None:
        bound = Bound(f"links {known}", OPENED_PER_MINUTE, timedelta(minutes=1))
        await attempts.reserve(session, BuyerAttempt, ids.uuid7(), [bound], "Too many checkouts were opened")


async def follow(
    session: AsyncSession, client_secret: str, query: Sequence[tuple[str, str]], settings: Settings
) -> str:
    """Opens a checkout and returns its address. What the query names is filled in; the rest is handed on.

    A prefilled value that the checkout does not take is left out: a buyer is never stopped by a merchant's mistake.
    Raises `ResourceNotFound` for an unknown or deleted link, and `InvalidInput` when nothing of it is on sale.
    """
    link = await queries.by_secret(session, client_secret)
    if link is None:
        raise ResourceNotFound()
    given = dict(query)
    known = await awaited_products(session, link.organization_id, link.product_ids)
    on_sale = [id for id in link.product_ids if id in known and not known[id].data["is_archived"]]
    if not on_sale:
        raise InvalidInput(("path", "client_secret"), "Nothing of this link is on sale any more")
    chosen = given.get("product_id")
    on_sale.sort(key=lambda id: str(id) != chosen)
    fixed: dict[str, Any] = {
        "products": on_sale,
        "success_url": link.success_url,
        "return_url": link.return_url,
        "allow_discount_codes": link.allow_discount_codes,
        "require_billing_address": link.require_billing_address,
        "metadata": {**link.user_metadata, **_remembered(given, link.user_metadata)},
    }
    if link.trial_interval is not None:
        fixed |= {"trial_interval": link.trial_interval, "trial_interval_count": link.trial_interval_count}
    for kind in quantities.KINDS:
        number = getattr(link, kind)
        if number is not None and quantities.refusal([known[id] for id in on_sale], kind, number) is None:
            fixed |= {kind: number, f"min_{kind}": number, f"max_{kind}": number}
    if link.discount_id is not None:
        fixed["discount_id"] = link.discount_id
    fixed["embed_origin"] = await embedding.named_by_visitor(session, link.organization_id, given.get("embed_origin"))
    opened = await _open(session, link, fixed, _prefilled(given), settings)
    used = {*PREFILLED, *REMEMBERED, "product_id"}
    rest = [(name, value) for name, value in query if name not in used and not name.startswith(_FIELD)]
    return f"{opened.url}?{urlencode(rest)}" if rest else opened.url


async def _open(
    session: AsyncSession, link: CheckoutLink, fixed: dict[str, Any], prefilled: dict[str, Any], settings: Settings
) -> contracts.Checkout:
    """Tries with everything; whatever is refused is named, and left out of the next try.

    A code that the visitor brings takes the place of the link's discount, which stands in where the code is refused.
    """
    seller = Principal("organization", link.organization_id, (link.organization_id,), frozenset())
    wished = {**fixed, **prefilled}
    while True:
        try:
            by_code = {**wished, "discount_id": None} if "discount_code" in wished else wished
            wish = CheckoutCreate.model_validate(by_code)
            return await checkouts.create(session, seller, wish, settings, link.client_secret)
        except ValidationError as error:
            refused = {str(problem["loc"][0]) for problem in error.errors() if problem["loc"]}
        except InvalidInput as refusal:
            refused = {str(refusal.problems[0]["loc"][1])}
        refused &= {*prefilled, "discount_id"} & wished.keys()
        if not refused:
            raise InvalidInput(("path", "client_secret"), "This link cannot be used any more")
        wished = {name: value for name, value in wished.items() if name not in refused}


def _prefilled(given: Mapping[str, str]) -> dict[str, Any]:
    fields: dict[str, Any] = {name: given[name] for name in PREFILLED if given.get(name)}
    if fields.get("amount", "").isdecimal():
        fields["amount"] = int(fields["amount"])
    custom = {name.removeprefix(_FIELD): value for name, value in given.items() if name.startswith(_FIELD)}
    return fields | ({"custom_field_data": custom} if custom else {})


def _remembered(given: Mapping[str, str], metadata: Mapping[str, Any]) -> dict[str, str]:
    """As much as metadata holds: 50 keys, values of at most 500 characters."""
    room = 50 - len(metadata)
    named = {name: given[name][:500] for name in REMEMBERED if given.get(name)}
    return dict(list(named.items())[: max(room, 0)])


async def _products(session: AsyncSession, principal: Principal, wish: CheckoutLinkCreate) -> list[Product]:
    wanted = wish.products or ([wish.product_id] if wish.product_id else [])
    field = "products" if wish.products else "product_id"
    problem = InvalidInput(("body", "product_price_id"), "Price does not exist")
    for organization_id in principal.organization_ids:
        if wish.product_price_id is not None and not wanted:
            product = await awaited_price(session, organization_id, wish.product_price_id)
            if product is not None:
                return [product]
            continue
        try:
            return await _offered(session, organization_id, wanted, field)
        except InvalidInput as refusal:
            problem = refusal
    raise problem


async def _offered(
    session: AsyncSession, organization_id: UUID, wanted: Sequence[UUID], field: str = "products"
) -> list[Product]:
    wanted = list(dict.fromkeys(wanted))
    known = await awaited_products(session, organization_id, wanted)
    for index, product_id in enumerate(wanted):
        loc = ("body", field, index) if field == "products" else ("body", field)
        if product_id not in known:
            raise InvalidInput(loc, "Product does not exist")
        if known[product_id].data["is_archived"]:
            raise InvalidInput(loc, "Product is archived")
    return [known[product_id] for product_id in wanted]


async def _known_discount(session: AsyncSession, organization_id: UUID, discount_id: UUID | None) -> Discount | None:
    """Raises `InvalidInput` for a discount that does not exist."""
    if discount_id is None:
        return None
    discount = await discounts.by_id(session, organization_id, discount_id)
    if discount is None or discount.deleted_at is not None:
        raise InvalidInput(("body", "discount_id"), "Discount does not exist")
    return discount
