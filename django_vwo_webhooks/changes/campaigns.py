"""Sentences about campaigns, which hold what the rules of flags do."""

from typing import NamedTuple

from .differences import Difference, Pair, label, matched
from .features import is_share, switch_says, tell_switch, tell_whole_rule
from .flags import PERSONALIZE, ROLLOUT, Flags, Use, rules
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
from .segments import targeting, whitelist
from .words import LONGEST_WORDS, cut, percent, switched, turn


class Campaign(NamedTuple):
    """A campaign, the variation of it that differs, if one does, and the rule that uses them."""

    pair: Pair
    variation: Pair | None
    use: Use | None

    @property
    def feature(self) -> str:
        """The key of its flag, or "" where no flag uses it."""
        return label(self.use.feature.either) if self.use else ""

    @property
    def rule(self) -> str:
        """What people call its rule."""
        if self.use:
            return self.use.words
        return f"campaign {cut(label(self.pair.either))} (used by no flag)"

    @property
    def part(self) -> str:
        """The rule and, where it may have several, the variation."""
        if self.variation is None or self.rolls_out:
            return self.rule
        return f"{self.rule}, variation {cut(label(self.variation.either))}"

    @property
    def rolls_out(self) -> bool:
        """Whether each variation is a rule, with a share of users and segments of its own.

        So the SDK reads rollout and personalize rules, in ``campaign_decision_service``. What
        the campaign itself says of traffic and segments counts in testing rules only.
        """
        return self.pair.get("type").either in (ROLLOUT, PERSONALIZE)

    @property
    def path(self) -> tuple[str, str]:
        """Where it lies in the document."""
        return ("campaigns", label(self.pair.either))

    def is_only(self, kind: str | None = None) -> bool:
        """Whether its rule rolls out the flag and there is no other rule, or none of a kind."""
        if not self.use or not self.use.is_rule:
            return False
        return rules(self.use.feature, kind) == [self.use.rule] == rules(self.use.feature, ROLLOUT)


def tell_campaign(difference: Difference, flags: Flags) -> Change:
    """What happened to a campaign, said of the rule that uses it."""
    variation = difference.items[1] if difference.shape[2:4] == ("variations", None) else None
    campaign = _campaign(difference.items[0], variation, flags)
    feature, of = campaign.feature, f" of {campaign.part}{_shared(campaign, flags)}"
    match difference.shape[2:]:
        case () | ("variations", None):
            return _tell_whole(difference, campaign, flags)
        case ("variations", None, "weight") if campaign.rolls_out:
            return _tell_share(difference.items[1], campaign, flags)
        case ("variations", None, "weight"):
            return _tell_split(campaign, flags)
        case ("percentTraffic",):
            return _tell_traffic(difference, campaign, flags)
        case ("segments",) | ("variations", None, "segments"):
            return _tell_segments(difference, campaign, of)
        case ("isForcedVariationEnabled",):
            words = f"whitelisting{of} {turn(difference.pair, switched)}"
            return tell("whitelist", feature, difference, words)
        case ("key" | "name",) | ("variations", None, "key" | "name"):
            return tell_renamed(difference, feature, of)
        case ("variations",) if difference.reordered:
            return tell_reordered(difference, feature, of)
        case ("variables", None, *_):
            return tell_variable(difference, 4, feature, of)
        case ("metrics", None, *_):
            return tell_metric(difference, 4, feature, of)
        case ("variations", None, "variables", None, *_):
            where = "" if campaign.is_only() else f" in {of.removeprefix(' of ')}"
            return tell_variable(difference, 6, feature, where)
    return tell_other(difference, 2 if variation is None else 4, feature, of)


def _campaign(pair: Pair, variation: Pair | None, flags: Flags) -> Campaign:
    return Campaign(pair, variation, flags.use(pair, variation))


def _shared(campaign: Campaign, flags: Flags) -> str:
    """The other flags that use the campaign, in parentheses."""
    others = {label(use.feature.either) for use in flags.uses(campaign.pair)} - {campaign.feature}
    return f" (shared with {', '.join(map(cut, sorted(others)))})" if others else ""


def _tell_whole(difference: Difference, campaign: Campaign, flags: Flags) -> Change:
    """A campaign or variation is new or gone, alone or with the rule that it is for."""
    pair, use = difference.pair, campaign.use
    if use and _came_or_went_with(use, campaign):
        return tell_whole_rule(use.feature, use.rule, flags)
    happened = "removed" if pair.removed else "added"
    if campaign.variation is None:
        name = f"campaign {cut(label(pair.either))}"
        words = f"{name} of {campaign.rule} {happened}" if use else f"{campaign.rule} {happened}"
        return tell("other", campaign.feature, difference, words)
    words = f"variation {cut(label(pair.either))} of {campaign.rule} {happened}"
    if pair.added and is_share(pair.after.get("weight")):
        words += f": {percent(pair.after['weight'])}"
    return tell(f"variation_{happened}", campaign.feature, difference, words)


def _came_or_went_with(use: Use, campaign: Campaign) -> bool:
    rule, pair = use.rule, campaign.variation or campaign.pair
    if not use.is_rule or (rule.added, rule.removed) != (pair.added, pair.removed):
        return False
    variation = campaign.variation
    return variation is None or variation.get("id").either == use.variation_id


def _tell_share(variation: Pair, campaign: Campaign, flags: Flags) -> Change:
    """The share of users that a rule serves, unless its flag was switched and that says it."""
    use, weight = campaign.use, variation.get("weight")
    shared = _shared(campaign, flags)
    if use and not shared and switch_says(use, weight, flags):
        return tell_switch(use.feature, flags)
    what = "rollout" if campaign.is_only(ROLLOUT) else f"share of {campaign.rule}"
    words = f"{what}{shared} {turn(weight, percent)}"
    path = (*campaign.path, "variations", label(variation.either), "weight")
    return change("rollout", campaign.feature, path, weight, about(campaign.feature, words))


def _tell_split(campaign: Campaign, flags: Flags) -> Change:
    """The weights of a testing rule's variations in one, for some gain what others lose."""
    weights = [
        (label(one.either), one.get("weight"))
        for one in matched(campaign.pair.get("variations"), "variations")
        if one.kept and one.get("weight").differs
    ]
    parts = ", ".join(f"{cut(name)} {turn(weight, percent)}" for name, weight in weights)
    words = f"split of {campaign.rule}{_shared(campaign, flags)}: {parts}"
    before = {name: weight.before for name, weight in weights if not weight.added}
    after = {name: weight.after for name, weight in weights if not weight.removed}
    text = about(campaign.feature, words)
    path = (*campaign.path, "variations")
    return change("weight", campaign.feature, path, Pair(before, after), text)


def _tell_traffic(difference: Difference, campaign: Campaign, flags: Flags) -> Change:
    """The traffic of a campaign, unless it says no more than the share of its rule."""
    traffic = difference.pair
    if campaign.rolls_out:
        for variation in matched(campaign.pair.get("variations"), "variations"):
            told = _tell_share(variation, _campaign(campaign.pair, variation, flags), flags)
            if _is_the_share(traffic, variation.get("weight"), told["kind"]):
                return told
    kind, what = "traffic", f"traffic of {campaign.rule}"
    if campaign.is_only(ROLLOUT) and _is_off(campaign):
        kind, what = "rollout", "rollout when switched on"
    words = f"{what}{_shared(campaign, flags)} {turn(traffic, percent)}"
    return tell(kind, campaign.feature, difference, words)


def _is_the_share(traffic: Pair, weight: Pair, kind: str) -> bool:
    """Whether traffic went along with a weight, or has the share that a switch tells."""
    if not weight.differs or not all(is_share(side) for side in (*traffic, *weight)):
        return False
    match kind:
        case "switched_off":
            return bool(traffic.after == weight.before)
        case "switched_on":
            return bool(traffic.after == weight.after)
    return bool(traffic == weight)


def _is_off(campaign: Campaign) -> bool:
    return campaign.use is not None and campaign.use.feature.get("status").after == "OFF"


def _tell_segments(difference: Difference, campaign: Campaign, of: str) -> Change:
    """Who a rule is for; in the variations of a testing rule, who is put into them."""
    if campaign.variation is not None and not campaign.rolls_out:
        words = f"whitelist{of}: {turn(difference.pair, whitelist, LONGEST_WORDS)}"
        return tell("whitelist", campaign.feature, difference, words)
    if campaign.variation is None and campaign.rolls_out:
        of = f" of the campaign{of}"
    words = f"targeting{of}: {turn(difference.pair, targeting, LONGEST_WORDS)}"
    return tell("segments", campaign.feature, difference, words)
