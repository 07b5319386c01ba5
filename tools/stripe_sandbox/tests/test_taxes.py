"""Stripe Tax as far as the product asks it, through the official library: what is calculated, kept, and refused."""

import pytest
import stripe


def wish(*, country="DE", amount=1000, behavior="exclusive", **changes):
    address = {"country": country, **changes.pop("address", {})}
    return {
        "currency": "eur",
        "line_items": [{"amount": amount, "reference": "L1", "tax_behavior": behavior, "tax_code": "txcd_10000000"}],
        "customer_details": {"address": address, "address_source": "billing", **changes.pop("details", {})},
        **changes,
    }


@pytest.mark.parametrize(
    ("country", "address", "behavior", "tax", "reason"),
    [
        ("DE", {}, "exclusive", 190, "standard_rated"),
        ("DE", {}, "inclusive", 160, "standard_rated"),
        ("US", {"postal_code": "90210", "state": "CA"}, "exclusive", 73, "standard_rated"),
        ("US", {"postal_code": "97201", "state": "OR"}, "exclusive", 0, "not_collecting"),
        ("BR", {}, "exclusive", 0, "not_supported"),
    ],
)
async def test_a_calculation_says_how_much_and_why(client, country, address, behavior, tax, reason):
    made = await client.v1.tax.calculations.create_async(wish(country=country, address=address, behavior=behavior))
    total = made.tax_amount_inclusive if behavior == "inclusive" else made.tax_amount_exclusive
    assert (total, made.tax_breakdown[0].taxability_reason) == (tax, reason)
    assert made.amount_total == 1000 + (tax if behavior == "exclusive" else 0)


async def test_a_business_of_the_union_is_charged_nothing(client):
    ids = {"tax_ids": [{"type": "eu_vat", "value": "DE136695976"}]}
    made = await client.v1.tax.calculations.create_async(wish(details=ids))
    assert (made.tax_amount_exclusive, made.tax_breakdown[0].taxability_reason) == (0, "reverse_charge")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"country": "US"}, "customer_tax_location_invalid"),
        ({"country": "US", "address": {"postal_code": "abc"}}, "customer_tax_location_invalid"),
        ({"country": "CA"}, "customer_tax_location_invalid"),
        ({"country": "Germany"}, "country_code_invalid"),
        ({"details": {"tax_ids": [{"type": "eu_vat", "value": "?"}]}}, "tax_id_invalid"),
        ({"details": {"tax_ids": [{"type": "xx_vat", "value": "1"}]}}, None),
        ({"amount": -1}, None),
        ({"behavior": "perhaps"}, None),
        ({"currency": "zzz"}, None),
        ({"line_items": []}, "parameter_missing"),
        ({"nonsense": "1"}, "parameter_unknown"),
    ],
)
async def test_what_stripe_refuses_is_refused(client, changes, code):
    with pytest.raises(stripe.InvalidRequestError) as raised:
        await client.v1.tax.calculations.create_async(wish(**changes))
    assert raised.value.code == code


async def test_a_transaction_is_kept_once_and_taken_back_in_parts(client):
    made = await client.v1.tax.calculations.create_async(wish())
    kept = await client.v1.tax.transactions.create_from_calculation_async({"calculation": made.id, "reference": "one"})
    with pytest.raises(stripe.InvalidRequestError) as raised:
        await client.v1.tax.transactions.create_from_calculation_async({"calculation": made.id, "reference": "one"})
    assert raised.value.code == "resource_already_exists"
    part = {"original_transaction": kept.id, "mode": "partial", "reference": "back-1", "flat_amount": -1000}
    assert (await client.v1.tax.transactions.create_reversal_async(part)).type == "reversal"
    for amount in (-191, 1, 0):
        with pytest.raises(stripe.InvalidRequestError):
            await client.v1.tax.transactions.create_reversal_async(part | {"reference": "x", "flat_amount": amount})
    rest = part | {"reference": "back-2", "flat_amount": -190}
    assert (await client.v1.tax.transactions.create_reversal_async(rest)).reference == "back-2"
