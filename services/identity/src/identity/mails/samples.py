"""Every mail with sample values, for `./polar emails` and for the tests that render them."""

from servicekit.letters import Letter

from identity.customers.models import Customer
from identity.mails.operations import LANGUAGES, letter
from identity.organizations.models import Organization

__all__ = ["LANGUAGES", "samples"]


def samples(language: str) -> dict[str, Letter]:
    """The mails of a language by their names."""
    organization = Organization(name="Analytical Engines", slug="analytical-engines", branding=None)
    customer = Customer(data={"locale": language})
    verify = "/analytical-engines/portal/verify-email?token=sample"
    return {
        "login_code": letter(organization, customer, "login_code", code="123456", minutes=30),
        "email_update": letter(organization, customer, "email_update", verify, minutes=30),
        "email_changed": letter(
            organization, customer, "email_changed", email="a…@example.com", contact="help@example.com"
        ),
    }
