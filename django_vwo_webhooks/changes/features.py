"""Changes of flags and their rules."""

from typing import Any

from .differences import Difference
from .index import ROLLOUT, RULE_TYPES, TESTING, FlagIndex, Use, rule_name, rules
from .kinds import change
from .pairs import MISSING, Pair, label
from .sentences import (
    Change,
    Phrase,
    describe,
    describe_key,
    describe_metric,
    describe_other,
    describe_renamed,
    describe_reordered,
    describe_variable,
    form,
    say,
)
from .text import cut

SWITCHES = {("OFF", "ON"): "switched_on", ("ON", "OFF"): "switched_off"}

BEFORE, AFTER = 0, 1
"""The places in a pair."""


def describe_feature(difference: Difference, index: FlagIndex) -> Change:
    """Describe a difference in a flag itself, not in its campaigns."""
    feature = difference.items[0]
    name = label(feature.either)
    match difference.shape[2:]:
        case ():
            return describe_whole_feature(feature, index)
        case ("status",) if switch_kind(feature):
            return describe_switch(feature, index)
        case ("status",) if difference.pair.kept:
            return describe("other", name, difference, form("key", "status"), **{"as": "status"})
        case ("key" | "name",):
            return describe_renamed(difference, name, "")
        case ("impactCampaign",) | ("impactCampaign", "campaignId"):
            return describe_impact(feature, index)
        case ("rules", None):
            return describe_whole_rule(feature, difference.items[1], index)
        case ("rules", None, "ruleKey"):
            what = say("key_of", key=form("key", "key"), place=rule_name(difference.items[1]))
            return describe_key("renamed", name, difference, what)
        case ("rules", None, "campaignId"):
            return describe_target(feature, difference.items[1], index)
        case ("rules", None, "variationId"):
            return _describe_variation(difference, feature, index)
        case ("rules", None, *_):
            return describe_other(difference, 4, name, rule_name(difference.items[1]))
        case ("rules",) if difference.reordered:
            return describe_reordered(difference, name, "")
        case ("variables", None, *_):
            return describe_variable(difference, 4, name, "")
        case ("metrics", None, *_):
            return describe_metric(difference, 4, name, "")
    return describe_other(difference, 2, name, "")


def describe_use(use: Use, index: FlagIndex) -> Change:
    """Describe what happened to the flag, to the rule, or to which campaign the rule applies."""
    if not use.feature.kept:
        return describe_whole_feature(use.feature, index)
    if not use.is_rule:
        return describe_impact(use.feature, index)
    if not use.rule.kept:
        return describe_whole_rule(use.feature, use.rule, index)
    return describe_target(use.feature, use.rule, index)


def describe_whole_feature(feature: Pair, index: FlagIndex) -> Change:
    """Describe a flag that was added or removed, and its rules with it."""
    name, happened = label(feature.either), "removed" if feature.removed else "added"
    side, details = (BEFORE, "was") if feature.removed else (AFTER, "details")
    values = {details: _state(feature, index, side), "whole_flag": True}
    path = ("features", name)
    return change(f"feature_{happened}", name, path, feature, say(happened), "is", **values)


def describe_whole_rule(feature: Pair, rule: Pair, index: FlagIndex) -> Change:
    """Describe a rule that was added or removed, and its campaign with it, or the whole flag."""
    if not feature.kept:
        return describe_whole_feature(feature, index)
    name, happened = label(feature.either), "removed" if rule.removed else "added"
    side, details = (BEFORE, "was") if rule.removed else (AFTER, "details")
    values = {details: _details(rule, index, side)}
    path = ("features", name, "rules", label(rule.either))
    what = say(f"thing_{happened}", thing=rule_name(rule))
    return change(f"rule_{happened}", name, path, rule, what, "is", **values)


def describe_target(feature: Pair, rule: Pair, index: FlagIndex) -> Change:
    """Describe that a rule applies another campaign than before, by the campaigns' names."""
    name, number = label(feature.either), rule.get("campaignId")
    path = ("features", name, "rules", label(rule.either), "campaignId")
    what = say("campaign_of", rule=rule_name(rule))
    return change("other", name, path, index.campaign_keys(number), what, **{"as": "plain"})


def describe_impact(feature: Pair, index: FlagIndex) -> Change:
    """Describe that a flag's impact is measured by another campaign, or by none any more."""
    name = label(feature.either)
    number = feature.get("impactCampaign").get("campaignId")
    path, what = ("features", name, "impactCampaign"), say("impact_campaign")
    if not number.differs:
        pair = feature.get("impactCampaign")
        return change("other", name, path, pair, what, **{"as": "value"})
    return change("other", name, path, index.campaign_keys(number), what, **{"as": "plain"})


def switch_kind(feature: Pair) -> str | None:
    """Return the kind of change if a flag was switched on or off, else None."""
    if not feature.kept:
        return None
    before, after = (str(status).upper() for status in feature.get("status"))
    return SWITCHES.get((before, after))


def describe_switch(feature: Pair, index: FlagIndex) -> Change:
    """Describe a flag that was switched off, or on for a share of users."""
    kind, name, status = switch_kind(feature) or "other", label(feature.either), "status"
    share = _share_when_on(feature, index, AFTER)
    what = say(kind)
    if kind == "switched_on" and share is not None:
        what = say("switched_on_at", share=form("percent", share))
    values = {"as": "status", "whole_flag": True}
    return change(kind, name, ("features", name, status), feature.get(status), what, "is", **values)


def explained_by_switch(use: Use, weight: Pair, index: FlagIndex) -> bool:
    """Whether the weight of a rollout rule changed only because its flag was switched."""
    rolls_out = use.rule.get("type").either == ROLLOUT
    if not rolls_out or not all(is_number(side) for side in weight):
        return False
    match switch_kind(use.feature):
        case "switched_off":
            return bool(weight.after == 0)
        case "switched_on":
            share = _share_when_on(use.feature, index, AFTER)
            return bool(weight.before == 0 and weight.after == share)
    return False


def is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _describe_variation(difference: Difference, feature: Pair, index: FlagIndex) -> Change:
    """Describe that a rule applies another variation of its campaign, by the variations' names."""
    name, rule = label(feature.either), difference.items[1]
    if rule.get("campaignId").differs:
        return describe_target(feature, rule, index)
    what = say("key_of", key=form("key", "variation"), place=rule_name(rule))
    pair = index.variation_names(rule)
    return change("other", name, difference.path, pair, what, **{"as": "plain"})


def _share_when_on(feature: Pair, index: FlagIndex, side: int) -> Any:
    """Return the share of users that all rollout rules of a flag have, None if they differ."""
    return _share(_on_side(rules(feature, ROLLOUT), side), index, side)


def _share(rollouts: list[Pair], index: FlagIndex, side: int) -> Any:
    weights = [index.variation_of(rule).get("weight")[side] for rule in rollouts]
    alike = all(is_number(weight) and weight == weights[0] for weight in weights)
    return weights[0] if weights and alike else None


def _on_side(both: list[Pair], side: int) -> list[Pair]:
    return [rule for rule in both if rule[side] is not MISSING]


def _state(feature: Pair, index: FlagIndex, side: int) -> list[Phrase]:
    """Return for example ``on``, ``rollout 50 %``, ``2 testing rules``."""
    status = feature[side].get("status")
    state = [] if status is None else [form("status", cut(str(status)))]
    of_type: dict[str, list[Pair]] = {rule_type: [] for rule_type in RULE_TYPES}
    for rule in _on_side(rules(feature), side):
        of_type.get(str(rule.either.get("type")), []).append(rule)
    share = _share(of_type[ROLLOUT], index, side)
    if str(status).upper() == "ON" and share is not None:
        state.append(say("rollout_of", share=form("percent", share)))
    for rule_type, found in of_type.items():
        # one rollout rule is what every flag has
        if len(found) > (rule_type == ROLLOUT):
            state.append(say(f"number_{rule_type}", number=len(found)))
    return state


def _details(rule: Pair, index: FlagIndex, side: int) -> list[Phrase]:
    """Return what is important about a rule: its share of users, and which users."""
    campaign, variation = index.campaign_of(rule), index.variation_of(rule)
    if rule.either.get("type") == TESTING:
        what, holder, number = "traffic_of", campaign, campaign.get("percentTraffic")[side]
    else:
        what, holder, number = "share_of", variation, variation.get("weight")[side]
    segments = holder.get("segments")[side]
    details = [say(what, share=form("percent", number))] if is_number(number) else []
    if segments is not MISSING and segments != {}:
        details.append(say("if", users=form("condition", segments)))
    return details
