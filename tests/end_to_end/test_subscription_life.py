"""A subscription from its trial to its end, through the gateway on a test clock.

The webhooks that integrators rely on, in their order, and at each step the order, the invoice, the card, the key and
the mail that belong to it.
"""

from datetime import timedelta

from tests.end_to_end.life import FAILS_WHEN_CHARGED, Life, at, begun, shown

LICENSE = {"activations": {"limit": 3}, "expires": {"ttl": 1, "timeframe": "month"}}
RENEWED = ["subscription.cycled", "subscription.updated"]
PAID = ["order.created", "order.updated", "order.paid"]


def amounts(order):
    return {name: order[f"{name}_amount"] for name in ("subtotal", "discount", "net", "tax", "total", "due")}


def priced(total: int) -> dict[str, int]:
    """What an order of so much is made of for a buyer in Germany, where prices contain the tax of 19 %."""
    tax = (total * 19 * 2 + 119) // (119 * 2)
    return {"subtotal": total, "discount": 0, "net": total - tax, "tax": tax, "total": total, "due": 0}


def period(one):
    return one["current_period_start"], one["current_period_end"]


def holds(life: Life):
    """What the buyer has, as `customer.state_changed` told it last: subscriptions and benefits."""
    state = life.state()
    subscriptions = [(one["status"], one["product_id"]) for one in state["active_subscriptions"]]
    return subscriptions, [one["benefit_id"] for one in state["granted_benefits"]]


def lines(order):
    return [
        (item["amount"], item["proration"], item["start_timestamp"], item["end_timestamp"]) for item in order["items"]
    ]


async def test_from_trial_to_its_end(stack):
    async with begun(stack, "2027-01-17") as life:
        license_id = await life.benefit_of("license_keys", **LICENSE)
        bonus_id = await life.benefit_of("custom", note="Thank you")
        settings = {"subscription_settings": {"benefit_revocation_grace_period": 7}}
        await life.call("PATCH", f"/v1/organizations/{life.organization_id}", settings)
        pro = await life.sell("Pro", 2000, [license_id], trial_interval="day", trial_interval_count=14)
        team = await life.sell("Team", 5000, [license_id, bonus_id])
        business = await life.sell("Business", 8000, [license_id, bonus_id])
        await begins_with_a_trial(life, pro, license_id)
        await is_reminded_and_billed_when_the_trial_ends(life, license_id)
        await is_renewed_on_its_anchor_day(life, license_id)
        order = await falls_past_due(life, license_id)
        await is_asked_again_and_loses_its_benefits_after_the_grace_period(life, order, license_id)
        await recovers_with_a_new_card(life, order, license_id)
        await is_upgraded_and_billed_with_the_next_period(life, team, license_id, bonus_id)
        await is_upgraded_and_billed_at_once(life, business)
        await is_canceled_at_its_periods_end(life, license_id, bonus_id)
        numbers = [one["invoice_number"] for one in await life.orders()]
        prefix = numbers[0].removesuffix("0001")
        assert numbers == [f"{prefix}{number:04d}" for number in range(1, 7)], "no gap, none twice"
        assert await life.audit() == 0


async def begins_with_a_trial(life: Life, product, license_id: str) -> None:
    start, end = life.shown, shown("2027-01-31")
    await life.buy(product)
    subscription = await life.subscription()
    assert (subscription["status"], *period(subscription)) == ("trialing", start, end)
    assert (subscription["trial_start"], subscription["trial_end"]) == (start, end)
    assert life.told(life.subscription_id) == ["subscription.created", "subscription.active", "subscription.updated"]
    order = await life.new_order()
    assert order["id"] == life.ids["order_id"]
    assert (order["status"], order["billing_reason"]) == ("paid", "subscription_create")
    assert amounts(order) == priced(0)
    assert life.told(order["id"]) == PAID
    assert await life.payments(order["id"]) == [], "a trial moves no money"
    grant = (await life.grants())[license_id]
    assert life.told(grant["id"]) == ["benefit_grant.created"]
    assert holds(life) == ([("trialing", product["id"])], [license_id])
    life.key = await life.license_key(license_id)
    assert life.key["expires_at"] == shown("2027-03-03"), "its month, and a day, count from where the trial ends"
    assert await life.is_valid(life.key)


async def is_reminded_and_billed_when_the_trial_ends(life: Life, license_id: str) -> None:
    await life.advance(at("2027-01-28") - timedelta(seconds=1))
    assert not [subject for subject in life.mails() if "trial of Pro ends" in subject]
    await life.advance(at("2027-01-30"))
    assert [one for one in life.mails() if "trial of Pro ends" in one] == ["Your trial of Pro ends on 31 January 2027"]
    assert life.told(life.subscription_id) == []
    await life.advance(at("2027-01-31"))
    subscription = await life.subscription()
    assert (subscription["status"], *period(subscription)) == ("active", shown("2027-01-31"), shown("2027-02-28"))
    assert life.told(life.subscription_id) == [*RENEWED, "subscription.active"]
    order = await life.new_order()
    assert (order["status"], order["billing_reason"]) == ("paid", "subscription_cycle")
    assert amounts(order) == priced(2000)
    assert lines(order) == [(2000, False, *period(subscription))]
    assert life.told_at(order["id"]) == [(kind, shown("2027-01-31")) for kind in PAID]
    (payment,) = await life.payments(order["id"])
    assert (payment["status"], payment["amount"], payment["method_metadata"]["brand"]) == ("succeeded", 2000, "visa")
    grant = (await life.grants())[license_id]
    assert life.told(grant["id"]) == ["benefit_grant.cycled"]
    assert (await life.license_key(license_id))["expires_at"] == shown("2027-03-03"), "as it was given"


async def is_renewed_on_its_anchor_day(life: Life, license_id: str) -> None:
    await life.advance(at("2027-02-28"))
    subscription = await life.subscription()
    assert (subscription["status"], *period(subscription)) == ("active", shown("2027-02-28"), shown("2027-03-31"))
    assert life.told_at(life.subscription_id) == [(kind, shown("2027-02-28")) for kind in RENEWED]
    order = await life.new_order()
    assert (order["status"], order["billing_reason"]) == ("paid", "subscription_cycle")
    assert amounts(order) == priced(2000)
    assert life.told_at(order["id"]) == [(kind, shown("2027-02-28")) for kind in PAID]
    grant = (await life.grants())[license_id]
    assert life.told(grant["id"]) == ["benefit_grant.cycled"]
    key = await life.license_key(license_id)
    assert (key["key"], key["status"], key["expires_at"]) == (life.key["key"], "granted", shown("2027-04-01"))


async def falls_past_due(life: Life, license_id: str):
    await life.add_card(FAILS_WHEN_CHARGED, instead_of_others=True)
    assert life.told(life.subscription_id) == [], "a card is no news about a subscription that owes nothing"
    await life.advance(at("2027-03-31"))
    subscription = await life.subscription()
    assert (subscription["status"], *period(subscription)) == ("past_due", shown("2027-03-31"), shown("2027-04-30"))
    assert subscription["past_due_at"] == shown("2027-03-31"), "order first, payment second"
    assert life.told(life.subscription_id) == [*RENEWED, "subscription.updated", "subscription.past_due"]
    order = await life.new_order()
    assert (order["status"], order["billing_reason"]) == ("pending", "subscription_cycle")
    assert amounts(order) == {**priced(2000), "due": 2000}
    assert order["next_payment_attempt_at"] == shown("2027-04-02")
    assert life.told(order["id"]) == ["order.created", "order.updated"]
    (payment,) = await life.payments(order["id"])
    assert (payment["status"], payment["decline_reason"]) == ("failed", "generic_decline")
    assert await life.is_valid(life.key), "the seller waits seven days"
    assert holds(life) == ([], [license_id])
    return order


async def is_asked_again_and_loses_its_benefits_after_the_grace_period(life: Life, order, license_id: str) -> None:
    grant = (await life.grants())[license_id]
    assert life.told(grant["id"]) == ["benefit_grant.cycled"]
    await life.advance(at("2027-04-07") - timedelta(seconds=1))
    assert life.told_at(order["id"]) == [("order.updated", shown("2027-04-02"))]
    assert (await life.order(order["id"]))["next_payment_attempt_at"] == shown("2027-04-07")
    assert await life.is_valid(life.key)
    await life.advance(at("2027-04-09"))
    assert life.told_at(order["id"]) == [("order.updated", shown("2027-04-07"))]
    assert (await life.order(order["id"]))["next_payment_attempt_at"] == shown("2027-04-14")
    assert life.told(life.subscription_id) == [], "past due is said once"
    assert life.told_at(grant["id"]) == [("benefit_grant.revoked", shown("2027-04-07"))]
    assert not await life.is_valid(life.key)
    assert holds(life) == ([], [])
    attempts = await life.payments(order["id"])
    assert [(one["status"], one["created_at"]) for one in attempts] == [
        ("failed", shown(day)) for day in ("2027-03-31", "2027-04-02", "2027-04-07")
    ]


async def recovers_with_a_new_card(life: Life, order, license_id: str) -> None:
    now = life.shown
    card = await life.add_card("pm_card_mastercard", instead_of_others=True)
    assert (card["method_metadata"]["brand"], card["is_default"]) == ("mastercard", True)
    subscription = await life.subscription()
    assert (subscription["status"], subscription["past_due_at"]) == ("active", None)
    assert period(subscription) == (shown("2027-03-31"), shown("2027-04-30")), "the days that it did not pay are lost"
    assert life.told(life.subscription_id) == ["subscription.updated", "subscription.active"]
    assert life.told(order["id"]) == ["order.updated", "order.paid"]
    paid = await life.order(order["id"])
    assert (paid["status"], paid["next_payment_attempt_at"], amounts(paid)) == ("paid", None, priced(2000))
    assert [one["status"] for one in await life.payments(order["id"])] == ["failed", "failed", "failed", "succeeded"]
    grant = (await life.grants())[license_id]
    assert (grant["is_granted"], life.told(grant["id"])) == (True, ["benefit_grant.updated"])
    key = await life.license_key(license_id)
    assert (key["key"], key["status"]) == (life.key["key"], "granted"), "the key that the buyer has works again"
    assert key["expires_at"] == shown("2027-05-01")
    assert await life.is_valid(key)
    assert grant["granted_at"] >= now


async def is_upgraded_and_billed_with_the_next_period(life: Life, team, license_id: str, bonus_id: str) -> None:
    await life.advance(at("2027-04-15"))
    subscription = await life.change(product_id=team["id"], proration_behavior="prorate")
    assert (subscription["amount"], subscription["product_id"]) == (5000, team["id"])
    assert life.told(life.subscription_id) == ["subscription.updated"]
    assert holds(life) == ([("active", team["id"])], [license_id, bonus_id])
    grants = await life.grants()
    assert {id: life.told(one["id"]) for id, one in grants.items()} == {
        license_id: [],
        bonus_id: ["benefit_grant.created"],
    }
    await life.advance(at("2027-04-30"))
    assert life.told(life.subscription_id) == RENEWED
    order = await life.new_order()
    start, end = shown("2027-04-30"), shown("2027-05-31")
    changed = order["items"][1]["start_timestamp"]
    assert lines(order) == [
        (5000, False, start, end),
        (-1000, True, changed, start),
        (2500, True, changed, start),
    ], "half of April's 30 days was left"
    assert changed.startswith("2027-04-15T09:00:00")
    assert (order["status"], order["billing_reason"], amounts(order)) == ("paid", "subscription_cycle", priced(6500))
    assert life.told(order["id"]) == PAID


async def is_upgraded_and_billed_at_once(life: Life, business) -> None:
    await life.advance(at("2027-05-10"))
    life.told(life.subscription_id)
    changed_at = life.shown
    subscription = await life.change(product_id=business["id"], proration_behavior="invoice")
    assert (subscription["amount"], *period(subscription)) == (8000, shown("2027-04-30"), shown("2027-05-31"))
    assert life.told(life.subscription_id) == ["subscription.updated"]
    order = await life.new_order()
    end = shown("2027-05-31")
    assert lines(order) == [(-3387, True, changed_at, end), (5419, True, changed_at, end)], "21 of 31 days were left"
    assert (order["status"], order["billing_reason"], amounts(order)) == ("paid", "subscription_update", priced(2032))
    assert life.told(order["id"]) == PAID


async def is_canceled_at_its_periods_end(life: Life, license_id: str, bonus_id: str) -> None:
    await life.advance(at("2027-05-20"))
    grants = await life.grants()
    for one in grants.values():
        life.told(one["id"])
    subscription = await life.change(cancel_at_period_end=True, customer_cancellation_reason="too_expensive")
    assert (subscription["status"], subscription["ends_at"]) == ("active", shown("2027-05-31"))
    assert life.told(life.subscription_id) == ["subscription.updated", "subscription.canceled"]
    assert await life.is_valid(life.key), "until the end of what was paid for"
    await life.advance(at("2027-07-15"))
    ended = await life.subscription()
    assert (ended["status"], ended["ended_at"]) == ("canceled", shown("2027-05-31"))
    assert life.told_at(life.subscription_id) == [
        (kind, shown("2027-05-31")) for kind in ("subscription.updated", "subscription.revoked")
    ]
    for id in (license_id, bonus_id):
        assert life.told_at(grants[id]["id"]) == [("benefit_grant.revoked", shown("2027-05-31"))]
    assert (await life.license_key(license_id))["status"] == "revoked"
    assert not await life.is_valid(life.key)
    assert holds(life) == ([], [])
    assert len(await life.orders()) == 6, "nothing is billed after the end"


async def test_it_ends_when_nobody_pays(stack):
    """No grace, one advance: each attempt, the end of dunning and the end of the benefits at its own instant."""
    async with begun(stack, "2027-03-05") as life:
        license_id = await life.benefit_of("license_keys", **LICENSE)
        await life.buy(await life.sell("Pro", 2000, [license_id]))
        assert life.told(life.subscription_id) == [
            "subscription.created",
            "subscription.active",
            "subscription.updated",
        ]
        await life.new_order()
        key = await life.license_key(license_id)
        (grant,) = (await life.grants()).values()
        assert life.told(grant["id"]) == ["benefit_grant.created"]
        await life.add_card(FAILS_WHEN_CHARGED, instead_of_others=True)
        await life.advance(at("2027-05-30"))
        first, end = shown("2027-04-05"), shown("2027-04-26")
        assert life.told_at(life.subscription_id) == [
            ("subscription.cycled", first),
            ("subscription.updated", first),
            ("subscription.updated", first),
            ("subscription.past_due", first),
            ("subscription.updated", end),
            ("subscription.canceled", end),
            ("subscription.revoked", end),
        ]
        order = await life.new_order()
        days = ["2027-04-05", "2027-04-07", "2027-04-12", "2027-04-19", "2027-04-26"]
        assert life.told_at(order["id"]) == [
            ("order.created", first),
            *[("order.updated", shown(day)) for day in days],
        ]
        assert [(one["status"], one["created_at"]) for one in await life.payments(order["id"])] == [
            ("failed", shown(day)) for day in days
        ]
        assert (order["status"], order["due_amount"]) == ("void", 0)
        subscription = await life.subscription()
        assert (subscription["status"], subscription["ended_at"]) == ("canceled", end)
        assert life.told(grant["id"])[-1] == "benefit_grant.revoked"
        assert (await life.grants())[license_id]["revoked_at"] == first
        assert not await life.is_valid(key)
        assert await life.audit() == 0


async def test_three_renewals_in_one_advance(stack):
    """Each period is billed at its own instant, in order, and once."""
    async with begun(stack, "2027-01-31") as life:
        license_id = await life.benefit_of("license_keys", **LICENSE)
        await life.buy(await life.sell("Pro", 2000, [license_id]))
        bought = life.now
        life.told(life.subscription_id)
        await life.advance(at("2027-05-15"))
        instants = ["2027-02-28", "2027-03-31", "2027-04-30"]
        dates = [one[1][:10] for one in life.told_at(life.subscription_id)]
        assert dates == [day for day in instants for _ in RENEWED]
        first, *orders = await life.orders()
        assert first["id"] == life.ids["order_id"]
        assert [one["created_at"][:10] for one in orders] == instants
        begins = [one["items"][0]["start_timestamp"] for one in orders]
        ends = [first["items"][0]["end_timestamp"], *[one["items"][0]["end_timestamp"] for one in orders]]
        assert begins == ends[:-1], "each begins where the last one ended"
        for one in orders:
            assert (one["status"], one["billing_reason"], amounts(one)) == ("paid", "subscription_cycle", priced(2000))
            assert life.told_at(one["id"]) == [(kind, one["created_at"]) for kind in PAID]
            assert len(await life.payments(one["id"])) == 1
        assert [one["invoice_number"][-4:] for one in [first, *orders]] == ["0001", "0002", "0003", "0004"]
        (grant,) = (await life.grants()).values()
        assert life.told(grant["id"]) == ["benefit_grant.created", *["benefit_grant.cycled"] * 3]
        assert bought < at("2027-02-28")
        assert await life.audit() == 0
