"""Writes `github.openapi.json`: of GitHub's published OpenAPI description, the operations that benefits use.

Source: the npm package `@octokit/openapi` (MIT, Copyright (c) 2020 Octokit contributors), made from
github.com/github/rest-api-description (MIT). To renew the file:

    npm pack @octokit/openapi
    tar xzf octokit-openapi-*.tgz package/generated/api.github.com.json package/package.json
    python services/benefits/tests/providers/extract.py package
"""

import json
import sys
from pathlib import Path

OPERATIONS = {
    "/repos/{owner}/{repo}/installation": ["get"],
    "/app/installations/{installation_id}/access_tokens": ["post"],
    "/repos/{owner}/{repo}/collaborators/{username}": ["put", "delete"],
    "/repos/{owner}/{repo}/invitations": ["get"],
    "/repos/{owner}/{repo}/invitations/{invitation_id}": ["delete"],
    "/user/{account_id}": ["get"],
    "/user": ["get"],
    "/user/installations": ["get"],
    "/user/memberships/orgs/{org}": ["get"],
}
DROPPED = {"description", "example", "examples", "externalDocs", "x-github", "summary", "tags", "headers"}


def bare(node):
    """Without what only readers need. Under `properties` a key is a name, not a keyword."""
    if isinstance(node, list):
        return [bare(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        name: {key: bare(one) for key, one in value.items()} if name == "properties" else bare(value)
        for name, value in node.items()
        if name not in DROPPED
    }


def references(node):
    """Every `$ref` below a node."""
    if isinstance(node, list):
        for one in node:
            yield from references(one)
    elif isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for one in node.values():
            yield from references(one)


def resolved(document, reference):
    """What a `$ref` points to."""
    for part in reference.removeprefix("#/").split("/"):
        document = document[part]
    return document


def main(package):
    """Reads the unpacked package, writes the file beside this one."""
    document = json.loads((package / "generated/api.github.com.json").read_text())
    version = json.loads((package / "package.json").read_text())["version"]
    paths = {path: {name: document["paths"][path][name] for name in names} for path, names in OPERATIONS.items()}
    kept = {"paths": bare(paths), "components": {}}
    waiting = list(references(kept["paths"]))
    while waiting:
        _, _, kind, name = waiting.pop().split("/")
        if name in kept["components"].setdefault(kind, {}):
            continue
        kept["components"][kind][name] = bare(resolved(document, f"#/components/{kind}/{name}"))
        waiting += references(kept["components"][kind][name])
    kept["info"] = {
        "title": "GitHub's REST API, an extract",
        "source": f"npm @octokit/openapi {version}, generated/api.github.com.json, by extract.py",
        "license": "MIT License, Copyright (c) 2020 Octokit contributors; Copyright (c) 2020 GitHub",
    }
    Path(__file__).with_name("github.openapi.json").write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
