"""Whether two schemas of one event version can meet: readers and writers of either may be older or newer.

Within a version only optional fields may be added. A field may not go, change its type, or become required or optional
(full transitive compatibility; history is replayed, so every pair of releases must agree).
"""

import json
from pathlib import Path
from typing import Any

from contracts.event import EventClass

SCHEMAS = Path(__file__).parents[2] / "schemas"
"""One folder a minor release, one file a type and version."""


def schema_of(event: EventClass) -> dict[str, Any]:
    """The JSON Schema of an event as it is on the wire."""
    return event.model_json_schema(by_alias=True, mode="serialization")


def rendered(event: EventClass) -> str:
    """The schema as its snapshot holds it."""
    return json.dumps(schema_of(event), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def incompatibilities(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What keeps a reader of one from a writer of the other; empty when nothing does."""
    return _compare(old, new, old, new, "event")


def _resolved(node: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    reference = node.get("$ref")
    if reference is None:
        return node
    target: dict[str, Any] = root
    for part in reference.removeprefix("#/").split("/"):
        target = target[part]
    return target


def _compare(
    old: dict[str, Any], new: dict[str, Any], old_root: dict[str, Any], new_root: dict[str, Any], path: str
) -> list[str]:
    old, new = _resolved(old, old_root), _resolved(new, new_root)
    if "anyOf" in old or "anyOf" in new:
        return _compare_choices(old, new, old_root, new_root, path)
    if any(old.get(keyword) != new.get(keyword) for keyword in ("type", "format", "const")):
        return [f"{path} changed its type"]
    found: list[str] = []
    before, after = old.get("properties", {}), new.get("properties", {})
    required_before, required_after = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(before.keys() | after.keys()):
        inner = f"{path}.{name}"
        if name not in after:
            found.append(f"{inner} was removed")
        elif name not in before:
            # A writer always sends what its model has, so a new field is a required one only for those who demand it.
            if name in required_after and "default" not in after[name]:
                found.append(f"{inner} was added without a default: older events do not have it")
        else:
            if (name in required_before) != (name in required_after):
                found.append(f"{inner} became {'required' if name in required_after else 'optional'}")
            found += _compare(before[name], after[name], old_root, new_root, inner)
    for keyword in ("items", "additionalProperties"):
        if isinstance(old.get(keyword), dict) and isinstance(new.get(keyword), dict):
            found += _compare(old[keyword], new[keyword], old_root, new_root, f"{path}[]")
    return found


def _compare_choices(
    old: dict[str, Any], new: dict[str, Any], old_root: dict[str, Any], new_root: dict[str, Any], path: str
) -> list[str]:
    before, after = old.get("anyOf", [old]), new.get("anyOf", [new])
    if len(before) != len(after):
        return [f"{path} changed its type"]
    return [
        problem
        for one, other in zip(before, after, strict=True)
        for problem in _compare(one, other, old_root, new_root, path)
    ]
