"""Mails of `texts/`, in the language of the customer and the look of the seller."""

from typing import Any

from servicekit.languages import Texts, chosen, on_one_line
from servicekit.letters import Action, Letter, Look

from identity.customers.models import Customer
from identity.organizations.models import Organization

LANGUAGES = Texts.load("identity.mails")


def letter(organization: Organization, customer: Customer, name: str, path: str = "", **values: Any) -> Letter:
    """One mail with its values filled in; `path` is where its link leads to, where it has one."""
    texts = chosen(LANGUAGES, customer.data.get("locale"))
    found = texts.mail(name)
    shop = on_one_line(organization.name)
    values = {"shop": shop, **{key: on_one_line(value) for key, value in values.items()}}
    return Letter(
        sender=shop,
        subject=found["subject"].format(**values),
        paragraphs=[one.format(**values) for one in found["paragraphs"]],
        action=Action(found["action"], path) if path else None,
        notes=[one.format(**values) for one in found.get("notes", ())],
        language=texts.language,
        look=Look.of(organization.branding),
    )
