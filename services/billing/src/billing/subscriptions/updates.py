"""`PATCH /v1/subscriptions/{id}` in all its forms: which of the verbs a body means, and who may."""

from datetime import datetime
from uuid import UUID

from contracts import billing as contracts
from contracts.billing import SubscriptionUpdatedV1
from contracts.catalog import Product
from processor import StripeProcessor
from servicekit import clock
from servicekit.auth import Principal, owned_by
from servicekit.database import Sessions
from servicekit.errors import InvalidInput, ResourceNotFound
from servicekit.outside import asking
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.discounts.operations import awaited_discount
from billing.orders import dunning
from billing.payment_methods import agreements
from billing.payment_methods import queries as payment_methods
from billing.products.operations import awaited_product
from billing.subscriptions import (
    changes,
    credits,
    discounts,
    operations,
    pauses,
    pending_updates,
    plans,
    portal,
    queries,
    rises,
)
from billing.subscriptions.changes import Charging, Locked
from billing.subscriptions.errors import InactiveSubscription
from billing.subscriptions.models import AlreadyCanceledSubscription, Subscription
from billing.subscriptions.plans import GivenDiscount, Wish
from billing.subscriptions.schemas import SubscriptionUpdate

VERBS = (
    "product_id", "seats", "units", "trial_end", "current_billing_period_end", "cancel_at_period_end", "revoke",
    "pause_at_period_end", "resume", "pending_update", "payment_method_id",
)  # fmt: skip
REASONS_OF_END = ("customer_cancellation_reason", "customer_cancellation_comment")


async def update(
    sessions: Sessions,
    processor: StripeProcessor,
    principal: Principal,
    id: UUID,
    wish: SubscriptionUpdate,
    *,
    by_customer: bool = False,
) -> contracts.Subscription:
    """Changes a subscription: one verb, with metadata or a discount beside it. What costs something is paid first.

    Raises `ResourceNotFound`, `InvalidInput`, what the verbs raise, and `PaymentFailed` with nothing changed.
    """
    verb, now = verb_of(wish, by_customer=by_customer), clock.now()

    async def change() -> Charging | contracts.Subscription:
        async with sessions() as session:
            charging = await change_inside(session, principal, id, wish, verb, by_customer, now)
            if charging is not None:
                return charging
            subscription = await queries.find(session, principal, id)
            assert subscription is not None
            return (await queries.shapes(session, [subscription]))[0]

    # The instant stays the same when the tax has to be asked for: so do the amounts that it is asked about.
    done = await asking(change)
    return await changes.finish(sessions, processor, principal, id, done) if isinstance(done, Charging) else done


def verb_of(wish: SubscriptionUpdate, *, by_customer: bool = False) -> str | None:
    """The one verb that a body means, None for metadata or a discount alone. Raises `InvalidInput` for two.

    Also for what belongs to another verb: it would be ignored.
    """
    given = wish.model_fields_set
    verbs = [name for name in VERBS if name in given and (getattr(wish, name) is not None or name == "pending_update")]
    if len(verbs) > 1 and verbs not in (["product_id", "seats"], ["product_id", "units"]):
        raise InvalidInput(("body", verbs[1]), f"Either {verbs[0]} or {verbs[1]}")
    for name, needed in (("resumes_at", "pause_at_period_end"), ("proration_behavior", "product_id, seats or units")):
        if getattr(wish, name) is not None and (not verbs or verbs[0] not in needed):
            raise InvalidInput(("body", name), f"goes with {needed}")
    if wish.resumes_at is not None and not wish.pause_at_period_end:
        raise InvalidInput(("body", "resumes_at"), "goes with pause_at_period_end true")
    is_ending = not verbs or wish.cancel_at_period_end or wish.revoke
    for name in REASONS_OF_END:
        if getattr(wish, name) is not None and not is_ending:
            field = name.removeprefix("customer_") if by_customer else name
            raise InvalidInput(("body", field), "goes with cancel_at_period_end true, or revoke")
    return verbs[0] if verbs else None


async def change_inside(
    session: AsyncSession,
    principal: Principal,
    id: UUID,
    wish: SubscriptionUpdate,
    verb: str | None,
    by_customer: bool,
    now: datetime,
) -> Charging | None:
    """Changes a subscription inside the caller's transaction; returns what is to be charged before it is applied.

    Raises what `update` raises, but for the charge.
    """
    product, discount = await _named(session, principal, id, wish, by_customer)
    held = await changes.locked(session, principal, id)
    if by_customer:
        portal.ensure_allowed(held.organization, verb)
        for name in ("seats", "units"):
            if getattr(wish, name, None) is not None:
                portal.ensure_allowed(held.organization, name)
        await _ensure_card(session, held, wish, now)
    subscription = held.subscription
    # It may have waited for the renewal: nothing is changed before the period that has begun meanwhile.
    now = max(now, subscription.current_period_start)
    if verb in ("product_id", "seats", "units"):
        return await _reprice(session, held, wish, verb, product, discount, now)
    if verb == "trial_end" and wish.trial_end == "now":
        return await _end_trial(session, held, wish, discount, now)
    if discount is not None:
        changes.ensure_changeable(subscription)
        _ensure_given(subscription, discount, None)
        await changes.give_discount(session, held, discount)
    if wish.metadata is not None:
        subscription.user_metadata = wish.metadata
    match verb:
        case "cancel_at_period_end" | "revoke" | None:
            await operations.change(session, subscription, wish)
        case "trial_end":
            assert isinstance(wish.trial_end, datetime)
            await _trial(session, subscription, wish.trial_end, now)
        case "current_billing_period_end":
            assert wish.current_billing_period_end is not None
            await _move_period_end(session, subscription, wish.current_billing_period_end, now)
        case "pause_at_period_end":
            if wish.pause_at_period_end:
                await pauses.schedule(session, subscription, wish.resumes_at, now)
            else:
                await pauses.unschedule(session, subscription, now)
        case "payment_method_id":
            assert wish.payment_method_id is not None
            await _choose_card(session, principal, held, wish.payment_method_id, now)
        case "resume":
            await pauses.resume(session, held.customer, subscription, now)
        case _:
            await pending_updates.supersede(session, subscription)
            await _updated(session, subscription, now)
    return None


async def _ensure_card(session: AsyncSession, held: Locked, wish: SubscriptionUpdate, now: datetime) -> None:
    """A customer who goes on with what costs something has a card that pays (Polar's rule): `PaymentMethodRequired`."""
    subscription = held.subscription
    if wish.resume and subscription.status == "paused":
        await changes.ensure_continuable(session, held, now)
    if wish.cancel_at_period_end is False and subscription.cancel_at_period_end and subscription.ended_at is None:
        await changes.ensure_continuable(session, held, subscription.current_period_end)


async def _named(
    session: AsyncSession, principal: Principal, id: UUID, wish: SubscriptionUpdate, by_customer: bool
) -> tuple[Product | None, GivenDiscount | None]:
    """The product and the discount that the body names, looked for before anything is locked."""
    gives_discount = "discount_id" in wish.model_fields_set
    if wish.product_id is None and not gives_discount:
        return None, None
    statement = select(Subscription.organization_id).where(owned_by(principal, Subscription), Subscription.id == id)
    owner = (await session.execute(statement)).scalar_one_or_none()
    if owner is None:
        raise ResourceNotFound()
    product = None
    if wish.product_id is not None:
        product = await awaited_product(session, owner, wish.product_id)
        if product is None or (by_customer and product.visibility != "public"):
            raise InvalidInput(("body", "product_id"), "This product does not exist")
    if not gives_discount:
        return product, None
    if wish.discount_id is None:
        return product, GivenDiscount(None)
    found = await awaited_discount(session, owner, wish.discount_id)
    if found is None or found["is_deleted"]:
        raise InvalidInput(("body", "discount_id"), "This discount does not exist")
    return product, GivenDiscount(found)


def _ensure_given(subscription: Subscription, discount: GivenDiscount, product_id: UUID | None) -> None:
    """Raises `InvalidInput` for a discount that is over, used up, or not for this product or currency.

    The present one may be over, or used up.
    """
    terms, field = discount.data, ("body", "discount_id")
    if terms is None:
        return
    if not discounts.covers(terms, str(product_id or subscription.product_id), subscription.currency):
        raise InvalidInput(field, "This discount does not apply to the product in this currency")
    if subscription.discount_id == UUID(str(terms["id"])):
        return
    now = clock.now()
    starts, ends = (datetime.fromisoformat(terms[name]) if terms[name] else None for name in ("starts_at", "ends_at"))
    if (starts is not None and now < starts) or (ends is not None and ends <= now):
        raise InvalidInput(field, "This discount cannot be used at present")
    if terms["max_redemptions"] is not None and terms["redemptions_count"] >= terms["max_redemptions"]:
        raise InvalidInput(field, "This discount is used up")


def _news_of(subscription: Subscription, discount: GivenDiscount) -> GivenDiscount | None:
    """What a change that names a discount, or none, brings. None for what is so already: its time is running.

    The present one keeps the terms with which it was given, and one for `once` is not used again.
    """
    present = subscription.discount_data
    if discount.data is None:
        return discount if present is not None or discounts.has_reduced(subscription) else None
    if present is None or str(discount.data["id"]) != str(present["id"]):
        return discount
    return GivenDiscount(present) if subscription.discount_applied_at is None else None


async def _reprice(
    session: AsyncSession,
    held: Locked,
    wish: SubscriptionUpdate,
    verb: str,
    product: Product | None,
    discount: GivenDiscount | None,
    now: datetime,
) -> Charging | None:
    subscription = held.subscription
    changes.ensure_changeable(subscription)
    behavior = wish.proration_behavior or held.default_behavior
    if discount is not None:
        _ensure_given(subscription, discount, wish.product_id)
        discount = _news_of(subscription, discount)
    before = rises.present(subscription)
    if discount is not None and behavior == "next_period":
        discounts.give(subscription, discount.data)
        discount = None
    kind = verb.removesuffix("_id")
    scheduled = await pending_updates.scheduled(session, subscription)
    paid = await credits.read(session, subscription)
    planned = plans.plan(
        subscription, Wish(kind, behavior, product, wish.seats, wish.units, discount, before), now, paid, scheduled
    )
    if planned is None:
        # Nothing would change now, or in the next period: what is scheduled of the same kinds is dropped.
        asked = [
            name
            for name in ("product", "seats", "units")
            if getattr(wish, "product_id" if name == "product" else name) is not None
        ]
        await pending_updates.follow(session, subscription, None if behavior == "next_period" else asked)
        await changes.give_discount(session, held, discount, before)
    if planned is None or not planned.is_billed_at_once:
        if wish.metadata is not None:
            subscription.user_metadata = wish.metadata
    else:
        planned = planned.with_metadata(wish.metadata)
    if planned is None:
        await _updated(session, subscription, now)
        return None
    return await changes.carry_out(session, held, planned, now)


async def _end_trial(
    session: AsyncSession, held: Locked, wish: SubscriptionUpdate, discount: GivenDiscount | None, now: datetime
) -> Charging | None:
    """A trial ends now, with a discount and metadata that come with it, once its first period is paid."""
    subscription = held.subscription
    changes.ensure_changeable(subscription)
    if subscription.status != "trialing":
        raise InactiveSubscription("This subscription is not in its trial")
    scheduled = await pending_updates.scheduled(session, subscription)
    if discount is not None:
        begins_with = UUID(str(scheduled.product["id"])) if scheduled is not None and scheduled.product else None
        _ensure_given(subscription, discount, begins_with)
        discount = _news_of(subscription, discount)
    paid = await credits.read(session, subscription)
    plan = plans.end_of_trial(subscription, now, paid, scheduled, discount).with_metadata(wish.metadata)
    return await changes.carry_out(session, held, plan, now)


async def _trial(session: AsyncSession, subscription: Subscription, end: datetime, now: datetime) -> None:
    """A trial gets another end, or an active subscription a trial after what was paid for."""
    changes.ensure_changeable(subscription)
    if end <= now:
        raise InvalidInput(("body", "trial_end"), 'must be in the future; "now" ends the trial at once')
    if subscription.status == "active" and end <= subscription.current_period_end:
        raise InvalidInput(("body", "trial_end"), "must be after the end of the current period")
    subscription.ensure_paused_before(end, "trial_end")
    if subscription.status == "active":
        subscription.status, subscription.trial_start = "trialing", now
    subscription.trial_end = subscription.current_period_end = end
    await pending_updates.move(session, subscription)
    await _updated(session, subscription, now)


async def _move_period_end(session: AsyncSession, subscription: Subscription, end: datetime, now: datetime) -> None:
    """The present period ends at another time; its day is the anchor from then on. Nothing is billed for it."""
    if subscription.ended_at is not None:
        raise AlreadyCanceledSubscription("This subscription has ended")
    if subscription.status != "active":
        raise InactiveSubscription(f"This subscription is {subscription.status}")
    if end <= now:
        raise InvalidInput(("body", "current_billing_period_end"), "must be in the future")
    subscription.ensure_paused_before(end, "current_billing_period_end")
    subscription.current_period_end, subscription.anchor_day = end, end.day
    if subscription.cancel_at_period_end:
        subscription.ends_at = end
    await pending_updates.move(session, subscription)
    await _updated(session, subscription, now)


async def _choose_card(
    session: AsyncSession, principal: Principal, held: Locked, payment_method_id: UUID, now: datetime
) -> None:
    """Another saved card of the customer pays for it from now on, and is asked at once for what is in dunning."""
    subscription, customer = held.subscription, held.customer
    if subscription.ended_at is not None:
        raise AlreadyCanceledSubscription("This subscription has ended")
    method = await payment_methods.find(session, principal, payment_method_id)
    if method is None or method.customer_id != customer.id:
        raise InvalidInput(("body", "payment_method_id"), "Payment method does not exist")
    if await agreements.is_chosen(session, held.by, method.id, subscription.payment_method_id):
        agreements.pay_with(session, subscription, method.id, held.by)
    await _updated(session, subscription, now)
    await dunning.retry_now(session, customer, subscription, now)


async def _updated(session: AsyncSession, subscription: Subscription, now: datetime) -> None:
    subscription.modified_at = now
    await changes.say(session, subscription, [SubscriptionUpdatedV1], now)
