"""Sentences about flags and their rules."""

from typing import Any

from .differences import Difference
from .index import ROLLOUT, RULE_TYPES, TESTING, FlagIndex, Use, rule_name, rules
from .kinds import change
from .pairs import Pair, label
from .segments import targeting
from .sentences import (
    Change,
    describe,
    describe_metric,
    describe_other,
    describe_renamed,
    describe_reordered,
    describe_variable,
    sentence,
)
from .text import cut, generic_change, percent, unquoted

SWITCHES = {("OFF", "ON"): "switched_on", ("ON", "OFF"): "switched_off"}


def describe_feature(difference: Difference, index: FlagIndex) -> Change:
    """Describe a difference in a flag itself, not in its campaigns."""
    feature = difference.items[0]
    name = label(feature.either)
    match difference.shape[2:]:
        case ():
            return describe_whole_feature(feature, index)
        case ("status",) if switch_kind(feature):
            return describe_switch(feature, index)
        case ("key" | "name",):
            return describe_renamed(difference, name, "")
        case ("rules", None):
            return describe_whole_rule(feature, difference.items[1], index)
        case ("rules", None, "ruleKey"):
            phrase = generic_change(f"key of {rule_name(difference.items[1])}", difference.pair)
            return describe("renamed", name, difference, phrase)
        case ("rules", None, *_):
            return describe_other(difference, 4, name, f" of {rule_name(difference.items[1])}")
        case ("rules",) if difference.reordered:
            return describe_reordered(difference, name, "")
        case ("variables", None, *_):
            return describe_variable(difference, 4, name, "")
        case ("metrics", None, *_):
            return describe_metric(difference, 4, name, "")
    return describe_other(difference, 2, name, "")


def describe_whole_feature(feature: Pair, index: FlagIndex) -> Change:
    """Describe a flag that was added or removed, and its rules with it."""
    name = label(feature.either)
    if feature.removed:
        kind, text = "feature_removed", f"{cut(name)} removed"
    else:
        kind, text = "feature_added", f"{cut(name)} added: {_state(feature, index)}"
    return change(kind, name, ("features", name), feature, text)


def describe_whole_rule(feature: Pair, rule: Pair, index: FlagIndex) -> Change:
    """Describe a rule that was added or removed, and its campaign with it, or the whole flag."""
    if not feature.kept:
        return describe_whole_feature(feature, index)
    name = label(feature.either)
    path = ("features", name, "rules", label(rule.either))
    if rule.removed:
        text = sentence(name, f"{rule_name(rule)} removed")
        return change("rule_removed", name, path, rule, text)
    details = ", ".join(_details(rule, index))
    text = sentence(name, f"{rule_name(rule)} added{details and f': {details}'}")
    return change("rule_added", name, path, rule, text)


def switch_kind(feature: Pair) -> str | None:
    """Return the kind of change if a flag was switched on or off, else None."""
    if not feature.kept:
        return None
    before, after = (str(status).upper() for status in feature.get("status"))
    return SWITCHES.get((before, after))


def describe_switch(feature: Pair, index: FlagIndex) -> Change:
    """Describe a flag that was switched off, or on for a share of users."""
    kind, name = switch_kind(feature) or "other", label(feature.either)
    text = f"{cut(name)} switched {'off' if kind == 'switched_off' else 'on'}"
    share = _share_when_on(feature, index)
    if kind == "switched_on" and share is not None:
        text += f" at {percent(share)}"
    return change(kind, name, ("features", name, "status"), feature.get("status"), text)


def explained_by_switch(use: Use, weight: Pair, index: FlagIndex) -> bool:
    """Whether the weight of a rollout rule changed only because its flag was switched."""
    rolls_out = use.rule.get("type").either == ROLLOUT
    if not rolls_out or not all(is_number(side) for side in weight):
        return False
    match switch_kind(use.feature):
        case "switched_off":
            return bool(weight.after == 0)
        case "switched_on":
            return bool(weight.before == 0 and weight.after == _share_when_on(use.feature, index))
    return False


def is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _share_when_on(feature: Pair, index: FlagIndex) -> Any:
    """Return the share of users that all rollout rules of a flag now have, None if they differ."""
    weights = [index.variation_of(rule).get("weight").after for rule in _rollouts(feature)]
    alike = all(is_number(weight) and weight == weights[0] for weight in weights)
    return weights[0] if weights and alike else None


def _rollouts(feature: Pair) -> list[Pair]:
    return [rule for rule in rules(feature, ROLLOUT) if not rule.removed]


def _state(feature: Pair, index: FlagIndex) -> str:
    """Return for example ``on, rollout 50 %, 2 testing rules``."""
    status = unquoted(feature.after.get("status", "without status"))
    state = [cut(status.lower())]
    share = _share_when_on(feature, index)
    if status.upper() == "ON" and share is not None:
        state.append(f"rollout {percent(share)}")
    for rule_type, name in RULE_TYPES.items():
        number = len(rules(feature, rule_type))
        # one rollout rule is what every flag has
        if number > (rule_type == ROLLOUT):
            state.append(f"{number} {name}{'s' if number > 1 else ''}")
    return ", ".join(state)


def _details(rule: Pair, index: FlagIndex) -> list[str]:
    """Return what is important about a new rule: its share of users, and which users."""
    campaign, variation = index.campaign_of(rule), index.variation_of(rule)
    if rule.after.get("type") == TESTING:
        share, segments = campaign.get("percentTraffic").after, campaign.get("segments").after
        what = "traffic"
    else:
        share, segments = variation.get("weight").after, variation.get("segments").after
        what = "share"
    details = [f"{what} {percent(share)}"] if is_number(share) else []
    users = targeting(segments)
    return details if users == "everybody" else [*details, f"for {cut(users, 120)}"]
