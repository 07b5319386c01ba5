"""Mails about consumers' rights, and what confirmations of orders say of them: the texts are JSON files in `texts/`.

They are acknowledgements on a durable medium that the law wants: no switch of the seller's holds them back.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import resources
from typing import Any
from urllib.parse import urlencode

from servicekit.languages import on_one_line
from servicekit.letters import Action, Letter, Look

from billing.consumer_rights import rules
from billing.mails import languages
from billing.mails.operations import shop_name
from billing.orders.models import Order

Seller = Mapping[str, Any]


def _load() -> dict[str, dict[str, Any]]:
    folder = resources.files("billing.consumer_rights") / "texts"
    files = [one for one in folder.iterdir() if one.name.endswith(".json")]
    return {one.name.removesuffix(".json"): json.loads(one.read_text("utf-8")) for one in files}


TEXTS = _load()
"""By language; those of other mails decide which language a customer is written to in."""


def texts_of(locale: str | None) -> tuple[languages.Texts, dict[str, Any]]:
    """How a language writes dates and amounts, and its texts; both are English where either is not there."""
    texts = languages.of(locale)
    if texts.language not in TEXTS:
        texts = languages.of(None)
    return texts, TEXTS[texts.language]


def instant(texts: languages.Texts, at: datetime) -> dict[str, str]:
    """A day and a time in UTC, as values of a text."""
    return {"day": texts.day(at), "time": at.strftime("%H:%M:%S")}


def letter(
    seller: Seller,
    locale: str | None,
    name: str,
    values: Mapping[str, str],
    *,
    rows: Sequence[tuple[str, str]] = (),
    also: Sequence[str] = (),
    path: str | None = None,
    links: Sequence[Action] = (),
) -> Letter:
    """A mail of `texts/` with its `values` filled in.

    `rows` are labels by their names and their values, `also` further paragraphs; `path` is where its button leads.
    """
    texts, said = texts_of(locale)
    found = said["mails"][name]
    values = {"shop": shop_name(seller), **{key: on_one_line(value) for key, value in values.items()}}
    return Letter(
        sender=shop_name(seller),
        subject=found["subject"].format(**values),
        paragraphs=[*(one.format(**values) for one in found["paragraphs"]), *also],
        rows=[(said["labels"][label], on_one_line(value)) for label, value in rows],
        action=Action(found["action"], path) if path is not None else None,
        notes=[one.format(**values) for one in found.get("notes", ())],
        language=texts.language,
        look=Look.of(seller.get("branding")),
        links=tuple(links),
    )


def notes_of(order: Order, seller: Seller, locale: str | None) -> list[str]:
    """What the confirmation of a purchase repeats of its buyer's consent (Directive 2011/83/EU, art. 8(7))."""
    consent = order.immediate_delivery_consent
    if consent is None:
        return []
    texts, said = texts_of(locale)
    at = datetime.fromisoformat(str(consent["consented_at"]))
    text: str = said["consent_subscription" if order.subscription_id else "consent_once"]
    return [text.format(shop=shop_name(seller), **instant(texts, at))]


def links_of(order: Order, seller: Seller, locale: str | None) -> list[Action]:
    """Where the buyer of an order withdraws from it, and cancels its subscription; what does not apply is left out."""
    if not seller.get("slug"):
        return []
    texts, said = texts_of(locale)
    known = urlencode({"order": str(order.invoice_number), "locale": texts.language})
    links = []
    if rules.may_withdraw(order, seller):
        links.append(Action(said["withdraw"], f"/{seller['slug']}/withdraw?{known}"))
    if order.subscription_id is not None and rules.offers_cancellation(order, seller):
        links.append(Action(said["cancel"], f"/{seller['slug']}/cancel?{known}"))
    return links
