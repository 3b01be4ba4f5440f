"""Changes that flags and campaigns share: of variables, metrics, names and order."""

from typing import Any

from .differences import Difference
from .kinds import change
from .pairs import MISSING, Pair, label
from .text import LONGEST_VALUE, compact, cut, plain

Change = dict[str, Any]
Phrase = Any


def say(name: str, /, **values: Any) -> dict[str, Any]:
    """Return one of ``PHRASES`` with what it names."""
    return {"say": name, **values}


def form(name: str, value: Any) -> dict[str, Any]:
    """Return a JSON value in one of ``forms.FORMS``."""
    return {"as": name, "value": value}


def short(value: Any) -> Phrase:
    """Return a JSON value of any length as a short phrase."""
    return form("value", cut(value)) if isinstance(value, str) else cut(compact(value))


def describe(kind: str, feature: str, difference: Difference, what: Phrase, **more: Any) -> Change:
    """Describe one difference as one change."""
    return change(kind, feature, difference.path, difference.pair, what, **more)


def describe_key(
    kind: str, feature: str, difference: Difference, what: Phrase, **more: Any
) -> Change:
    """Describe a change of a key of the document for which there are no specific words."""
    pair = difference.pair
    how = "added" if pair.added else "removed" if pair.removed else "changed"
    return change(kind, feature, difference.path, pair, what, how, **{"as": "value"}, **more)


def describe_segments(
    kind: str, feature: str, difference: Difference, what: Phrase, words: str, **more: Any
) -> Change:
    """Describe which users something applies to; no segments and missing ones are the same."""
    pair = Pair(*({} if side is MISSING else side for side in difference.pair))
    return change(kind, feature, difference.path, pair, what, **{"as": words}, **more)


def describe_reordered(difference: Difference, feature: str, place: Phrase) -> Change:
    """Describe a list that has the same items in another order."""
    names = Pair(*([label(item) for item in side] for side in difference.pair))
    what = say("order", list=_of(form("key", difference.path[-1]), place))
    moved = _one_move(*names)
    if moved is None:
        return change("reordered", feature, difference.path, names, what, **{"as": "names"})
    what = say("moved", order=what, **moved)
    return change("reordered", feature, difference.path, names, what, "is", **{"as": "names"})


def _one_move(before: list[str], after: list[str]) -> dict[str, Any] | None:
    """Describe the only item that moved, where the list is too long to be shown twice."""
    if len(", ".join(after)) <= LONGEST_VALUE or {*before} != {*after}:
        return None
    place = next(place for place, one in enumerate(after) if one != before[place])
    for moved in (after[place], before[place]):
        rest = [[one for one in side if one != moved] for side in (before, after)]
        if rest[0] == rest[1] and len(rest[0]) == len(before) - 1:
            here, there = before.index(moved) + 1, after.index(moved) + 1
            return {"name": cut(moved), "before": here, "after": there}
    return None


def describe_renamed(difference: Difference, feature: str, place: Phrase) -> Change:
    """Describe another key or name of ``place``, or of the flag itself."""
    what: Phrase = _of(form("key", difference.path[-1]), place)
    return describe_key("renamed", feature, difference, what)


def describe_variable(difference: Difference, depth: int, feature: str, place: Phrase) -> Change:
    """Describe a new, removed or changed variable, which is at this depth of the path.

    ``place`` is the rule or variation that it belongs to, or None where that is clear.
    """
    variable = difference.items[-1]
    name = cut(label(variable.either))
    named = say("variable_in", name=name, place=place) if place else say("variable", name=name)
    match difference.shape[depth:]:
        case () if variable.removed:
            return _describe_whole("removed", difference, feature, name, place)
        case ():
            return _describe_whole("added", difference, feature, name, place)
        case ("value" | "type",):
            return _describe_value(variable, difference.path[:depth], feature, place)
        case ("key",):
            return describe_renamed(difference, feature, named)
    return describe_other(difference, depth, feature, named)


def describe_metric(difference: Difference, depth: int, feature: str, place: Phrase) -> Change:
    """Describe a new, removed or changed metric, which is at this depth of the path."""
    name = cut(label(difference.items[-1].either))
    metric = say("metric_of", name=name, place=place) if place else say("metric", name=name)
    if len(difference.shape) == depth:
        what = say("thing_removed" if difference.pair.removed else "thing_added", thing=metric)
        return describe("metric", feature, difference, what, how="is")
    return describe_key("metric", feature, difference, _of(_inside(difference, depth), metric))


def describe_other(difference: Difference, depth: int, feature: str, place: Phrase) -> Change:
    """Describe any other change by its path below the first ``depth`` steps."""
    if difference.reordered:
        return describe_reordered(difference, feature, place)
    what = _of(_inside(difference, depth), place)
    return describe_key("other", feature, difference, what)


def _describe_whole(
    happened: str, difference: Difference, feature: str, name: str, place: Phrase
) -> Change:
    if place:
        what = say(f"variable_{happened}_in", name=name, place=place)
    else:
        what = say(f"thing_{happened}", thing=say("variable", name=name))
    value = difference.items[-1].get("value").either
    side = "was" if happened == "removed" else "details"
    details = {} if value is MISSING else {side: [short(value)]}
    return describe(f"variable_{happened}", feature, difference, what, how="is", **details)


def _describe_value(variable: Pair, path: tuple[str, ...], feature: str, place: Phrase) -> Change:
    name, value, kind = cut(label(variable.either)), variable.get("value"), variable.get("type")
    if not value.differs:
        what = say("type_in", name=name, place=place) if place else say("type_of", name=name)
        return change("variable", feature, (*path, "type"), kind, what, **{"as": "plain"})
    changed: Phrase = say("value_in", name=name, place=place) if place else name
    more: dict[str, Any] = {"as": "json" if "json" in kind else "value"}
    if kind.differs and kind.kept and value.kept:
        more["type"] = [cut(plain(side)) for side in kind]
    return change("variable", feature, (*path, "value"), value, changed, **more)


def _inside(difference: Difference, depth: int) -> Phrase:
    return form("key", cut(" / ".join(difference.path[depth:])))


def _of(key: Phrase, place: Phrase) -> Phrase:
    return say("key_of", key=key, place=place) if place else key
