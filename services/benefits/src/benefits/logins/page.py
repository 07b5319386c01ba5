"""The page on which a person confirms what they connect, before the browser leaves for the other system."""

from html import escape

from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.customers.models import Customer
from benefits.logins.models import Login
from benefits.organizations.models import Organization
from benefits.settings import Settings

NAMES = {"github": "GitHub", "discord": "Discord"}
_PLACES = {"github": "the repositories of the GitHub account", "discord": "the Discord server"}
_OWN = {
    "github": "the repositories of a GitHub account that you administer",
    "discord": "a Discord server that you manage",
}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Connect {platform}</title>
</head>
<body>
<main>
<h1>Connect {platform}</h1>
<p>{question}</p>
<p>Continue only if you began this yourself. Close the page if you do not know {name}.</p>
<form method="post"><button type="submit">Continue to {platform}</button></form>
</main>
</body>
</html>
"""


async def confirmation(session: AsyncSession, login: Login, settings: Settings) -> HTMLResponse:
    """The page. No other page may show it in a frame, and its address, which has the ticket, is told to nobody."""
    question, name = await _asked(session, login)
    shown = _PAGE.format(question=escape(question), name=escape(name), platform=NAMES[login.platform])
    # A browser that follows the redirect after the form asks for the other system's address too.
    targets = f"'self' {settings.github_url} {settings.discord_url}"
    policy = f"default-src 'none'; form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
    headers = {
        "Content-Security-Policy": policy,
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return HTMLResponse(shown, headers=headers)


async def _asked(session: AsyncSession, login: Login) -> tuple[str, str]:
    """What is asked, and whom the person must know. Names can be alike: slugs and e-mail addresses are not."""
    organization = await session.get(Organization, login.organization_id)
    seller = str(login.organization_id)
    if organization is not None:
        seller = f"{organization.data['name']} ({organization.data['slug']})"
    platform = NAMES[login.platform]
    if login.customer_id is None:
        what = f"{_PLACES[login.platform]} {login.account}" if login.account else _OWN[login.platform]
        return f"The seller {seller} asks to sell access to {what}.", seller
    customer = await session.get(Customer, login.customer_id)
    buyer = customer.data["email"] if customer is not None else str(login.customer_id)
    return f"Your {platform} account gets what {buyer} bought from {seller}.", buyer
