"""What every service's documents and migrations promise."""

import ast
import importlib
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from contracts.registry import EVENTS
from servicekit.consumers import Consumers
from servicekit.settings import Settings
from support import ROOT, SERVICES, package, parsed, sources

OF_THE_STORE = {"AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_SECRET_ACCESS_KEY"}
"""What obstore itself reads from the environment, where a service keeps files in a bucket."""


def flows(service: str) -> list[Consumers]:
    return list(importlib.import_module(f"{service}.worker").FLOWS)


def readme(service: str) -> str:
    return (ROOT / "services" / service / "README.md").read_text()


def section(service: str, heading: str) -> str:
    match = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", readme(service), re.MULTILINE | re.DOTALL)
    assert match, f"services/{service}/README.md has no section {heading}"
    return match[1]


def recorded_keys(service: str) -> set[str]:
    """The events that a service's code names outside of its consumers: those that it says."""
    by_class = {event.__name__: event.routing_key() for event in EVENTS}
    return {
        by_class[name]
        for path in package(service).rglob("*.py")
        if path.name != "consumers.py"
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute | ast.Name)
        and (name := node.attr if isinstance(node, ast.Attribute) else node.id) in by_class
    }


@pytest.mark.parametrize("service", SERVICES)
def test_the_readme_says_what_the_code_does(service: str) -> None:
    assert readme(service).count("\n") <= 40
    for heading in ("Owns", "Does not own"):
        assert section(service, heading).strip()
    published = set(re.findall(r"`([a-z_]+\.[a-z_]+\.v\d+)`", section(service, "Publishes")))
    assert published == recorded_keys(service)
    consumed = section(service, "Consumes")
    for flow in flows(service):
        assert f"`{flow.queue}`" in consumed, flow.queue
    named = set(re.findall(r"`([a-z_]+\.[a-z_]+\.v\d+)`", consumed))
    handled = {key for flow in flows(service) for key in flow.handlers}
    if "every public event" not in consumed:
        assert named == handled
    own: type[Settings] = importlib.import_module(f"{service}.settings").Settings
    fields = set(own.model_fields) - set(Settings.model_fields)
    listed = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", section(service, "Settings")))
    assert {field.upper() for field in fields} <= listed
    of_the_store = OF_THE_STORE if "aws_s3_bucket" in own.model_fields else set()
    assert listed - of_the_store <= {field.upper() for field in own.model_fields}


@pytest.mark.parametrize("service", SERVICES)
def test_settings_are_few_and_no_secret_has_a_default(service: str) -> None:
    own: type[Settings] = importlib.import_module(f"{service}.settings").Settings
    assert len(own.model_fields) <= 28
    for name, field in own.model_fields.items():
        if re.search(r"secret|private|password", name):
            assert field.is_required() or not field.default, name
            assert field.repr is False, f"{name} would be printed"


@pytest.mark.parametrize("service", SERVICES)
def test_every_event_is_handled_once_in_a_service(service: str) -> None:
    handled = [key for flow in flows(service) for key in flow.handlers]
    assert len(handled) == len(set(handled))
    for flow in flows(service):
        assert flow.queue.startswith(f"{service}.")


def test_every_consumed_event_is_published_and_every_published_one_consumed() -> None:
    published = {key: service for service in SERVICES for key in recorded_keys(service)}
    consumed = {key for service in SERVICES for flow in flows(service) for key in flow.handlers}
    assert consumed <= set(published)
    assert set(published) <= consumed, "an event without a consumer would never leave its outbox"
    for event in EVENTS:
        if event.routing_key() in published:
            assert event.source == f"/{published[event.routing_key()]}"


def revisions(service: str) -> list[Path]:
    return sorted((ROOT / "services" / service / "migrations" / "versions").glob("*.py"))


@pytest.mark.parametrize("service", SERVICES)
def test_migrations_form_one_line_and_only_expand(service: str) -> None:
    downs: dict[str, str | None] = {}
    for path in revisions(service):
        values: dict[str, Any] = {}
        for node in parsed(path).body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                values[node.targets[0].id] = ast.literal_eval(node.value)
        downs[values["revision"]] = values["down_revision"]
        text = path.read_text()
        for forbidden in ("op.drop_column", "op.drop_table", "op.rename_table", "alter_column"):
            assert forbidden not in text, f"{path.name} has {forbidden}: expand now, contract in a later release"
        if values["down_revision"] is not None and "create_index" in text:
            assert "postgresql_concurrently" in text or "create_table" in text
    heads = set(downs) - set(downs.values())
    assert len(heads) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_depends_on_no_other(service: str) -> None:
    project = tomllib.loads((ROOT / "services" / service / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[<>=\[ ]", dependency)[0] for dependency in project["dependencies"]}
    assert not names & (set(SERVICES) - {service})
    assert {"contracts", "servicekit"} <= names


def declared(folder: Path, *extras: str) -> set[str]:
    """The distributions that are installed for a package: its own dependencies, and all of its libraries'."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    optional = project.get("optional-dependencies", {})
    found: set[str] = set()
    for dependency in [*project["dependencies"], *(name for extra in extras for name in optional.get(extra, ()))]:
        name = re.split(r"[<>=\[ ]", dependency)[0]
        found.add(canonical(name))
        if (ROOT / "libs" / name).exists():
            found |= declared(ROOT / "libs" / name)
    return found


PACKAGES = [f"libs/{path.parent.name}" for path in sorted((ROOT / "libs").glob("*/pyproject.toml"))]
PACKAGES += [f"services/{service}" for service in SERVICES]


@pytest.mark.parametrize("folder", PACKAGES)
def test_a_package_declares_what_it_imports(folder: str) -> None:
    """An image has nothing but what is declared, where this machine's environment has everything."""
    of_module = packages_distributions()
    missing = {
        f"{path.relative_to(ROOT)}: {module}"
        for path in sources(f"{folder}/src")
        for node in ast.walk(parsed(path))
        for module in imported(node)
        if module not in {*sys.stdlib_module_names, Path(folder).name}
        and not {canonical(name) for name in of_module.get(module, [module])}
        & declared(ROOT / folder, *({"testing"} & {*path.parts}))
    }
    assert not missing


def canonical(name: str) -> str:
    """A distribution's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(node: ast.AST) -> list[str]:
    """The topmost modules that a statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module.split(".")[0]]
    return []
