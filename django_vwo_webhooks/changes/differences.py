"""Where two normal forms differ, as places in the documents."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from .normal import LISTS, MAX_DEPTH, OPAQUE, UNORDERED
from .pairs import MISSING, Pair, label, matched, sides

BY_ID = {"groups"}
"""Objects that are really lists: their keys are ids."""

EMPTY_IF_MISSING = LISTS | BY_ID | {"campaignGroups"}
"""Keys that may be missing where there are no items."""


class Difference(NamedTuple):
    """The smallest place that contains a difference.

    ``shape`` is the sequence of keys that leads to the place, with None for each step into an item
    of a list or into a group. ``path`` has the names of these in place of None, and ``items`` has
    the items themselves, the outermost first. ``reordered`` marks a list that has the same items in
    another order.
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


def _within(place: Difference, key: str) -> Iterator[Difference]:
    """Yield the differences in ``place``; ``key`` is its key, or "" for an item."""
    pair = _filled(place.pair, key)
    if key in OPAQUE or len(place.shape) > MAX_DEPTH:
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
        # the fastest comparison that distinguishes 1, 1.0 and True; most items are equal
        if repr(item.before) != repr(item.after):
            yield from _within(place.within(label(item.either), item), "")
    if key in UNORDERED:
        return
    old, new = sides(place.pair, key)
    if [one for one in old if one in new] != [one for one in new if one in old]:
        yield place._replace(reordered=True)


def _filled(pair: Pair, key: str) -> Pair:
    """Replace a missing list or mapping by an empty one, unless both would be empty."""
    if key not in EMPTY_IF_MISSING or not pair.either or not isinstance(pair.either, list | dict):
        return pair
    empty = type(pair.either)()
    return Pair(*(empty if side is MISSING else side for side in pair))


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)
