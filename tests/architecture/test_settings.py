"""Every setting of a README can be set natively, in compose and in Kubernetes, and reaches its service alone."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from polar_cli import compose, kubernetes, settings, stack
from polar_cli.compose import ComposedStack
from polar_cli.stack import Stack
from pydantic import ValidationError
from support import ROOT, SERVICES

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
MADE = {"SECRET", "PRINCIPAL_PRIVATE_KEY"}
"""Secrets that an installation makes once; what is given before its first start is taken."""


def documented(service: str) -> set[str]:
    """The settings of the service's README."""
    text = (ROOT / "services" / service / "README.md").read_text()
    return set(re.findall(r"`([A-Z][A-Z0-9_]+)`", text.partition("## Settings")[2].partition("\n## ")[0]))


def common() -> set[str]:
    """The settings that all services take: those of docs/guides/deploying.md."""
    text = (ROOT / "docs" / "guides" / "deploying.md").read_text()
    table = text.partition("| setting | meaning |")[2].partition("\n\n")[0]
    return set(re.findall(r"^\| `([A-Z_]+)`", table, re.MULTILINE)) - MADE


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A value for every setting, in the environment, and a repository of its own for the stack's state."""
    values = {name: f"given for {name}" for name in settings.KNOWN} | {"POLAR_PORT": "8010"}
    for name in ("POLAR_POSTGRES_URL", "POLAR_RABBITMQ_URL", "POLAR_RABBITMQ_MANAGEMENT_URL"):
        del values[name]
        monkeypatch.delenv(name, raising=False)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    for name in settings.MADE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(stack, "ROOT", tmp_path)
    return values


def test_what_is_documented_is_what_is_handed_on() -> None:
    assert common() == frozenset.intersection(*settings.OF_SERVICE.values())
    for service, names in settings.OF_SERVICE.items():
        assert documented(service) - MADE == names - common(), service
    readme = (ROOT / "README.md").read_text()
    for name in settings.OF_GATEWAY - {"GATEWAY_LOGINS_BURST"}:
        short = name.removeprefix("GATEWAY_RATE")
        assert f"`{name}`" in readme or f"`{short}`" in readme, name


@pytest.mark.parametrize("service", SERVICES)
def test_natively(service: str, given: dict[str, str]) -> None:
    started = Stack().environment(service)
    for name in settings.OF_SERVICE[service]:
        assert started[name] == given[name]
    foreign = {given[name] for name in given.keys() - settings.OF_SERVICE[service]}
    assert not foreign & set(started.values())
    assert not set(started) & (set(given) - settings.OF_SERVICE[service])


@pytest.mark.parametrize("service", [*SERVICES, "gateway"])
def test_in_compose(service: str, given: dict[str, str]) -> None:
    names = settings.OF_GATEWAY if service == "gateway" else settings.OF_SERVICE[service]
    parts = ["gateway"] if service == "gateway" else [f"{service}-{kind}" for kind in ("api", "worker", "migrate")]
    started = ComposedStack()
    handed = started._environment()
    generated = compose.environment(started)
    for part in parts:
        environment = COMPOSE[part]["environment"]
        assert set(environment) & settings.KNOWN == names, part
        for name in names:
            assert environment[name] is None or environment[name].startswith(f"${{{name}"), name
            assert handed[name] == given[name]
            assert name not in generated


@pytest.mark.parametrize("service", SERVICES)
def test_in_kubernetes(service: str) -> None:
    rendered = kubernetes.render(kubernetes.FOLDER / "overlays" / "example")
    named = {
        re.sub(r"-[a-z0-9]{10}$", "", item["metadata"]["name"]): set(item["data"])
        for item in rendered
        if item["kind"] == "ConfigMap"
    }
    assert named["suite"] <= settings.OF_SERVICE[service], "the map of all has what all take"
    for item in rendered:
        labels = item.get("spec", {}).get("template", {}).get("metadata", {}).get("labels", {})
        if labels.get("app.kubernetes.io/name") != service:
            continue
        (container,) = item["spec"]["template"]["spec"]["containers"]
        suite, public, secret = container["envFrom"]
        assert suite["configMapRef"]["name"].startswith("suite-")
        assert re.sub(r"-[a-z0-9]{10}$", "", public["configMapRef"]["name"]) == f"{service}-settings"
        assert secret["secretRef"] == {"name": f"{service}-settings", "optional": True}
        assert public["configMapRef"]["optional"] is True
    assert named.get(f"{service}-settings", set()) <= settings.OF_SERVICE[service]
    assert named["gateway-settings"] <= settings.OF_GATEWAY


GUIDES = ("alerts.md", "connecting-github-and-discord.md", "deploying.md", "scaling.md", "security.md", "upgrading.md")


@pytest.mark.parametrize("guide", GUIDES)
def test_settings_that_guides_name_can_be_set(guide: str) -> None:
    path = ROOT / "docs" / "guides" / guide
    for name in re.findall(r"`([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)`", path.read_text() if path.exists() else ""):
        assert name in settings.KNOWN | MADE | {"POLAR_NATIVE"}, name


@pytest.mark.parametrize("service", ["identity", "billing", "webhooks"])
@pytest.mark.parametrize("sender", ["", "shop@localhost", "shop"])
def test_production_refuses_a_sender_that_nobody_can_answer(
    service: str, sender: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    values = {
        "ENVIRONMENT": "production", "DATABASE_URL": "postgresql://u:p@h/d", "RABBITMQ_URL": "amqp://u:p@h/",
        "SECRET": "x" * 40, "PRINCIPAL_PRIVATE_KEY": "c2VlZA==", "MAIL_URL": "smtp://u:p@h:587",
        "FILES_URL": "s3://bucket", "STRIPE_SECRET_KEY": "sk_live_x", "MAIL_FROM": sender,
    }  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    own = importlib.import_module(f"{service}.settings").Settings
    with pytest.raises(ValidationError):
        own()
    with pytest.raises(SystemExit):
        own.load()
    assert f"{service} cannot start: MAIL_FROM is " in capsys.readouterr().err
    monkeypatch.setenv("MAIL_FROM", "shop@shop.example")
    own()


def test_production_on_one_machine_calls_no_internal_addresses(given: dict[str, str]) -> None:
    one = Stack()
    one.given = {"ENVIRONMENT": "production"}
    assert one.environment("webhooks")["WEBHOOK_ALLOW_INTERNAL_ADDRESSES"] == "false"
    assert compose.environment(one)["WEBHOOK_ALLOW_INTERNAL_ADDRESSES"] == "false"
    one.given = {}
    assert one.environment("webhooks")["WEBHOOK_ALLOW_INTERNAL_ADDRESSES"] == "true"
