"""The part of a settings document that means something, in the one order that it can have."""

import hashlib
import json
from typing import Any

LEFT_OUT = {"sdkKey", "sdkMetaInfo"}
"""Top-level keys that say nothing about the flags."""

UNORDERED = {"features", "campaigns", "metrics", "variables"}
"""Lists whose order means nothing. That of rules and variations decides who gets what."""

LISTS = UNORDERED | {"rules", "variations", "holdouts"}
"""Keys where VWO may write ``{}`` for an empty list."""

OPAQUE = {"value", "segments"}
"""Keys whose values are the customer's: a name inside, such as ``features``, is none of VWO's."""

DEEPEST = 100
"""Below so many levels values are taken as they are, for Python's stack is shared with a site."""


def normal_form(document: dict[str, Any]) -> dict[str, Any]:
    """Return what means something in a settings document; lists without an order are sorted."""
    meaning = {key: document[key] for key in sorted(document) if key not in LEFT_OUT}
    return _members(meaning, 0)


def digest(document: dict[str, Any]) -> str:
    """Return 64 hex digits, equal for documents that mean the same."""
    return hashlib.sha256(canonical(normal_form(document)).encode()).hexdigest()


def canonical(value: Any) -> str:
    """Return the JSON text of a value: equal texts are equal values in JSON's eyes."""
    # most are ids, and setting up the encoder takes longer than writing a number
    return str(value) if type(value) is int else _CANONICAL.encode(value)


NESTED = (dict, list)

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def _normal(value: Any, key: str, depth: int) -> Any:
    if not value and key in LISTS:
        return []
    if key in OPAQUE or depth > DEEPEST:
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
