"""The meaningful part of a settings document, in a unique order."""

import hashlib
import json
from typing import Any

LEFT_OUT = {"sdkKey", "sdkMetaInfo"}
"""Top-level keys that do not affect the flags."""

UNORDERED = {"features", "campaigns", "metrics", "variables"}
"""Lists whose order has no meaning. The order of rules and variations decides who gets what."""

LISTS = UNORDERED | {"rules", "variations", "holdouts"}
"""Keys under which VWO may send ``{}`` for an empty list."""

OPAQUE = {"value", "segments"}
"""Keys whose values the customer defines: a key inside, such as ``features``, is not VWO's."""

MAX_DEPTH = 100
"""Deeper values are left as they are, since the site's own code needs room on Python's stack."""


def normal_form(document: dict[str, Any]) -> dict[str, Any]:
    """Return what is meaningful in a settings document; lists without an order are sorted."""
    meaningful = {key: document[key] for key in sorted(document) if key not in LEFT_OUT}
    return _members(meaningful, 0)


def digest(document: dict[str, Any]) -> str:
    """Return 64 hex digits, which are equal for documents that have the same meaning."""
    return hashlib.sha256(canonical(normal_form(document)).encode()).hexdigest()


def canonical(value: Any) -> str:
    """Return the JSON text of a value; texts are equal if the values are equal in JSON."""
    # most values are ids, and calling the encoder takes longer than formatting a number
    return str(value) if type(value) is int else _CANONICAL.encode(value)


NESTED = (dict, list)

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def _normal(value: Any, key: str, depth: int) -> Any:
    if not value and key in LISTS:
        return []
    if key in OPAQUE or depth > MAX_DEPTH:
        return value
    if isinstance(value, dict):
        return _members(value, depth)
    items = [_normal(item, "", depth + 1) if isinstance(item, NESTED) else item for item in value]
    return _sorted(items) if key in UNORDERED else items


def _members(value: dict[str, Any], depth: int) -> dict[str, Any]:
    return {
        name: _normal(item, name, depth + 1) if isinstance(item, NESTED) else item
        for name, item in value.items()
    }


def _sorted(items: list[Any]) -> list[Any]:
    """Sort by id, and by the whole text where ids are missing or not unique."""
    ids = [canonical(item.get("id") if isinstance(item, dict) else None) for item in items]
    unique = len(set(ids)) == len(ids)
    keys: list[Any] = ids if unique else list(zip(ids, map(canonical, items), strict=True))
    return [items[place] for place in sorted(range(len(items)), key=keys.__getitem__)]
