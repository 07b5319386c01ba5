"""OAuth 2.0's code flow with PKCE (RFC 7636), bound to one browser (RFC 9700, section 4.7).

`begin` answers an address of this suite with a ticket. `present` shows there whose login it is, and sets a cookie.
`start` needs that cookie: it makes `state` and sends the browser to the other system. `claim` ends the login when the
browser comes back with both. A stolen `state` is refused without the cookie. An address that was sent to somebody else
connects nothing without a click of theirs on a page that names the buyer or the organization.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID

from servicekit import clock
from servicekit.errors import InvalidInput, NotPermitted
from servicekit.housekeeping import delete_page
from servicekit.sealing import cipher
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.logins.models import Login
from benefits.settings import Settings

LIFETIME = timedelta(minutes=10)
START = "/v1/customer-portal/oauth-accounts/start"
CALLBACK = "/v1/customer-portal/oauth-accounts/callback"
"""One address for both, so that GitHub and Discord have to know only one."""
_PURPOSE = "benefits: verifiers of logins"


@dataclass(frozen=True)
class Started:
    """What the other system's page is asked with."""

    platform: str
    is_sellers: bool
    account: str | None
    state: str
    challenge: str


@dataclass(frozen=True)
class Claimed:
    """A login whose browser came back."""

    organization_id: UUID
    customer_id: UUID | None
    platform: str
    account: str | None
    return_to: str
    verifier: str
    checkout_id: UUID | None

    def back(self, **query: str) -> str:
        """Where the browser goes, with what came of it."""
        parts = urlsplit(self.return_to)
        merged = [*parse_qsl(parts.query, keep_blank_values=True), *query.items()]
        return urlunsplit(parts._replace(query=urlencode(merged)))


async def begin(
    session: AsyncSession,
    settings: Settings,
    organization_id: UUID,
    platform: str,
    return_to: str,
    *,
    customer_id: UUID | None = None,
    checkout_id: UUID | None = None,
    account: str | None = None,
) -> str:
    """Begins a login. Returns the suite's address to which the browser is sent.

    Raises `InvalidInput` for a platform that is not set up, or a page that is not the suite's.
    """
    if platform not in settings.platforms:
        raise InvalidInput(("body", "platform"), f"{platform} is not set up")
    if not _is_ours(return_to, settings):
        raise InvalidInput(("body", "return_to"), "should be a path, or a page of this suite or an allowed origin")
    now = clock.wall()  # of browsers and other systems, which know no test clock
    await delete_page(session, "logins", "expires_at < :now order by expires_at", now=now)
    ticket = secrets.token_urlsafe(32)
    session.add(
        Login(
            ticket_hash=_hash(ticket),
            organization_id=organization_id,
            customer_id=customer_id,
            checkout_id=checkout_id,
            platform=platform,
            account=account,
            return_to=return_to,
            expires_at=now + LIFETIME,
        )
    )
    return f"{settings.public_url}{START}?{urlencode({'ticket': ticket})}"


async def present(session: AsyncSession, ticket: str) -> tuple[Login, str]:
    """The login of a ticket, and the value of the cookie that binds it to this browser from now on.

    Raises `NotPermitted` for a ticket that is not known, was used, or is too old.
    """
    login = await _found(session, Login.ticket_hash == _hash(ticket))
    browser = secrets.token_urlsafe(32)
    login.browser_hash, login.state_hash, login.encrypted_verifier = _hash(browser), None, None
    return login, browser


async def start(session: AsyncSession, ticket: str, cookies: dict[str, str], settings: Settings) -> Started:
    """The person confirmed the page: makes `state` and PKCE's verifier.

    Raises `NotPermitted` in another browser than the page's, and for a ticket as `present` does.
    """
    login = await _found(session, Login.ticket_hash == _hash(ticket))
    _check_browser(login, cookies, settings)
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    login.state_hash = _hash(state)
    login.encrypted_verifier = cipher(settings.secret, _PURPOSE).encrypt(verifier.encode())
    challenge = base64.urlsafe_b64encode(_hash(verifier)).decode().rstrip("=")
    return Started(login.platform, login.customer_id is None, login.account, state, challenge)


async def claim(session: AsyncSession, state: str, cookies: dict[str, str], settings: Settings) -> tuple[Claimed, str]:
    """Ends a login, and returns it with its cookie's name. It is gone afterwards, whatever comes of its code.

    Raises `NotPermitted` for a `state` that is not known, was used, or is too old. In another browser too, and then the
    login stays good for its own.
    """
    login = await _found(session, Login.state_hash == _hash(state))
    _check_browser(login, cookies, settings)
    await session.delete(login)
    assert login.encrypted_verifier is not None
    verifier = cipher(settings.secret, _PURPOSE).decrypt(login.encrypted_verifier).decode()
    claimed = Claimed(
        login.organization_id, login.customer_id, login.platform, login.account, login.return_to, verifier,
        login.checkout_id,
    )  # fmt: skip
    return claimed, cookie_name(login, settings)


def cookie_name(login: Login, settings: Settings) -> str:
    """One cookie for each login, so that two tabs do not end each other's. A subdomain cannot set `__Host-` cookies."""
    prefix = "__Host-" if settings.public_url.startswith("https://") else ""
    return f"{prefix}polar_login_{login.ticket_hash.hex()[:16]}"


async def _found(session: AsyncSession, condition: object) -> Login:
    statement = select(Login).where(condition).with_for_update()  # type: ignore[arg-type]
    login: Login | None = (await session.execute(statement)).scalar_one_or_none()
    if login is None or login.expires_at <= clock.wall():
        raise NotPermitted("This login is not known, was finished already, or took too long; begin again")
    return login


def _check_browser(login: Login, cookies: dict[str, str], settings: Settings) -> None:
    given = cookies.get(cookie_name(login, settings), "")
    if login.browser_hash is None or not hmac.compare_digest(_hash(given), login.browser_hash):
        raise NotPermitted("This login was begun in another browser, or cookies are off; begin again in this one")


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _is_ours(page: str, settings: Settings) -> bool:
    """Whether a browser may be sent there: never to a stranger's page."""
    if any(character in page for character in "\\\r\n\t\x00"):
        return False
    try:
        parts = urlsplit(page)
    except ValueError:
        return False
    if not parts.scheme and not parts.netloc:
        return page.startswith("/") and not page.startswith("//")
    allowed = {
        settings.public_url.rstrip("/"),
        *(origin.rstrip("/") for origin in settings.cors_origins if origin != "*"),
    }
    return f"{parts.scheme}://{parts.netloc}" in allowed
