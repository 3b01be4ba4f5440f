"""Where two normal forms differ, before anybody finds words for it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from .normal import DEEPEST, LISTS, OPAQUE, UNORDERED, canonical

NOTHING: Any = type("Nothing", (), {"__repr__": lambda self: "NOTHING"})()
"""Stands where a document has no such key or item, unlike JSON's null."""

BY_ID = {"groups"}
"""Objects that are lists in truth: their keys are ids."""

FILLED = LISTS | BY_ID | {"campaignGroups"}
"""Where there is no such key, there are no items."""

IDENTITIES = {"rules": ("ruleKey", "id", "campaignId")}
"""What tells the items of a list apart: the first of these keys that an item has."""

USUAL_IDENTITY = ("id", "key", "name")


Item = dict[str, Any]

Key = tuple[str, int]
"""An item's identity, and its number among those that share it."""


class Pair(NamedTuple):
    """One place in the two documents."""

    before: Any
    after: Any

    @property
    def either(self) -> Any:
        """What is there now, or was before it was removed."""
        return self.before if self.after is NOTHING else self.after

    @property
    def kept(self) -> bool:
        """Whether both documents have the place, whatever they have there."""
        return self.before is not NOTHING and self.after is not NOTHING

    @property
    def added(self) -> bool:
        """Whether only the new document has the place."""
        return self.before is NOTHING

    @property
    def removed(self) -> bool:
        """Whether only the old document has the place."""
        return self.after is NOTHING

    @property
    def differs(self) -> bool:
        """Whether JSON tells the two apart; it does so with 1, 1.0 and true."""
        if self.before is self.after:
            return False
        return not self.kept or canonical(self.before) != canonical(self.after)

    def get(self, key: str) -> "Pair":
        """The place under ``key``, nothing where this is no object."""
        before, after = self
        return Pair(
            before.get(key, NOTHING) if isinstance(before, dict) else NOTHING,
            after.get(key, NOTHING) if isinstance(after, dict) else NOTHING,
        )


NEITHER = Pair(NOTHING, NOTHING)
"""A place that neither document has."""


class Difference(NamedTuple):
    """A place that differs and has no smaller place inside that says so.

    ``shape`` is the way to the place, with None for each step into a list's item or a group;
    those are named in ``path`` and lie in ``items``, the outermost first. ``reordered`` is for a
    list whose items are the same in another order.
    """

    shape: tuple[str | None, ...]
    path: tuple[str, ...]
    items: tuple[Pair, ...]
    pair: Pair
    reordered: bool = False

    def under(self, key: str, pair: Pair) -> "Difference":
        """The place one key deeper."""
        return Difference((*self.shape, key), (*self.path, key), self.items, pair)

    def within(self, name: str, pair: Pair) -> "Difference":
        """The place of one item of this list."""
        return Difference((*self.shape, None), (*self.path, name), (*self.items, pair), pair)


def differences(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Difference]:
    """Yield every difference of two normal forms; none if and only if their digests are equal."""
    return _within(Difference((), (), (), Pair(before, after)), "")


def matched(pair: Pair, key: str) -> list[Pair]:
    """Put the objects of two lists side by side, in the order of the first.

    ``key`` is where the lists stand. Whatever is no object, or in no list, has no partner.
    """
    old, new = _sides(pair, key)
    return [Pair(old.get(one, NOTHING), new.get(one, NOTHING)) for one in {**old, **new}]


def label(item: Any) -> str:
    """What people call an item of a list."""
    for key in ("ruleKey", "key", "identifier", "name", "id"):
        name = item.get(key) if isinstance(item, dict) else None
        if name not in (None, ""):
            return name if isinstance(name, str) else canonical(name)
    return "(unnamed)"


def _member(value: Any, key: str) -> Any:
    return value.get(key, NOTHING) if isinstance(value, dict) else NOTHING


def _within(place: Difference, key: str) -> Iterator[Difference]:
    """``place`` is a place that may differ; ``key`` is its own, or "" for an item."""
    pair = _filled(place.pair, key)
    if key in OPAQUE or len(place.shape) > DEEPEST:
        yield from _as_a_whole(place)
    elif all(isinstance(side, dict) for side in pair):
        for name in sorted({*pair.before, *pair.after}):
            member = pair.get(name)
            if member.before is member.after:
                continue
            inner = place.within(name, member) if key in BY_ID else place.under(name, member)
            yield from _within(inner, "" if key in BY_ID else name)
    elif key in LISTS and all(_is_list_of_objects(side) for side in pair):
        yield from _items(place._replace(pair=pair), key)
    else:
        yield from _as_a_whole(place)


def _as_a_whole(place: Difference) -> Iterator[Difference]:
    if place.pair.differs:
        yield place


def _items(place: Difference, key: str) -> Iterator[Difference]:
    for item in matched(place.pair, key):
        # the quickest look that tells 1, 1.0 and True apart, and most items are the same
        if repr(item.before) != repr(item.after):
            yield from _within(place.within(label(item.either), item), "")
    if key in UNORDERED:
        return
    old, new = _sides(place.pair, key)
    if [one for one in old if one in new] != [one for one in new if one in old]:
        yield place._replace(reordered=True)


def _filled(pair: Pair, key: str) -> Pair:
    """Take a missing list or mapping for an empty one, unless both would be empty."""
    if key not in FILLED or not pair.either or not isinstance(pair.either, list | dict):
        return pair
    empty = type(pair.either)()
    return Pair(*(empty if side is NOTHING else side for side in pair))


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _sides(pair: Pair, key: str) -> tuple[dict[Key, Item], dict[Key, Item]]:
    """The objects of two lists, those that are the same under the same key.

    A rule that has another name, and does what one did that is gone, is that one.
    """
    old, new = (_by_identity(side, key) for side in pair)
    if key != "rules":
        return old, new
    gone = {_target(item): one for one, item in old.items() if one not in new}
    gone.pop(None, None)
    return old, {
        one if one in old else gone.pop(_target(item), one): item for one, item in new.items()
    }


def _target(rule: Item) -> str | None:
    """What a rule applies, None where it is nothing."""
    if rule.get("campaignId") is None:
        return None
    return canonical([rule["campaignId"], rule.get("variationId")])


def _by_identity(items: Any, key: str) -> dict[Key, Item]:
    """Items by their identity; some share one, or have none."""
    seen: Counter[str] = Counter()
    found = {}
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict):
            identity = _identity(item, IDENTITIES.get(key, USUAL_IDENTITY))
            found[identity, seen[identity]] = item
            seen[identity] += 1
    return found


def _identity(item: Item, keys: tuple[str, ...]) -> str:
    """``id 1``, for 1 and "1" alike."""
    for key in keys:
        value = item.get(key)
        if value is not None:
            return f"{key} {value if isinstance(value, str) else canonical(value)}"
    return ""
