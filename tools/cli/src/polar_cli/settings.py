"""The settings that an operator gives in the environment: which part takes which, and how a stack remembers them.

`./polar up` writes what is set into `<stack>/settings.env`, and every later command reads it back; what the environment
says wins, and an empty value forgets a setting.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from polar_cli.console import Failure
from polar_cli.state import State

_COMMON = (
    "CORS_ORIGINS", "DATABASE_POOL_SIZE", "ENVIRONMENT", "LOG_LEVEL", "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OUTBOX_RETENTION_DAYS", "PUBLIC_URL", "QUOTAS", "TRACE_SAMPLE_RATIO",
)  # fmt: skip
_MAIL = ("MAIL_FROM", "MAIL_URL")
_FILES = (
    "AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_S3_BUCKET", "AWS_SECRET_ACCESS_KEY", "FILES_URL",
)  # fmt: skip
_STRIPE = ("STRIPE_API_BASE", "STRIPE_SECRET_KEY", "STRIPE_TAX")
OF_SERVICE: Mapping[str, frozenset[str]] = {
    "identity": frozenset((*_COMMON, *_MAIL, "PAGES_URL")),
    "catalog": frozenset((*_COMMON, *_FILES)),
    "checkout": frozenset(
        (*_COMMON, *_STRIPE, "STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRET", "CHECKOUT_TTL_SECONDS", "PAGES_URL")
    ),
    "billing": frozenset(
        (*_COMMON, *_STRIPE, *_MAIL, *_FILES, "PAGES_URL", "PLATFORM_FEE_BASIS_POINTS", "PLATFORM_FEE_FIXED")
    ),
    "benefits": frozenset(
        (
            *_COMMON, "GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY", "GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET",
            "GITHUB_API_URL", "GITHUB_MAX_PERMISSION", "DISCORD_BOT_TOKEN", "DISCORD_CLIENT_ID",
            "DISCORD_CLIENT_SECRET", "DISCORD_API_URL",
        )
    ),
    "webhooks": frozenset(
        (
            *_COMMON, *_MAIL, "WEBHOOK_TIMEOUT_SECONDS", "WEBHOOK_RETRY_DELAYS_SECONDS", "WEBHOOK_CONCURRENCY",
            "WEBHOOK_DISABLE_AFTER", "WEBHOOK_PORTS", "WEBHOOK_ALLOW_INTERNAL_ADDRESSES",
        )
    ),
    "metering": frozenset(_COMMON),
}  # fmt: skip
"""What each service takes. No other service is given it: a secret reaches who needs it."""
OF_GATEWAY = frozenset(
    (
        "GATEWAY_BURST", "GATEWAY_LOGINS_BURST", "GATEWAY_LOGINS_PER_MINUTE", "GATEWAY_RATE_CUSTOMER",
        "GATEWAY_RATE_ORGANIZATION", "GATEWAY_RATE_PAGES", "GATEWAY_RATE_PERSONAL", "GATEWAY_RATE_PROCESSOR",
        "GATEWAY_RATE_PUBLIC", "GATEWAY_TRUSTED_PROXIES", "PUBLIC_URL", "SECURITY_CONTACT", "STRIPE_JS_URL",
        "STRIPE_PUBLISHABLE_KEY",
    )
)  # fmt: skip
_OF_LAUNCHER = frozenset(("POLAR_PORT", "POLAR_POSTGRES_URL", "POLAR_RABBITMQ_MANAGEMENT_URL", "POLAR_RABBITMQ_URL"))
MADE = {"SECRET": "secret:suite", "PRINCIPAL_PRIVATE_KEY": "signing-seed"}
"""Secrets that a stack makes for itself where none are given before its first start, by their names in its state."""
KNOWN = frozenset().union(*OF_SERVICE.values(), OF_GATEWAY, _OF_LAUNCHER)
"""What is remembered."""


def given() -> dict[str, str]:
    """What the environment sets of all that, with one line for each value: a PEM's line ends become `\\n`."""
    names = sorted(KNOWN | MADE.keys())
    return {name: value.replace("\n", "\\n") for name in names if (value := os.environ.get(name, ""))}


def recall(folder: Path) -> None:
    """Puts what a stack remembers into the environment, where that does not say otherwise."""
    path = folder / "settings.env"
    for line in path.read_text().split("\n") if path.exists() else ():
        name, separator, value = line.partition("=")
        if separator and name in KNOWN:
            os.environ.setdefault(name, value.removeprefix("'").removesuffix("'"))


def remember(folder: Path) -> list[str]:
    """Writes what is set, for its owner alone. Returns the names. Raises `Failure` for a value that cannot be kept."""
    kept = {name: value for name, value in given().items() if name in KNOWN}
    for name, value in kept.items():
        if "'" in value or "\r" in value:
            raise Failure(f"{name} has a quotation mark or a carriage return", hint="in an address write %27 or %0D")
        if value.endswith("\\"):
            raise Failure(f"{name} ends with a backslash", hint="Compose would read the end of the line into it")
    text = "".join(f"{name}='{value}'\n" for name, value in kept.items())
    with os.fdopen(os.open(folder / "settings.env", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    return list(kept)


def adopt(given: Mapping[str, str], state: State) -> None:
    """Takes secrets that are given before the first start. Raises `Failure` for others than those in use."""
    for name, key in MADE.items():
        wanted, known = given.get(name), state.get(key)
        if wanted and known and wanted != known:
            raise Failure(
                f"{name} is not the one that this stack was first started with: every token would end",
                hint=f"unset {name}; docs/guides/rotating-secrets.md says how it is changed",
            )
        if wanted and not known:
            state.set(key, wanted)
