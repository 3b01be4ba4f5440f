"""Values at the same place in two documents, and which items of two lists are the same."""

from collections import Counter
from typing import Any, NamedTuple

from .normal import canonical

MISSING: Any = type("Missing", (), {"__repr__": lambda self: "MISSING"})()
"""The value of a key or item that a document does not have, unlike JSON's null."""

IDENTITIES = {"rules": ("ruleKey", "id", "campaignId")}
"""What identifies the items of a list: the first of these keys that an item has."""

DEFAULT_IDENTITY = ("id", "key", "name")

UNNAMED = "(unnamed)"
"""The label of an item that has neither key, name nor id."""

Item = dict[str, Any]

Key = tuple[str, int]
"""An item's identity, and its number among the items that share this identity."""


class Pair(NamedTuple):
    """One place in the two documents."""

    before: Any
    after: Any

    @property
    def either(self) -> Any:
        """The new value, or the old one where it was removed."""
        return self.before if self.after is MISSING else self.after

    @property
    def kept(self) -> bool:
        """Whether both documents have the place, with any values."""
        return self.before is not MISSING and self.after is not MISSING

    @property
    def added(self) -> bool:
        """Whether only the new document has the place."""
        return self.before is MISSING

    @property
    def removed(self) -> bool:
        """Whether only the old document has the place."""
        return self.after is MISSING

    @property
    def differs(self) -> bool:
        """Whether the two are different in JSON, as 1, 1.0 and true are."""
        if self.before is self.after:
            return False
        return not self.kept or canonical(self.before) != canonical(self.after)

    def get(self, key: str) -> "Pair":
        """The place under ``key``, which is missing where this is not an object."""
        before, after = self
        return Pair(
            before.get(key, MISSING) if isinstance(before, dict) else MISSING,
            after.get(key, MISSING) if isinstance(after, dict) else MISSING,
        )


NEITHER = Pair(MISSING, MISSING)
"""A place that neither document has."""


def matched(pair: Pair, key: str) -> list[Pair]:
    """Pair the objects of two lists: in the order of the old list, then those that are new.

    ``key`` is the key of the lists. Values that are not objects in a list are left out.
    """
    old, new = sides(pair, key)
    return [Pair(old.get(one, MISSING), new.get(one, MISSING)) for one in {**old, **new}]


def sides(pair: Pair, key: str) -> tuple[dict[Key, Item], dict[Key, Item]]:
    """Return the objects of two lists; objects with the same key are the same item.

    A new rule that applies what a removed rule applied is that rule under another name.
    """
    old, new = (_by_identity(side, key) for side in pair)
    if key != "rules":
        return old, new
    removed = {_target(item): one for one, item in old.items() if one not in new}
    removed.pop(None, None)
    return old, {
        one if one in old else removed.pop(_target(item), one): item for one, item in new.items()
    }


def label(item: Any) -> str:
    """Return the name by which people know an item of a list."""
    for key in ("ruleKey", "key", "identifier", "name", "id"):
        name = item.get(key) if isinstance(item, dict) else None
        if name not in (None, ""):
            return name if isinstance(name, str) else canonical(name)
    return UNNAMED


def _target(rule: Item) -> str | None:
    """Return the campaign and variation that a rule applies, None where there is no campaign."""
    if rule.get("campaignId") is None:
        return None
    return canonical([rule["campaignId"], rule.get("variationId")])


def _by_identity(items: Any, key: str) -> dict[Key, Item]:
    """Return the items by identity, which some of them share or do not have."""
    seen: Counter[str] = Counter()
    found = {}
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict):
            identity = _identity(item, IDENTITIES.get(key, DEFAULT_IDENTITY))
            found[identity, seen[identity]] = item
            seen[identity] += 1
    return found


def _identity(item: Item, keys: tuple[str, ...]) -> str:
    """Return for example ``id 1``, for both 1 and "1"."""
    for key in keys:
        value = item.get(key)
        if value is not None:
            return f"{key} {value if isinstance(value, str) else canonical(value)}"
    return ""
