"""Sentences about campaigns, which contain what the rules of flags do."""

from .differences import Difference
from .features import describe_switch, describe_whole_rule, explained_by_switch, is_number
from .index import ROLLOUT, Campaign, FlagIndex, Use
from .kinds import change
from .pairs import Pair, label, matched
from .segments import targeting, whitelist
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
from .text import LONGEST_PHRASE, cut, on_or_off, percent, transition


def describe_campaign(difference: Difference, index: FlagIndex) -> Change:
    """Describe a difference in a campaign, as one in the rule that uses it."""
    variation = difference.items[1] if difference.shape[2:4] == ("variations", None) else None
    campaign = _campaign(difference.items[0], variation, index)
    feature, of = campaign.feature, f" of {campaign.part}{_shared(campaign, index)}"
    match difference.shape[2:]:
        case () | ("variations", None):
            return _describe_whole(difference, campaign, index)
        case ("variations", None, "weight") if campaign.rolls_out:
            return _describe_share(difference.items[1], campaign, index)
        case ("variations", None, "weight"):
            return _describe_split(campaign, index)
        case ("percentTraffic",):
            return _describe_traffic(difference, campaign, index)
        case ("segments",) | ("variations", None, "segments"):
            return _describe_segments(difference, campaign, of)
        case ("isForcedVariationEnabled",):
            phrase = f"whitelisting{of} {transition(difference.pair, on_or_off)}"
            return describe("whitelist", feature, difference, phrase)
        case ("key" | "name",) | ("variations", None, "key" | "name"):
            return describe_renamed(difference, feature, of)
        case ("variations",) if difference.reordered:
            return describe_reordered(difference, feature, of)
        case ("variables", None, *_):
            return describe_variable(difference, 4, feature, of)
        case ("metrics", None, *_):
            return describe_metric(difference, 4, feature, of)
        case ("variations", None, "variables", None, *_):
            where = "" if campaign.is_only() else f" in {of.removeprefix(' of ')}"
            return describe_variable(difference, 6, feature, where)
    return describe_other(difference, 2 if variation is None else 4, feature, of)


def _campaign(pair: Pair, variation: Pair | None, index: FlagIndex) -> Campaign:
    return Campaign(pair, variation, index.use_of(pair, variation))


def _shared(campaign: Campaign, index: FlagIndex) -> str:
    """Return the other flags that use the campaign, in parentheses."""
    features = {label(use.feature.either) for use in index.uses_of(campaign.pair)}
    others = features - {campaign.feature}
    return f" (shared with {', '.join(map(cut, sorted(others)))})" if others else ""


def _describe_whole(difference: Difference, campaign: Campaign, index: FlagIndex) -> Change:
    """Describe a campaign or variation that was added or removed, alone or with its rule."""
    pair, use = difference.pair, campaign.use
    if use and _appeared_or_disappeared_with(use, campaign):
        return describe_whole_rule(use.feature, use.rule, index)
    happened = "removed" if pair.removed else "added"
    if campaign.variation is None:
        name = f"campaign {cut(label(pair.either))}"
        phrase = f"{name} of {campaign.rule} {happened}" if use else f"{campaign.rule} {happened}"
        return describe("other", campaign.feature, difference, phrase)
    phrase = f"variation {cut(label(pair.either))} of {campaign.rule} {happened}"
    if pair.added and is_number(pair.after.get("weight")):
        phrase += f": {percent(pair.after['weight'])}"
    return describe(f"variation_{happened}", campaign.feature, difference, phrase)


def _appeared_or_disappeared_with(use: Use, campaign: Campaign) -> bool:
    rule, pair = use.rule, campaign.variation or campaign.pair
    if not use.is_rule or (rule.added, rule.removed) != (pair.added, pair.removed):
        return False
    variation = campaign.variation
    return variation is None or variation.get("id").either == use.variation_id


def _describe_share(variation: Pair, campaign: Campaign, index: FlagIndex) -> Change:
    """Describe the share of users of a rule, or the switch of its flag if that explains it."""
    use, weight = campaign.use, variation.get("weight")
    shared = _shared(campaign, index)
    if use and not shared and explained_by_switch(use, weight, index):
        return describe_switch(use.feature, index)
    what = "rollout" if campaign.is_only(ROLLOUT) else f"share of {campaign.rule}"
    phrase = f"{what}{shared} {transition(weight, percent)}"
    path = (*campaign.path, "variations", label(variation.either), "weight")
    return change("rollout", campaign.feature, path, weight, sentence(campaign.feature, phrase))


def _describe_split(campaign: Campaign, index: FlagIndex) -> Change:
    """Describe the weights of a testing rule's variations together: they depend on each other."""
    weights = [
        (label(one.either), one.get("weight"))
        for one in matched(campaign.pair.get("variations"), "variations")
        if one.kept and one.get("weight").differs
    ]
    split = ", ".join(f"{cut(name)} {transition(weight, percent)}" for name, weight in weights)
    phrase = f"split of {campaign.rule}{_shared(campaign, index)}: {split}"
    before = {name: weight.before for name, weight in weights if not weight.added}
    after = {name: weight.after for name, weight in weights if not weight.removed}
    text = sentence(campaign.feature, phrase)
    path = (*campaign.path, "variations")
    return change("weight", campaign.feature, path, Pair(before, after), text)


def _describe_traffic(difference: Difference, campaign: Campaign, index: FlagIndex) -> Change:
    """Describe the traffic of a campaign, or the share of its rule if that explains it."""
    traffic = difference.pair
    if campaign.rolls_out:
        for variation in matched(campaign.pair.get("variations"), "variations"):
            described = _describe_share(
                variation, _campaign(campaign.pair, variation, index), index
            )
            if _follows_weight(traffic, variation.get("weight"), described["kind"]):
                return described
    kind, what = "traffic", f"traffic of {campaign.rule}"
    if campaign.is_only(ROLLOUT) and _is_off(campaign):
        kind, what = "rollout", "rollout when switched on"
    phrase = f"{what}{_shared(campaign, index)} {transition(traffic, percent)}"
    return describe(kind, campaign.feature, difference, phrase)


def _follows_weight(traffic: Pair, weight: Pair, kind: str) -> bool:
    """Whether traffic changed as a weight did, or to the share that a switch was for."""
    if not weight.differs or not all(is_number(side) for side in (*traffic, *weight)):
        return False
    match kind:
        case "switched_off":
            return bool(traffic.after == weight.before)
        case "switched_on":
            return bool(traffic.after == weight.after)
    return bool(traffic == weight)


def _is_off(campaign: Campaign) -> bool:
    return campaign.use is not None and campaign.use.feature.get("status").after == "OFF"


def _describe_segments(difference: Difference, campaign: Campaign, of: str) -> Change:
    """Describe which users a rule applies to, or which ones are put into a variation of a test."""
    if campaign.variation is not None and not campaign.rolls_out:
        phrase = f"whitelist{of}: {transition(difference.pair, whitelist, LONGEST_PHRASE)}"
        return describe("whitelist", campaign.feature, difference, phrase)
    if campaign.variation is None and campaign.rolls_out:
        of = f" of the campaign{of}"
    phrase = f"targeting{of}: {transition(difference.pair, targeting, LONGEST_PHRASE)}"
    return describe("segments", campaign.feature, difference, phrase)
