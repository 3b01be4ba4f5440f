"""Two settings documents in, the list of what changed out. Pure: no database, no SDK.

One normal form decides what counts as a change, for the digest as for the list, so the digests of
two documents are equal if and only if the list is empty.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

LEFT_OUT = {"sdkKey", "sdkMetaInfo"}
"""Top-level keys that say nothing about the flags."""

UNORDERED = {"features", "campaigns", "metrics", "variables"}
"""Lists whose order means nothing. That of rules and variations decides who gets what."""

LISTS = UNORDERED | {"rules", "variations", "holdouts"}
"""Keys where VWO may write ``{}`` for an empty list."""

SCAFFOLDING = LISTS | {"value"}
"""Steps of a path that tell a reader nothing."""


def normal_form(document: dict[str, Any]) -> dict[str, Any]:
    """The part of a settings document that means something, in the one order that it can have."""
    return {
        key: _normal(value, key) for key, value in sorted(document.items()) if key not in LEFT_OUT
    }


def digest(document: dict[str, Any]) -> str:
    """64 hex digits, equal for documents that mean the same."""
    return hashlib.sha256(_text(normal_form(document)).encode()).hexdigest()


def compare(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """What changed, in the order of the document.

    Each change is a dict: ``kind`` (``added``, ``removed``, ``changed`` or ``reordered``),
    ``feature`` (the key of the flag that it belongs to, or ""), ``path`` (where in the document,
    with list items named by their key or id), ``before``, ``after`` and ``text``, a sentence.
    """
    return [
        {**change, "text": _sentence(change)}
        for change in _differences(normal_form(before), normal_form(after), (), "")
    ]


def _normal(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        if not value and key in LISTS:
            return []
        return {name: _normal(item, name) for name, item in sorted(value.items())}
    if isinstance(value, list):
        items = [_normal(item, "") for item in value]
        if key in UNORDERED:
            items.sort(key=lambda item: (_text(_identity(item)), _text(item)))
        return items
    return value


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _identity(item: Any) -> Any:
    return item.get("id") if isinstance(item, dict) else None


def _differences(
    before: Any, after: Any, path: tuple[str, ...], feature: str
) -> Iterator[dict[str, Any]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from _member(before, after, key, (*path, key), feature)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _items(before, after, path, feature)
    elif _text(before) != _text(after):
        yield _change("changed", path, feature, before, after)


def _member(
    before: dict[str, Any], after: dict[str, Any], key: str, path: tuple[str, ...], feature: str
) -> Iterator[dict[str, Any]]:
    if key not in before:
        yield _change("added", path, feature, None, after[key])
    elif key not in after:
        yield _change("removed", path, feature, before[key], None)
    else:
        yield from _differences(before[key], after[key], path, feature)


def _items(
    before: list[Any], after: list[Any], path: tuple[str, ...], feature: str
) -> Iterator[dict[str, Any]]:
    old, new = _by_identity(before), _by_identity(after)
    if old is None or new is None:
        if _text(before) != _text(after):
            yield _change("changed", path, feature, before, after)
        return
    for identity in [*old, *(identity for identity in new if identity not in old)]:
        item: Any = new.get(identity, old.get(identity))
        name = str(item.get("key") or item.get("ruleKey") or item.get("name") or item["id"])
        owner = name if path == ("features",) else feature
        yield from _member(old, new, identity, (*path, name), owner)
    kept = [identity for identity in old if identity in new]
    if kept != [identity for identity in new if identity in old]:
        yield _change("reordered", path, feature, list(old), list(new))


def _by_identity(items: list[Any]) -> dict[str, Any] | None:
    named = {_text(_identity(item)): item for item in items if _identity(item) is not None}
    return named if len(named) == len(items) else None


def _change(
    kind: str, path: tuple[str, ...], feature: str, before: Any, after: Any
) -> dict[str, Any]:
    return {
        "kind": kind,
        "feature": feature,
        "path": " / ".join(path),
        "before": before,
        "after": after,
    }


def _sentence(change: dict[str, Any]) -> str:
    steps = change["path"].split(" / ")
    place = " / ".join(step for step in steps if step not in SCAFFOLDING) or change["path"]
    if change["kind"] == "changed":
        return f"{place}: {_short(change['before'])} → {_short(change['after'])}"
    return f"{place} {change['kind']}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"
