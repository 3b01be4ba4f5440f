"""Sentences about flags and their rules."""

from typing import Any

from .differences import Difference, Pair, label
from .flags import ROLLOUT, RULES, TESTING, Flags, Use, rule_words, rules
from .kinds import change
from .parts import (
    Change,
    about,
    tell,
    tell_metric,
    tell_other,
    tell_renamed,
    tell_reordered,
    tell_variable,
)
from .segments import targeting
from .words import bare, cut, news, percent

SWITCHES = {("OFF", "ON"): "switched_on", ("ON", "OFF"): "switched_off"}


def tell_feature(difference: Difference, flags: Flags) -> Change:
    """What happened to a flag itself; its campaigns stand elsewhere in the document."""
    feature = difference.items[0]
    name = label(feature.either)
    match difference.shape[2:]:
        case ():
            return tell_whole_feature(feature, flags)
        case ("status",) if switch(feature):
            return tell_switch(feature, flags)
        case ("key" | "name",):
            return tell_renamed(difference, name, "")
        case ("rules", None):
            return tell_whole_rule(feature, difference.items[1], flags)
        case ("rules", None, "ruleKey"):
            words = news(f"key of {rule_words(difference.items[1])}", difference.pair)
            return tell("renamed", name, difference, words)
        case ("rules", None, *_):
            return tell_other(difference, 4, name, f" of {rule_words(difference.items[1])}")
        case ("rules",) if difference.reordered:
            return tell_reordered(difference, name, "")
        case ("variables", None, *_):
            return tell_variable(difference, 4, name, "")
        case ("metrics", None, *_):
            return tell_metric(difference, 4, name, "")
    return tell_other(difference, 2, name, "")


def tell_whole_feature(feature: Pair, flags: Flags) -> Change:
    """A flag is new or gone, and its rules with it."""
    name = label(feature.either)
    if feature.removed:
        kind, text = "feature_removed", f"{cut(name)} removed"
    else:
        kind, text = "feature_added", f"{cut(name)} added: {_state(feature, flags)}"
    return change(kind, name, ("features", name), feature, text)


def tell_whole_rule(feature: Pair, rule: Pair, flags: Flags) -> Change:
    """A rule is new or gone, and its campaign with it; both may be due to their flag."""
    if not feature.kept:
        return tell_whole_feature(feature, flags)
    name = label(feature.either)
    path = ("features", name, "rules", label(rule.either))
    if rule.removed:
        text = about(name, f"{rule_words(rule)} removed")
        return change("rule_removed", name, path, rule, text)
    details = ", ".join(_details(rule, flags))
    text = about(name, f"{rule_words(rule)} added{details and f': {details}'}")
    return change("rule_added", name, path, rule, text)


def switch(feature: Pair) -> str | None:
    """The kind of change where a flag was switched, None where it was not."""
    if not feature.kept:
        return None
    before, after = (str(status).upper() for status in feature.get("status"))
    return SWITCHES.get((before, after))


def tell_switch(feature: Pair, flags: Flags) -> Change:
    """A flag was switched on, to a share of users, or off."""
    kind, name = switch(feature) or "other", label(feature.either)
    text = f"{cut(name)} switched {'off' if kind == 'switched_off' else 'on'}"
    share = _share_when_on(feature, flags)
    if kind == "switched_on" and share is not None:
        text += f" at {percent(share)}"
    return change(kind, name, ("features", name, "status"), feature.get("status"), text)


def switch_says(use: Use, weight: Pair, flags: Flags) -> bool:
    """Whether a weight is that of a rollout rule and changed as the switch of its flag has it."""
    rolls_out = use.rule.get("type").either == ROLLOUT
    if not rolls_out or not all(is_share(side) for side in weight):
        return False
    match switch(use.feature):
        case "switched_off":
            return bool(weight.after == 0)
        case "switched_on":
            return bool(weight.before == 0 and weight.after == _share_when_on(use.feature, flags))
    return False


def is_share(value: Any) -> bool:
    """Whether a value is a number."""
    return type(value) in (int, float)


def _share_when_on(feature: Pair, flags: Flags) -> Any:
    """The share of users that all rollout rules of a flag have now, None without such a one."""
    weights = [flags.variation(rule).get("weight").after for rule in _rollouts(feature)]
    alike = all(is_share(weight) and weight == weights[0] for weight in weights)
    return weights[0] if weights and alike else None


def _rollouts(feature: Pair) -> list[Pair]:
    return [rule for rule in rules(feature, ROLLOUT) if not rule.removed]


def _state(feature: Pair, flags: Flags) -> str:
    """``on, rollout 50 %, 2 testing rules``."""
    status = bare(feature.after.get("status", "without status"))
    state = [cut(status.lower())]
    share = _share_when_on(feature, flags)
    if status.upper() == "ON" and share is not None:
        state.append(f"rollout {percent(share)}")
    for kind, words in RULES.items():
        number = len(rules(feature, kind))
        if number > (kind == ROLLOUT):
            state.append(f"{number} {words}{'s' if number > 1 else ''}")
    return ", ".join(state)


def _details(rule: Pair, flags: Flags) -> list[str]:
    """What matters about a new rule: for how many, and for whom."""
    campaign, variation = flags.campaign(rule), flags.variation(rule)
    if rule.after.get("type") == TESTING:
        share, segments = campaign.get("percentTraffic").after, campaign.get("segments").after
        words = "traffic"
    else:
        share, segments = variation.get("weight").after, variation.get("segments").after
        words = "share"
    details = [f"{words} {percent(share)}"] if is_share(share) else []
    who = targeting(segments)
    return details if who == "everybody" else [*details, f"for {cut(who, 120)}"]
