"""Changes of campaigns, which contain what the rules of flags do."""

from .differences import Difference
from .features import describe_switch, describe_use, explained_by_switch, is_number
from .index import ROLLOUT, Campaign, FlagIndex
from .kinds import change
from .pairs import Pair, label, matched
from .sentences import (
    Change,
    Phrase,
    describe,
    describe_metric,
    describe_other,
    describe_renamed,
    describe_reordered,
    describe_segments,
    describe_variable,
    form,
    say,
)
from .text import LONGEST_PHRASE, cut


def describe_campaign(difference: Difference, index: FlagIndex) -> Change:
    """Describe a difference in a campaign, as one in the rule that uses it.

    Where the flag or the rule is new or gone, or applies another campaign, that is the change.
    """
    variation = difference.items[1] if difference.shape[2:4] == ("variations", None) else None
    campaign = _campaign(difference.items[0], variation, index)
    if campaign.use and not campaign.use.is_steady:
        return describe_use(campaign.use, index)
    feature, place = campaign.feature, _shared(campaign.part, campaign, index)
    match difference.shape[2:]:
        case () | ("variations", None):
            return _describe_whole(difference, campaign)
        case ("variations", None, "weight") if campaign.rolls_out:
            return _describe_share(difference.items[1], campaign, index)
        case ("variations", None, "weight"):
            return _describe_split(campaign, index)
        case ("percentTraffic",):
            return _describe_traffic(difference, campaign, index)
        case ("segments",) | ("variations", None, "segments"):
            return _describe_segments(difference, campaign, place)
        case ("isForcedVariationEnabled",):
            what = say("whitelisting", rule=place)
            return describe("whitelist", feature, difference, what, **{"as": "switch"})
        case ("key" | "name",) | ("variations", None, "key" | "name"):
            return describe_renamed(difference, feature, place)
        case ("variations",) if difference.reordered:
            return describe_reordered(difference, feature, place)
        case ("variables", None, *_):
            return describe_variable(difference, 4, feature, place)
        case ("metrics", None, *_):
            return describe_metric(difference, 4, feature, place)
        case ("variations", None, "variables", None, *_):
            return describe_variable(difference, 6, feature, "" if campaign.is_only() else place)
    return describe_other(difference, 2 if variation is None else 4, feature, place)


def _campaign(pair: Pair, variation: Pair | None, index: FlagIndex) -> Campaign:
    return Campaign(pair, variation, index.use_of(pair, variation))


def _shared(place: Phrase, campaign: Campaign, index: FlagIndex) -> Phrase:
    """Add the other flags that use the campaign."""
    features = {label(use.feature.either) for use in index.uses_of(campaign.pair)}
    others = features - {campaign.feature}
    if not others:
        return place
    return say("shared", place=place, flags=cut(", ".join(sorted(others)), LONGEST_PHRASE))


def _describe_whole(difference: Difference, campaign: Campaign) -> Change:
    """Describe a campaign or variation that was added or removed without its rule."""
    pair = difference.pair
    happened = "removed" if pair.removed else "added"
    if campaign.variation is None:
        thing: Phrase = campaign.rule
        if campaign.use:
            thing = say("campaign_named", key=cut(label(pair.either)), rule=thing)
        what = say(f"thing_{happened}", thing=thing)
        return describe("other", campaign.feature, difference, what, how="is")
    thing = say("variation_named", name=cut(label(pair.either)), rule=campaign.rule)
    weight, details = pair.either.get("weight"), {}
    if is_number(weight):
        details = {"was" if pair.removed else "details": [form("percent", weight)]}
    what = say(f"thing_{happened}", thing=thing)
    return describe(
        f"variation_{happened}", campaign.feature, difference, what, how="is", **details
    )


def _describe_share(variation: Pair, campaign: Campaign, index: FlagIndex) -> Change:
    """Describe the share of users of a rule, or the switch of its flag if that explains it."""
    use, weight = campaign.use, variation.get("weight")
    what = say("rollout") if campaign.is_only(ROLLOUT) else say("share", rule=campaign.rule)
    shared = _shared(what, campaign, index)
    if use and shared is what and explained_by_switch(use, weight, index):
        return describe_switch(use.feature, index)
    path = (*campaign.path, "variations", label(variation.either), "weight")
    return change("rollout", campaign.feature, path, weight, shared, **{"as": "percent"})


def _describe_split(campaign: Campaign, index: FlagIndex) -> Change:
    """Describe the weights of a testing rule's variations together: they depend on each other."""
    weights = [
        (label(one.either), one.get("weight"))
        for one in matched(campaign.pair.get("variations"), "variations")
        if one.kept and one.get("weight").differs
    ]
    before = {name: weight.before for name, weight in weights if not weight.added}
    after = {name: weight.after for name, weight in weights if not weight.removed}
    what = _shared(say("split", rule=campaign.rule), campaign, index)
    path = (*campaign.path, "variations")
    pair = Pair(before, after)
    return change("weight", campaign.feature, path, pair, what, **{"as": "shares"})


def _describe_traffic(difference: Difference, campaign: Campaign, index: FlagIndex) -> Change:
    """Describe the traffic of a campaign, or the share of its rule if that explains it."""
    traffic, how = difference.pair, None
    if campaign.rolls_out:
        for variation in matched(campaign.pair.get("variations"), "variations"):
            one = _campaign(campaign.pair, variation, index)
            described = _describe_share(variation, one, index)
            if _follows_weight(traffic, variation.get("weight"), described["kind"]):
                return described
        if not traffic.kept:
            how = "set_without_effect" if traffic.added else "unset_without_effect"
    kind, what = "traffic", say("traffic", rule=campaign.rule)
    if campaign.is_only(ROLLOUT) and _is_off(campaign) and traffic.kept:
        kind, what = "rollout", say("rollout_when_on")
    shared = _shared(what, campaign, index)
    return describe(kind, campaign.feature, difference, shared, how=how, **{"as": "percent"})


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


def _describe_segments(difference: Difference, campaign: Campaign, place: Phrase) -> Change:
    """Describe which users a rule applies to, or which ones are put into a variation of a test."""
    feature = campaign.feature
    if campaign.variation is not None and not campaign.rolls_out:
        what = say("whitelist", rule=place)
        return describe_segments("whitelist", feature, difference, what, "whitelist")
    of_campaign = campaign.variation is None and campaign.rolls_out
    what = say("campaign_targeting" if of_campaign else "targeting", rule=place)
    return describe_segments("segments", feature, difference, what, "targeting")
