"""An index of two normal forms: which flag and rule each campaign belongs to.

VWO links them by ``rules[].campaignId`` and, where several rules share one campaign, by
``variationId``. The ``impactCampaign`` of a flag also refers to a campaign by ``campaignId``.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from .normal import canonical
from .pairs import MISSING, NEITHER, Pair, label, matched
from .sentences import Phrase, say
from .text import cut

ROLLOUT = "FLAG_ROLLOUT"
TESTING = "FLAG_TESTING"
PERSONALIZE = "FLAG_PERSONALIZE"

RULE_TYPES = (ROLLOUT, TESTING, PERSONALIZE)


class Use(NamedTuple):
    """What uses a campaign: a rule of a flag, or the measurement of the flag's impact."""

    feature: Pair
    rule: Pair
    is_rule: bool = True

    @property
    def name(self) -> Phrase:
        return rule_name(self.rule) if self.is_rule else say("of_its_impact_campaign")

    @property
    def is_steady(self) -> bool:
        """Whether the flag and the rule are neither new nor gone, and the campaign is the same."""
        if not self.feature.kept or (self.is_rule and not self.rule.kept):
            return False
        return not self.rule.get("campaignId").differs

    @property
    def variation_id(self) -> Any:
        """The id of the variation that it applies, MISSING where it names none."""
        return self.rule.get("variationId").either


class Campaign(NamedTuple):
    """A campaign, the variation of it that differs, if any, and the rule that uses them."""

    pair: Pair
    variation: Pair | None
    use: Use | None

    @property
    def feature(self) -> str:
        """The key of its flag, or "" where no flag uses it."""
        return label(self.use.feature.either) if self.use else ""

    @property
    def rule(self) -> Phrase:
        """The name of its rule."""
        if self.use:
            return self.use.name
        return say("unused_campaign", key=cut(label(self.pair.either)))

    @property
    def part(self) -> Phrase:
        """The rule and, where it may have several, the variation."""
        if self.variation is None or self.rolls_out:
            return self.rule
        return say("variation_of", rule=self.rule, name=cut(label(self.variation.either)))

    @property
    def rolls_out(self) -> bool:
        """Whether each variation is a rule, with its own share of users and segments.

        The SDK reads rollout and personalize rules in this way, in ``campaign_decision_service``;
        the traffic and segments of the campaign itself affect testing rules only.
        """
        return self.pair.get("type").either in (ROLLOUT, PERSONALIZE)

    @property
    def path(self) -> tuple[str, str]:
        """Its place in the document."""
        return ("campaigns", label(self.pair.either))

    def is_only(self, rule_type: str | None = None) -> bool:
        """Whether its rule is a rollout rule, and the only rule of the flag or of that type."""
        if not self.use or not self.use.is_rule:
            return False
        types = [rule.either.get("type") for rule in rules(self.use.feature)]
        if rule_type is not None:
            types = [one for one in types if one == rule_type]
        return types == [self.use.rule.either.get("type")] == [ROLLOUT]


class FlagIndex:
    """The flags of two documents, and which of their rules use which campaign."""

    def __init__(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        document = Pair(before, after)
        self.features = matched(document.get("features"), "features")
        self.campaigns = {
            canonical(pair.either.get("id")): pair
            for pair in matched(document.get("campaigns"), "campaigns")
        }
        groups = document.get("groups")
        self.groups = {
            number: groups.get(number)
            for side in groups
            if isinstance(side, dict)
            for number in side
        }
        uses = [use for feature in self.features for use in _uses(feature)]
        self._former, self._current = _by_campaign(uses, 0), _by_campaign(uses, 1)

    def order(self) -> dict[str, int]:
        """Return the place of each flag's key in the order of ids; longer numbers are greater."""
        ids = [canonical(feature.either.get("id")) for feature in self.features]
        placed = sorted(range(len(ids)), key=lambda place: (len(ids[place]), ids[place]))
        ordered = [self.features[place] for place in placed]
        return {label(feature.either): place for place, feature in enumerate(ordered)}

    def uses_of(self, campaign: Pair) -> list[Use]:
        """Return the uses of a campaign, or its former uses where it has none any more."""
        number = canonical(campaign.either.get("id"))
        return self._current.get(number) or self._former.get(number, [])

    def use_of(self, campaign: Pair, variation: Pair | None = None) -> Use | None:
        """Return a use of a campaign, or of its variation where a rule names that.

        Of several it is the first one that has not changed itself.
        """
        uses = self.uses_of(campaign)
        if variation is not None:
            former = self._former.get(canonical(campaign.either.get("id")), [])
            wanted = variation.get("id").either
            uses = [use for use in [*uses, *former] if use.variation_id == wanted] or uses
        return next((use for use in uses if use.is_steady), uses[0] if uses else None)

    def member_name(self, number: str) -> Phrase:
        """Name the rule of a group's member: ``4`` is a campaign, ``3_1`` a variation of one."""
        campaign, _, variation = number.partition("_")
        pair = self.campaigns.get(campaign) or self.campaigns.get(canonical(campaign))
        uses = self.uses_of(pair) if pair else []
        named = [use for use in uses if str(use.variation_id) == variation]
        for use in (named or uses)[:1]:
            rule, flag = cut(label(use.rule.either)), cut(label(use.feature.either))
            return say("rule_of_flag", rule=rule, flag=flag)
        return say("campaign", key=cut(number))

    def member_names(self, *lists: Any) -> dict[str, Phrase]:
        """Return the names of all members in these lists."""
        return {
            one: self.member_name(one)
            for numbers in lists
            if isinstance(numbers, list)
            for one in numbers
            if isinstance(one, str)
        }

    def flag_keys(self, *lists: Any) -> dict[str, str]:
        """Return the keys of the flags whose ids are in these lists."""
        keys = {canonical(one.either.get("id")): label(one.either) for one in self.features}
        ids = [canonical(one) for ids in lists if isinstance(ids, list) for one in ids]
        return {one: cut(keys.get(one, one)) for one in ids}

    def campaign_keys(self, numbers: Pair) -> Pair:
        """Return the keys of the campaigns that have these ids."""
        keys = (one if one is MISSING else self._campaign_key(one) for one in numbers)
        return _told_apart(Pair(*keys), numbers)

    def variation_names(self, rule: Pair) -> Pair:
        """Return the names of the variations that a rule names."""
        variations = matched(self.campaign_of(rule).get("variations"), "variations")
        names = {canonical(one.either.get("id")): label(one.either) for one in variations}
        numbers = rule.get("variationId")
        named = (
            one if one is MISSING else cut(names.get(canonical(one), canonical(one)))
            for one in numbers
        )
        return _told_apart(Pair(*named), numbers)

    def _campaign_key(self, number: Any) -> str:
        pair = self.campaigns.get(canonical(number))
        return cut(label(pair.either) if pair else canonical(number))

    def campaign_of(self, rule: Pair) -> Pair:
        return self.campaigns.get(canonical(rule.either.get("campaignId")), NEITHER)

    def variation_of(self, rule: Pair) -> Pair:
        """Return the variation that a rule names, or else the first one of its campaign."""
        variations = matched(self.campaign_of(rule).get("variations"), "variations")
        wanted = rule.either.get("variationId")
        named = [one for one in variations if one.either.get("id") == wanted]
        return (named or variations or [NEITHER])[0]


def _told_apart(names: Pair, numbers: Pair) -> Pair:
    """Return the names, with the ids where both things have the same name."""
    if names.differs:
        return names
    return Pair(*(f"{name} ({canonical(one)})" for name, one in zip(names, numbers, strict=True)))


def _uses(feature: Pair) -> Iterator[Use]:
    for rule in rules(feature):
        yield Use(feature, rule)
    yield Use(feature, feature.get("impactCampaign"), is_rule=False)


def _by_campaign(uses: list[Use], side: int) -> dict[str, list[Use]]:
    """Return the uses of each campaign in the old document (0) or in the new one (1)."""
    found: dict[str, list[Use]] = {}
    for use in uses:
        campaign = use.rule.get("campaignId")[side]
        if campaign is not MISSING:
            found.setdefault(canonical(campaign), []).append(use)
    return found


def rules(feature: Pair, rule_type: str | None = None) -> list[Pair]:
    """Return the rules of a flag, or those of one type."""
    both = matched(feature.get("rules"), "rules")
    return [rule for rule in both if rule_type is None or rule.either.get("type") == rule_type]


def rule_name(rule: Pair) -> Phrase:
    """Return for example "testing rule testingRule1"."""
    rule_type = rule.either.get("type")
    return say(rule_type if rule_type in RULE_TYPES else "rule", key=cut(label(rule.either)))
