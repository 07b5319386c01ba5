"""The settings that every service has; a service's own class adds the few that only it needs."""

import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_WEAK = {"your-secret-key-here", "secret", "changeme", "super secret jwt secret"}
QUOTAS: Mapping[str, int] = MappingProxyType({
    "benefits": 10_000,
    "checkout_links": 10_000,
    "custom_fields": 1_000,
    "discounts": 10_000,
    "file_bytes": 1_000_000_000_000,
    "files": 10_000,
    "meters": 1_000,
    "organization_access_tokens": 500,
    "prices": 1_000,
    "products": 10_000,
    "webhook_endpoints": 100,
})  # fmt: skip
"""How many of each an organization may have, by the name of the table.

`prices` are those of one product, archived ones among them; `file_bytes` those of all files.
"""
DEVELOPMENT_SECRET = "development-only-secret-not-for-production"


class Settings(BaseSettings):
    """Read from the environment. No secret has a default outside `ENVIRONMENT=development`."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    environment: Literal["development", "test", "production"] = "production"
    database_url: str = Field(repr=False)
    database_pool_size: int = 20
    rabbitmq_url: str = Field(repr=False)
    secret: str = Field(default="", repr=False, validate_default=True)
    principal_public_key: str = ""
    host: str = "127.0.0.1"
    port: int = 8000
    worker_port: int = 8001
    public_url: str = "http://127.0.0.1:8000"
    cors_origins: list[str] = []
    body_limit_bytes: int = 1024 * 1024
    large_json_paths: ClassVar[frozenset[str]] = frozenset()
    """Where JSON may be as large as `body_limit_bytes`; elsewhere it holds no more than 1 MiB (`servicekit.bodies`)."""
    outbox_retention_days: int = 365
    projection_check_seconds: float = 120.0
    log_level: str = "INFO"
    otel_exporter_otlp_endpoint: str = ""
    trace_sample_ratio: float = 0.05
    quotas: dict[str, Annotated[int, Field(ge=1)]] = {}
    """Changes of `QUOTAS`."""

    @field_validator("secret")
    @classmethod
    def _strong(cls, value: str, info: object) -> str:
        data = getattr(info, "data", {})
        if not value and data.get("environment") == "development":
            return DEVELOPMENT_SECRET
        if len(value) < 32 or value in _WEAK:
            raise ValueError("is missing or weak: set 32 or more random characters, e.g. `openssl rand -hex 32`")
        return value

    @field_validator("quotas")
    @classmethod
    def _known(cls, value: dict[str, int]) -> dict[str, int]:
        unknown = sorted(value.keys() - QUOTAS.keys())
        if unknown:
            raise ValueError(f"names {', '.join(unknown)}: known are {', '.join(sorted(QUOTAS))}")
        return value

    @field_validator("database_url")
    @classmethod
    def _asyncpg(cls, value: str) -> str:
        scheme, separator, rest = value.partition("://")
        if not separator or not scheme.startswith("postgres"):
            raise ValueError("is not a PostgreSQL address (postgresql://user:password@host/database)")
        return f"postgresql+asyncpg://{rest}"

    @classmethod
    def load(cls) -> Self:
        """Reads the environment; a missing or unusable setting stops the process with one line for each."""
        try:
            return cls()
        except ValidationError as error:
            service = cls.__module__.partition(".")[0]
            for problem in error.errors():
                name = "_".join(str(part) for part in problem["loc"]).upper()
                sys.stderr.write(f"{service} cannot start: {name} {problem['msg'].removeprefix('Value error, ')}\n")
            raise SystemExit(78) from None


class MailSettings(Settings):
    """For a service that sends mail. Its own default of `mail_from` is for development alone."""

    mail_url: str = Field(default="", repr=False)
    """`file:///folder` for `.eml` files, or `smtp://user:password@host:port` (`smtps` for TLS)."""
    mail_from: str

    @field_validator("mail_from")
    @classmethod
    def _reaches_somebody(cls, value: str, info: ValidationInfo) -> str:
        domain = value.partition("@")[2].rstrip("> ").lower()
        if info.data.get("environment") == "production" and domain in {"", "localhost"}:
            raise ValueError(f"is {value}: set the address that production sends mail from")
        return value


class PagesSettings(Settings):
    """Of a service that sends people to pages."""

    pages_url: str = ""
    """Where the pages are: `PUBLIC_URL` unless they have an address of their own."""

    @property
    def pages_base(self) -> str:
        """The address below which the pages are, without a slash at its end."""
        return (self.pages_url or self.public_url).rstrip("/")
