"""What each process of a stack is started with: what the launcher decides, and the settings that an operator gave."""

import base64
import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from polar_cli import settings

if TYPE_CHECKING:
    from polar_cli.stack import Stack

_KEPT = {"PATH", "HOME", "LANG", "TZ", "LOG_LEVEL"}
OF_THE_MACHINE = frozenset(_KEPT - {"LOG_LEVEL"})
"""What differs from shell to shell and changes nothing that a service does."""


def of(stack: "Stack", service: str, process: str = "") -> dict[str, str]:
    """The environment of one service's process, and nothing of ours beside it: no other service's settings."""
    server = urlsplit(stack.rabbitmq_url)
    port = stack.state.port("proxy:rabbitmq") if stack.through_proxies else server.port or 5672
    broker = f"{service}:{stack.state.secret(f'broker:{service}')}@{server.hostname}:{port}"
    seed = stack.state.signing_seed()
    public = Ed25519PrivateKey.from_private_bytes(base64.b64decode(seed)).public_key().public_bytes_raw()
    kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith(("OTEL_", "SSL_"))}
    made = {
        "DATABASE_URL": stack.database_url(service),
        "RABBITMQ_URL": f"amqp://{broker}/",
        "SECRET": stack.state.secret("suite", 32),
        "HOST": "127.0.0.1",
        "PORT": str(stack.state.port(f"{service}.api")),
        "WORKER_PORT": str(stack.state.port(process if "worker" in process else f"{service}.worker")),
        "PRINCIPAL_PUBLIC_KEY": base64.b64encode(public).decode(),
        "MALLOC_ARENA_MAX": "2",
    }
    if service == "identity":
        made["PRINCIPAL_PRIVATE_KEY"] = seed
    takes = settings.OF_SERVICE[service]
    chosen = {name: value for name, value in {**_defaults(stack), **stack.given}.items() if name in takes}
    return {**kept, **stack.extra_environment, **made, **chosen}


def _defaults(stack: "Stack") -> dict[str, str]:
    """What a stack on one machine runs with where nothing is set."""
    given = stack.given
    own = stack.state.secret("stripe-key")
    is_production = given.get("ENVIRONMENT") == "production"
    bucket = given.get("AWS_S3_BUCKET")
    return {
        "ENVIRONMENT": "development",
        "PUBLIC_URL": stack.url,
        "CORS_ORIGINS": '["http://localhost:3000"]',
        "MAIL_URL": f"file://{stack.state.folder / 'mails'}",
        "FILES_URL": f"s3://{bucket}" if bucket else f"file://{stack.state.folder / 'files'}",
        # Merchants' endpoints on this machine are called in development; production refuses to start with that.
        "WEBHOOK_ALLOW_INTERNAL_ADDRESSES": "false" if is_production else "true",
        "STRIPE_SECRET_KEY": f"sk_test_{own}",
        "STRIPE_PUBLISHABLE_KEY": f"pk_test_{own}",
        "STRIPE_WEBHOOK_SECRET": f"whsec_{stack.state.secret('stripe-webhook')}",
        "STRIPE_API_BASE": "" if stack.real_stripe else stack.stripe_url,
        "STRIPE_TAX": "false",
    }
