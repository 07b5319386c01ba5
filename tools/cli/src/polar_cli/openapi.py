"""The merged API: each service's committed `openapi.json`, and the gateway's, which is all of them together."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from pricing import currencies
from servicekit import fields

from polar_cli.console import Failure, say
from polar_cli.state import ROOT, SERVICES

MERGED = ROOT / "deploy" / "gateway" / "openapi.json"
TABLES = ROOT / "clients" / "packages" / "i18n" / "src" / "tables.json"
_PROGRAM = """
import importlib, json, sys
documents = {}
for service in sys.argv[1:]:
    settings = importlib.import_module(f"{service}.settings").Settings
    documents[service] = importlib.import_module(f"{service}.app").create_app(settings()).openapi()
sys.stdout.write(json.dumps(documents))
"""


def of_services() -> dict[str, dict[str, Any]]:
    """Every service's document, from its code; nothing is connected to.

    One process makes them all, since importing the libraries takes most of the time. Raises `Failure` when one cannot.
    """
    key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "ENVIRONMENT": "development",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1/none",
        "RABBITMQ_URL": "amqp://127.0.0.1/",
        "PRINCIPAL_PRIVATE_KEY": key,
        "FILES_URL": "file:///tmp",
        "STRIPE_SECRET_KEY": "sk_test_none",
        "STRIPE_WEBHOOK_SECRET": "whsec_none",
        "LOG_LEVEL": "WARNING",
    }
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *SERVICES], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Failure(f"a service could not write its OpenAPI document:\n{done.stderr[-2000:]}")
    documents: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return documents


def merge(documents: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """One document out of all services'. What has one name and differs between services is kept under both."""
    merged: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Polar suite",
            "version": "1.0",
            "description": "Products, checkouts, orders, subscriptions, customers, discounts, benefits and webhooks.",
        },
        "servers": [{"url": "/"}],
        "tags": [],
        "paths": {},
        "components": {"schemas": {}, "responses": {}, "securitySchemes": {}},
    }
    for service, document in documents.items():
        for kind in ("schemas", "responses"):
            document = _renamed(service, document, kind, merged["components"][kind])
        for path, item in document["paths"].items():
            if path in merged["paths"]:
                raise Failure(f"{path} is served by two services")
            merged["paths"][path] = item
        for kind in ("schemas", "responses"):
            merged["components"][kind] |= document["components"][kind]
        merged["components"]["securitySchemes"] |= document.get("components", {}).get("securitySchemes", {})
    merged["paths"] = dict(sorted(merged["paths"].items()))
    merged["components"]["responses"] = dict(sorted(merged["components"]["responses"].items()))
    operations = [operation for item in merged["paths"].values() for operation in item.values()]
    merged["tags"] = [{"name": name} for name in sorted({tag for one in operations for tag in one["tags"]})]
    return merged


def _renamed(service: str, document: dict[str, Any], kind: str, present: dict[str, Any]) -> dict[str, Any]:
    """The document with other names for what is present under its name with another content."""
    own = document["components"][kind]
    text = json.dumps(document)
    new = {name: f"{service}_{name}" if present.get(name, part) != part else name for name, part in own.items()}
    for old, name in new.items():
        text = text.replace(f'"#/components/{kind}/{old}"', f'"#/components/{kind}/{name}"')
    document = json.loads(text)
    document["components"][kind] = {new[name]: part for name, part in document["components"][kind].items()}
    return document


def tables() -> dict[str, Any]:
    """What the pages take from the services' tables: minor units that have not two decimals, countries and states."""
    known = ["bhd", "jod", "kwd", "omr", "tnd", *currencies.OFFERED]
    return {
        "decimals": {code: currencies.decimals(code) for code in sorted(known) if currencies.decimals(code) != 2},
        "countries": sorted(fields.COUNTRIES),
        "states": {country: sorted(states) for country, states in fields.STATES.items()},
    }


def write(*, check: bool) -> int:
    """Writes every document, or with `check` only compares. Returns the exit status."""
    documents = of_services()
    files: dict[Path, dict[str, Any]] = {
        ROOT / "services" / service / "openapi.json": document for service, document in documents.items()
    }
    files[MERGED] = merge(documents)
    files[TABLES] = tables()
    stale = []
    for path, document in files.items():
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        if path.exists() and path.read_text() == text:
            continue
        stale.append(str(path.relative_to(ROOT)))
        if not check:
            path.write_text(text)
    if check and stale:
        say(
            f"the API differs from what is committed: {', '.join(stale)}\nrun ./polar openapi and review the difference"
        )
        return 1
    say("the OpenAPI documents are current" if not stale else f"wrote {', '.join(stale)}")
    return 0
