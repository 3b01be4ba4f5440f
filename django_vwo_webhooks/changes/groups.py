"""Sentences about mutually exclusive groups and holdouts, which concern several flags.

A group lists its rules' campaigns as ``4``, or ``3_1`` for one variation; ``campaignGroups`` is
the inverse mapping. The SDK reads both in ``meg_util`` and ``campaign_util``, and holdouts in
``holdout_util``.
"""

from typing import Any

from .differences import Difference
from .index import FlagIndex
from .kinds import change
from .pairs import MISSING, NEITHER, Pair, label
from .segments import targeting
from .sentences import Change, describe
from .text import LONGEST_PHRASE, cut, generic_change, percent, quoted, transition

RANDOMLY = 1
"""With this value of ``et``, one rule of a group is picked at random."""


def describe_group(difference: Difference, index: FlagIndex) -> Change:
    """Describe a difference in a group of rules, of which at most one applies to a user."""
    group, name = difference.items[0], difference.path[1]
    match difference.shape[2:]:
        case () if not group.kept:
            return _describe_whole_group(name, group, index)
        case ("campaigns",):
            return _describe_members(name, group, index)
        case ("et",):
            phrase = f"its rule is picked {transition(difference.pair, _algorithm)}"
        case ("p",):
            phrase = f"priority {transition(difference.pair, index.member_names, LONGEST_PHRASE)}"
        case ("wt", *_):
            return _describe_weights(name, group, index)
        case _:
            phrase = generic_change(
                cut(" / ".join(difference.path[2:])) or "its content", difference.pair
            )
    return describe("group", "", difference, f"{_group(name, group)}: {phrase}")


def describe_membership(difference: Difference, index: FlagIndex) -> Change:
    """Describe the group of a rule, or the change in the group that is the same."""
    member, numbers = difference.path[1], difference.pair
    groups = [index.groups.get(str(number), NEITHER) for number in numbers]
    left, joined = (tuple(member in _members(side) for side in group) for group in groups)
    if (numbers.added or left == (True, False)) and (numbers.removed or joined == (False, True)):
        number, group = str(numbers.either), groups[not numbers.removed]
        if group.kept:
            return _describe_members(number, group, index)
        return _describe_whole_group(number, group, index)
    return describe(
        "group", "", difference, generic_change(f"group of {index.member_name(member)}", numbers)
    )


def describe_holdout(difference: Difference, index: FlagIndex) -> Change:
    """Describe a difference in a holdout, a share of users who are excluded from flags."""
    holdout, pair = difference.items[0], difference.pair
    match difference.shape[2:]:
        case () if pair.removed:
            phrase = " removed"
        case ():
            phrase = f" added: {', '.join(_extent(holdout, index))}"
        case ("percentTraffic",):
            phrase = f": share {transition(pair, percent)}"
        case ("segments",):
            phrase = f": targeting {transition(pair, targeting, LONGEST_PHRASE)}"
        case ("featureIds",):
            phrase = f": flags {transition(pair, index.flag_keys, LONGEST_PHRASE)}"
        case _:
            phrase = f": {generic_change(cut(' / '.join(difference.path[2:])), pair)}"
    return describe("holdout", "", difference, f"holdout “{cut(label(holdout.either))}”{phrase}")


def _describe_whole_group(number: str, group: Pair, index: FlagIndex) -> Change:
    phrase = f"{_group(number, group)} {'removed' if group.removed else 'added'}"
    if group.added:
        phrase += f": {index.member_names(_members(group.after))}"
    return change("group", "", ("groups", number), group, phrase)


def _describe_members(number: str, group: Pair, index: FlagIndex) -> Change:
    members = group.get("campaigns")
    before, after = (_members(side) for side in group)
    joined = [f"{index.member_name(one)} joined" for one in after if one not in before]
    left = [f"{index.member_name(one)} left" for one in before if one not in after]
    phrase = ", ".join([*joined, *left]) or f"rules {transition(members)}"
    text = f"{_group(number, group)}: {phrase}"
    return change("group", "", ("groups", number, "campaigns"), members, text)


def _describe_weights(number: str, group: Pair, index: FlagIndex) -> Change:
    weights = group.get("wt")
    sides = [{} if side is MISSING else side for side in weights]
    changes = ""
    if all(isinstance(side, dict) for side in sides):
        each = [(one, weights.get(one)) for one in sorted({*sides[0], *sides[1]})]
        changed = [(one, weight) for one, weight in each if weight.differs]
        changes = ", ".join(
            f"{index.member_name(one)} {transition(weight, percent)}" for one, weight in changed
        )
    text = f"{_group(number, group)}: weights {changes or transition(weights)}"
    return change("group", "", ("groups", number, "wt"), weights, text)


def _group(number: str, group: Pair) -> str:
    name = group.get("name").either
    return f"Group “{cut(name if isinstance(name, str) else number)}”"


def _members(group: Any) -> list[str]:
    members = group.get("campaigns") if isinstance(group, dict) else None
    return [one for one in members if isinstance(one, str)] if isinstance(members, list) else []


def _algorithm(value: Any) -> str:
    known = {RANDOMLY: "at random", 2: "by priority and weight"}
    return known.get(value, quoted(value)) if type(value) is int else quoted(value)


def _extent(holdout: Pair, index: FlagIndex) -> list[str]:
    """Return the share of users, which users, and which flags they are excluded from."""
    share, users = holdout.get("percentTraffic").after, targeting(holdout.get("segments").after)
    excluded_from = holdout.get("featureIds").after
    return [
        f"{percent(share)} of users",
        *([] if users == "everybody" else [f"for {cut(users, 120)}"]),
        "all flags"
        if holdout.after.get("isGlobal") is True
        else f"flags {index.flag_keys(excluded_from)}",
    ]
