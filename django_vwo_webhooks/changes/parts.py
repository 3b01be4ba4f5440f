"""Sentences about what flags, campaigns and variations have alike."""

from typing import Any

from .differences import Difference, Pair, label
from .kinds import change
from .words import LONGEST_VALUE, LONGEST_WORDS, bare, cut, in_full, news, shown, turn

Change = dict[str, Any]


def about(feature: str, words: str) -> str:
    """A sentence about a flag, or about none."""
    return f"{cut(feature)}: {words}" if feature else words[:1].upper() + words[1:]


def tell(kind: str, feature: str, difference: Difference, words: str) -> Change:
    """The change that one difference is by itself."""
    return change(kind, feature, difference.path, difference.pair, about(feature, words))


def tell_reordered(difference: Difference, feature: str, where: str) -> Change:
    """The items of a list are the same, in another order."""
    names = Pair(*([label(item) for item in side] for side in difference.pair))
    order = _move(*names) or turn(names, ", ".join, LONGEST_WORDS)
    words = f"order of {cut(difference.path[-1])}{where}: {order}"
    return change("reordered", feature, difference.path, names, about(feature, words))


def _move(before: list[str], after: list[str]) -> str | None:
    """The one item that moved in a list too long to be read twice."""
    if len(", ".join(after)) <= LONGEST_VALUE or {*before} != {*after}:
        return None
    place = next(place for place, one in enumerate(after) if one != before[place])
    for moved in (after[place], before[place]):
        rest = [[one for one in side if one != moved] for side in (before, after)]
        if rest[0] == rest[1] and len(rest[0]) == len(before) - 1:
            here, there = before.index(moved) + 1, after.index(moved) + 1
            return f"{cut(moved)} moved from place {here} to {there}"
    return None


def tell_renamed(difference: Difference, feature: str, of: str) -> Change:
    """A key or a name is another one; ``of`` says whose."""
    return tell("renamed", feature, difference, news(f"{difference.path[-1]}{of}", difference.pair))


def tell_variable(difference: Difference, depth: int, feature: str, where: str) -> Change:
    """A variable is new, gone or another; ``depth`` is that of the variable in the path."""
    variable = difference.items[-1]
    name = cut(label(variable.either))
    match difference.shape[depth:]:
        case () if variable.removed:
            return tell("variable_removed", feature, difference, f"variable {name} removed{where}")
        case ():
            words = f"variable {name} added{where}: {shown(variable.get('value').after)}"
            return tell("variable_added", feature, difference, words)
        case ("value" | "type",):
            return _tell_value(variable, difference.path[:depth], feature, where)
        case ("key",):
            return tell_renamed(difference, feature, f" of variable {name}{where}")
    return tell_other(difference, depth, feature, f" of variable {name}{where}")


def tell_metric(difference: Difference, depth: int, feature: str, of: str) -> Change:
    """A metric is new, gone or another; ``depth`` is that of the metric in the path."""
    name = f"metric {cut(label(difference.items[-1].either))}{of}"
    if len(difference.shape) == depth:
        words = f"{name} {'removed' if difference.pair.removed else 'added'}"
    else:
        words = news(f"{_inside(difference, depth)} of {name}", difference.pair)
    return tell("metric", feature, difference, words)


def tell_other(difference: Difference, depth: int, feature: str, of: str) -> Change:
    """What has no word of its own, by its path below the first ``depth`` steps."""
    if difference.reordered:
        return tell_reordered(difference, feature, of)
    words = news(f"{_inside(difference, depth)}{of}", difference.pair)
    return tell("other", feature, difference, words)


def _tell_value(variable: Pair, path: tuple[str, ...], feature: str, where: str) -> Change:
    name, value, kind = cut(label(variable.either)), variable.get("value"), variable.get("type")
    if not value.differs:
        words = f"type of {name} {turn(kind, bare)}{where}"
        return change("variable", feature, (*path, "type"), kind, about(feature, words))
    words = f"{name} {turn(value, in_full)}"
    if kind.differs:
        words += f" (type {turn(kind, bare)})"
    words += where
    return change("variable", feature, (*path, "value"), value, about(feature, words))


def _inside(difference: Difference, depth: int) -> str:
    return cut(" / ".join(difference.path[depth:]))
