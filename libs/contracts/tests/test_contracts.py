"""Events stay readable: by older consumers, by newer ones, and from history."""

import copy
import json
from typing import Any
from uuid import uuid4

import pytest
from contracts import billing, identity
from contracts.compatibility import SCHEMAS, incompatibilities, rendered, schema_of
from contracts.event import EventClass
from contracts.registry import EVENTS
from pydantic import ValidationError

CURRENT = max(SCHEMAS.iterdir(), key=lambda folder: tuple(int(part) for part in folder.name.split(".")))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.routing_key())
def test_the_snapshot_is_current_and_every_earlier_one_compatible(event: EventClass) -> None:
    name = f"{event.routing_key()}.json"
    assert (CURRENT / name).read_text() == rendered(event), "run ./polar contracts and review the difference"
    for release in SCHEMAS.iterdir():
        if (release / name).exists():
            earlier = json.loads((release / name).read_text())
            assert incompatibilities(earlier, schema_of(event)) == []


def test_no_event_of_a_release_has_gone() -> None:
    published = {path.name.removesuffix(".json") for release in SCHEMAS.iterdir() for path in release.iterdir()}
    assert published == {event.routing_key() for event in EVENTS}


def edited(edit: Any) -> dict[str, Any]:
    schema = copy.deepcopy(schema_of(billing.OrderPaidV1))
    edit(schema["$defs"]["Order"])
    return schema


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (lambda order: order["properties"].pop("currency"), "event.data.currency was removed"),
        (lambda order: order["properties"]["paid"].update(type="string"), "event.data.paid changed its type"),
        (lambda order: order["required"].remove("paid"), "event.data.paid became optional"),
        (
            lambda order: order["properties"].update(currency={"anyOf": [{"type": "string"}, {"type": "null"}]}),
            "event.data.currency changed its type",
        ),
        (
            lambda order: (order["properties"].update(new={"type": "string"}), order["required"].append("new")),
            "event.data.new was added without a default: older events do not have it",
        ),
    ],
)
def test_an_incompatible_edit_is_reported(edit: Any, complaint: str) -> None:
    assert complaint in incompatibilities(schema_of(billing.OrderPaidV1), edited(edit))


def test_an_optional_field_and_a_new_word_may_be_added() -> None:
    def edit(order: Any) -> None:
        order["properties"]["note"] = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}
        order["properties"]["status"]["examples"].append("disputed")

    assert incompatibilities(schema_of(billing.OrderPaidV1), edited(edit)) == []


def organization(**changes: Any) -> dict[str, Any]:
    data = {
        "id": uuid4(), "created_at": "2026-01-31T10:00:00+02:00", "modified_at": None, "name": "Acme", "slug": "acme",
        "avatar_url": None, "email": None, "website": None,
    }  # fmt: skip
    return {**data, **changes}


def event(**data: Any) -> identity.OrganizationCreatedV1:
    return identity.OrganizationCreatedV1.model_validate(
        {"subject": uuid4(), "organizationid": uuid4(), "time": "2026-01-31T08:00:00Z", "data": organization(**data)}
    )


def test_producers_are_strict() -> None:
    with pytest.raises(ValidationError):
        event(surprise=1)
    with pytest.raises(ValidationError):
        event(created_at="2026-01-31T10:00:00")
    with pytest.raises(ValidationError, match="not one of"):
        identity_word("team of teams")


def identity_word(word: str) -> billing.Customer:
    fields = {
        "id": uuid4(), "created_at": "2026-01-31T08:00:00Z", "modified_at": None, "metadata": {}, "external_id": None,
        "email": "a@example.com", "email_verified": False, "type": word, "name": None, "billing_name": None,
        "billing_address": None, "tax_id": None, "locale": None, "organization_id": uuid4(), "deleted_at": None,
        "first_user_event_at": None, "avatar_url": None, "default_payment_method_id": None,
    }  # fmt: skip
    return billing.Customer.model_validate(fields)


def test_consumers_let_unknown_fields_and_words_through() -> None:
    customer = identity_word("team")
    said = billing.CustomerCreatedV1(
        subject=customer.id, organization_id=customer.organization_id, time=customer.created_at, data=customer
    )
    later = json.loads(said.to_bytes())
    later["data"]["type"] = "household"
    later["data"]["pets"] = ["cat"]
    later["newextension"] = "x"
    read = billing.CustomerCreatedV1.from_bytes(json.dumps(later).encode())
    assert read.data.type == "household"
    del later["data"]["email"]
    with pytest.raises(ValidationError):
        billing.CustomerCreatedV1.from_bytes(json.dumps(later).encode())


def test_the_envelope_is_a_cloud_event() -> None:
    said = event()
    said.sequence = 12
    wire = json.loads(said.to_bytes())
    assert wire["specversion"] == "1.0"
    assert wire["type"] == "polar.organization.created.v1"
    assert wire["source"] == "/identity"
    assert wire["sequence"] == "0000000012"
    assert wire["time"] == "2026-01-31T08:00:00Z"
    assert wire["data"]["created_at"] == "2026-01-31T08:00:00Z"
    again = identity.OrganizationCreatedV1.from_bytes(said.to_bytes())
    assert again == said
    assert again.to_bytes() == said.to_bytes()
