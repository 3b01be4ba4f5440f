"""Changes of mutually exclusive groups and holdouts, which concern several flags.

A group lists its rules' campaigns as ``4``, or ``3_1`` for one variation; ``campaignGroups`` is
the inverse mapping. The SDK reads both in ``meg_util`` and ``campaign_util``, and holdouts in
``holdout_util``.
"""

from typing import Any

from .differences import Difference
from .index import FlagIndex
from .kinds import change
from .pairs import MISSING, NEITHER, Pair, label
from .sentences import Change, Phrase, describe, describe_key, describe_segments, form, say
from .text import cut


def describe_group(difference: Difference, index: FlagIndex) -> Change:
    """Describe a difference in a group of rules, of which at most one applies to a user."""
    group, name = difference.items[0], difference.path[1]
    about = _group(name, group)
    more: dict[str, Any] = {"about": about}
    match difference.shape[2:]:
        case () if not group.kept:
            return _describe_whole_group(name, group, index)
        case ("campaigns",):
            return _describe_members(name, group, index)
        case ("et",):
            more |= {"as": "algorithm"}
            return describe("group", "", difference, say("picked"), **more)
        case ("p",):
            names = index.member_names(*difference.pair)
            more |= {"as": "names", "names": names}
            return describe("group", "", difference, say("priority"), **more)
        case ("wt", *_):
            return _describe_weights(name, group, index)
    inside = cut(" / ".join(difference.path[2:]))
    what = form("key", inside) if inside else say("content")
    return describe_key("group", "", difference, what, about=about)


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
    return describe_key("group", "", difference, say("group_of", rule=index.member_name(member)))


def describe_holdout(difference: Difference, index: FlagIndex) -> Change:
    """Describe a difference in a holdout, a share of users who are excluded from flags."""
    holdout, pair = difference.items[0], difference.pair
    about = say("holdout", name=cut(label(holdout.either)))
    values: dict[str, Any]
    match difference.shape[2:]:
        case ():
            happened = "removed" if pair.removed else "added"
            side, details = (0, "was") if pair.removed else (1, "details")
            values = {details: _extent(holdout, index, side)}
            what = say(f"thing_{happened}", thing=about)
            return describe("holdout", "", difference, what, how="is", **values)
        case ("percentTraffic",):
            what, values = say("holdout_share"), {"as": "percent"}
        case ("segments",):
            return describe_segments(
                "holdout", "", difference, say("holdout_targeting"), "targeting", about=about
            )
        case ("featureIds",):
            names = index.flag_keys(*pair)
            what, values = say("flags"), {"as": "names", "names": names}
        case _:
            key = form("key", cut(" / ".join(difference.path[2:])))
            return describe_key("holdout", "", difference, key, about=about)
    return describe("holdout", "", difference, what, about=about, **values)


def _describe_whole_group(number: str, group: Pair, index: FlagIndex) -> Change:
    happened = "removed" if group.removed else "added"
    names = [index.member_name(one) for one in _members(group.either)]
    values = {"was" if group.removed else "details": names}
    what = say(f"thing_{happened}", thing=_group(number, group))
    return change("group", "", ("groups", number), group, what, "is", **values)


def _describe_members(number: str, group: Pair, index: FlagIndex) -> Change:
    members, about = group.get("campaigns"), _group(number, group)
    before, after = (_members(side) for side in group)
    moved = [say("joined", rule=index.member_name(one)) for one in after if one not in before]
    moved += [say("left", rule=index.member_name(one)) for one in before if one not in after]
    values: dict[str, Any] = {"as": "names", "names": index.member_names(*members)}
    path = ("groups", number, "campaigns")
    if moved:
        values |= {"how": "is", "details": moved}
        return change("group", "", path, members, about, **values)
    return change("group", "", path, members, say("rules"), about=about, **values)


def _describe_weights(number: str, group: Pair, index: FlagIndex) -> Change:
    weights, about = group.get("wt"), _group(number, group)
    sides = [{} if side is MISSING else side for side in weights]
    values: dict[str, Any] = {"as": "value", "about": about}
    if all(isinstance(side, dict) for side in sides) and any(sides):
        weights = Pair(*({one: side[one] for one in sorted(side)} for side in sides))
        names = {one: index.member_name(one) for side in weights for one in side}
        values |= {"as": "shares", "names": names}
    return change("group", "", ("groups", number, "wt"), weights, say("weights"), **values)


def _group(number: str, group: Pair) -> Phrase:
    name = group.get("name").either
    return say("group", name=cut(name if isinstance(name, str) else number))


def _members(group: Any) -> list[str]:
    members = group.get("campaigns") if isinstance(group, dict) else None
    return [one for one in members if isinstance(one, str)] if isinstance(members, list) else []


def _extent(holdout: Pair, index: FlagIndex, side: int) -> list[Phrase]:
    """Return the share of users, which users, and which flags they are excluded from."""
    share, segments = holdout[side].get("percentTraffic"), holdout[side].get("segments", {})
    extent = [say("of_users", share=form("percent", share))]
    if segments != {}:
        extent.append(say("if", users=form("condition", segments)))
    if holdout[side].get("isGlobal") is True:
        return [*extent, say("all_flags")]
    ids = holdout[side].get("featureIds", [])
    names = list(index.flag_keys(ids).values()) if isinstance(ids, list) else [cut(str(ids))]
    return [*extent, say("flags_named", flags=", ".join(names))]
