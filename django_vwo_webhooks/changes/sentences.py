"""Sentences that flags and campaigns share: about variables, metrics, names and order."""

from typing import Any

from .differences import Difference
from .kinds import change
from .pairs import Pair, label
from .text import LONGEST_PHRASE, LONGEST_VALUE, cut, generic_change, quoted, transition, unquoted

Change = dict[str, Any]


def sentence(feature: str, phrase: str) -> str:
    """Return a sentence about a flag, or one that is not specific to a flag."""
    return f"{cut(feature)}: {phrase}" if feature else phrase[:1].upper() + phrase[1:]


def describe(kind: str, feature: str, difference: Difference, phrase: str) -> Change:
    """Describe one difference as one change."""
    return change(kind, feature, difference.path, difference.pair, sentence(feature, phrase))


def describe_reordered(difference: Difference, feature: str, where: str) -> Change:
    """Describe a list that has the same items in another order."""
    names = Pair(*([label(item) for item in side] for side in difference.pair))
    order = _one_move(*names) or transition(names, ", ".join, LONGEST_PHRASE)
    phrase = f"order of {cut(difference.path[-1])}{where}: {order}"
    return change("reordered", feature, difference.path, names, sentence(feature, phrase))


def _one_move(before: list[str], after: list[str]) -> str | None:
    """Describe the only item that moved, where the list is too long to be shown twice."""
    if len(", ".join(after)) <= LONGEST_VALUE or {*before} != {*after}:
        return None
    place = next(place for place, one in enumerate(after) if one != before[place])
    for moved in (after[place], before[place]):
        rest = [[one for one in side if one != moved] for side in (before, after)]
        if rest[0] == rest[1] and len(rest[0]) == len(before) - 1:
            here, there = before.index(moved) + 1, after.index(moved) + 1
            return f"{cut(moved)} moved from place {here} to {there}"
    return None


def describe_renamed(difference: Difference, feature: str, of: str) -> Change:
    """Describe another key or name of what ``of`` names."""
    return describe(
        "renamed",
        feature,
        difference,
        generic_change(f"{difference.path[-1]}{of}", difference.pair),
    )


def describe_variable(difference: Difference, depth: int, feature: str, where: str) -> Change:
    """Describe a new, removed or changed variable, which is at this depth of the path."""
    variable = difference.items[-1]
    name = cut(label(variable.either))
    match difference.shape[depth:]:
        case () if variable.removed:
            return describe(
                "variable_removed", feature, difference, f"variable {name} removed{where}"
            )
        case ():
            phrase = f"variable {name} added{where}: {cut(quoted(variable.get('value').after))}"
            return describe("variable_added", feature, difference, phrase)
        case ("value" | "type",):
            return _describe_value(variable, difference.path[:depth], feature, where)
        case ("key",):
            return describe_renamed(difference, feature, f" of variable {name}{where}")
    return describe_other(difference, depth, feature, f" of variable {name}{where}")


def describe_metric(difference: Difference, depth: int, feature: str, of: str) -> Change:
    """Describe a new, removed or changed metric, which is at this depth of the path."""
    name = f"metric {cut(label(difference.items[-1].either))}{of}"
    if len(difference.shape) == depth:
        phrase = f"{name} {'removed' if difference.pair.removed else 'added'}"
    else:
        phrase = generic_change(f"{_inside(difference, depth)} of {name}", difference.pair)
    return describe("metric", feature, difference, phrase)


def describe_other(difference: Difference, depth: int, feature: str, of: str) -> Change:
    """Describe any other change by its path below the first ``depth`` steps."""
    if difference.reordered:
        return describe_reordered(difference, feature, of)
    phrase = generic_change(f"{_inside(difference, depth)}{of}", difference.pair)
    return describe("other", feature, difference, phrase)


def _describe_value(variable: Pair, path: tuple[str, ...], feature: str, where: str) -> Change:
    name, value, kind = cut(label(variable.either)), variable.get("value"), variable.get("type")
    if not value.differs:
        phrase = f"type of {name} {transition(kind, unquoted)}{where}"
        return change("variable", feature, (*path, "type"), kind, sentence(feature, phrase))
    phrase = f"{name} {transition(value, quoted)}"
    if kind.differs:
        phrase += f" (type {transition(kind, unquoted)})"
    phrase += where
    return change("variable", feature, (*path, "value"), value, sentence(feature, phrase))


def _inside(difference: Difference, depth: int) -> str:
    return cut(" / ".join(difference.path[depth:]))
