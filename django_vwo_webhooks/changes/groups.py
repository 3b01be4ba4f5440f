"""Sentences about what lies across flags: mutually exclusive groups, and holdouts.

A group lists its rules' campaigns as ``4``, or ``3_1`` for one variation; ``campaignGroups`` says
the same the other way round. The SDK reads both in ``meg_util`` and ``campaign_util``, holdouts
in ``holdout_util``.
"""

from typing import Any

from .differences import NEITHER, NOTHING, Difference, Pair, label
from .flags import Flags
from .kinds import change
from .parts import Change, tell
from .segments import targeting
from .words import LONGEST_WORDS, cut, in_full, news, percent, turn

RANDOMLY = 1
"""The value of a group's ``et`` that picks one of its rules at random."""


def tell_group(difference: Difference, flags: Flags) -> Change:
    """What happened to a group of rules of which a user meets one."""
    group, name = difference.items[0], difference.path[1]
    match difference.shape[2:]:
        case () if not group.kept:
            return _tell_whole_group(name, group, flags)
        case ("campaigns",):
            return _tell_members(name, group, flags)
        case ("et",):
            words = f"its rule is picked {turn(difference.pair, _algorithm)}"
        case ("p",):
            words = f"priority {turn(difference.pair, flags.members, LONGEST_WORDS)}"
        case ("wt", *_):
            return _tell_weights(name, group, flags)
        case _:
            words = news(cut(" / ".join(difference.path[2:])) or "its content", difference.pair)
    return tell("group", "", difference, f"{_group(name, group)}: {words}")


def tell_membership(difference: Difference, flags: Flags) -> Change:
    """The group of a rule by itself, unless a group has the same news."""
    member, numbers = difference.path[1], difference.pair
    groups = [flags.groups.get(str(number), NEITHER) for number in numbers]
    left, joined = (tuple(member in _members(side) for side in group) for group in groups)
    if (numbers.added or left == (True, False)) and (numbers.removed or joined == (False, True)):
        number, group = str(numbers.either), groups[not numbers.removed]
        tell_it = _tell_members if group.kept else _tell_whole_group
        return tell_it(number, group, flags)
    return tell("group", "", difference, news(f"group of {flags.member(member)}", numbers))


def tell_holdout(difference: Difference, flags: Flags) -> Change:
    """What happened to a share of users who are kept from flags."""
    holdout, pair = difference.items[0], difference.pair
    match difference.shape[2:]:
        case () if pair.removed:
            words = " removed"
        case ():
            words = f" added: {', '.join(_extent(holdout, flags))}"
        case ("percentTraffic",):
            words = f": share {turn(pair, percent)}"
        case ("segments",):
            words = f": targeting {turn(pair, targeting, LONGEST_WORDS)}"
        case ("featureIds",):
            words = f": flags {turn(pair, flags.names, LONGEST_WORDS)}"
        case _:
            words = f": {news(cut(' / '.join(difference.path[2:])), pair)}"
    return tell("holdout", "", difference, f"holdout “{cut(label(holdout.either))}”{words}")


def _tell_whole_group(number: str, group: Pair, flags: Flags) -> Change:
    words = f"{_group(number, group)} {'removed' if group.removed else 'added'}"
    if group.added:
        words += f": {flags.members(_members(group.after))}"
    return change("group", "", ("groups", number), group, words)


def _tell_members(number: str, group: Pair, flags: Flags) -> Change:
    members = group.get("campaigns")
    before, after = (_members(side) for side in group)
    joined = [f"{flags.member(one)} joined" for one in after if one not in before]
    left = [f"{flags.member(one)} left" for one in before if one not in after]
    words = ", ".join([*joined, *left]) or f"rules {turn(members)}"
    text = f"{_group(number, group)}: {words}"
    return change("group", "", ("groups", number, "campaigns"), members, text)


def _tell_weights(number: str, group: Pair, flags: Flags) -> Change:
    weights = group.get("wt")
    sides = [{} if side is NOTHING else side for side in weights]
    told = ""
    if all(isinstance(side, dict) for side in sides):
        each = [(one, weights.get(one)) for one in sorted({*sides[0], *sides[1]})]
        changed = [(one, weight) for one, weight in each if weight.differs]
        told = ", ".join(f"{flags.member(one)} {turn(weight, percent)}" for one, weight in changed)
    text = f"{_group(number, group)}: weights {told or turn(weights)}"
    return change("group", "", ("groups", number, "wt"), weights, text)


def _group(number: str, group: Pair) -> str:
    name = group.get("name").either
    return f"Group “{cut(name if isinstance(name, str) else number)}”"


def _members(group: Any) -> list[str]:
    members = group.get("campaigns") if isinstance(group, dict) else None
    return [one for one in members if isinstance(one, str)] if isinstance(members, list) else []


def _algorithm(value: Any) -> str:
    known = {RANDOMLY: "at random", 2: "by priority and weight"}
    return known.get(value, in_full(value)) if type(value) is int else in_full(value)


def _extent(holdout: Pair, flags: Flags) -> list[str]:
    """For how many, of whom, and from what."""
    share, who = holdout.get("percentTraffic").after, targeting(holdout.get("segments").after)
    kept_from = holdout.get("featureIds").after
    return [
        f"{percent(share)} of users",
        *([] if who == "everybody" else [f"for {cut(who, 120)}"]),
        "all flags" if holdout.after.get("isGlobal") is True else f"flags {flags.names(kept_from)}",
    ]
