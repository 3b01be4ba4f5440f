"""An index of two normal forms: which flag and rule each campaign belongs to.

VWO links them by ``rules[].campaignId`` and, where several rules share one campaign, by
``variationId``. The ``impactCampaign`` of a flag also refers to a campaign by ``campaignId``.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from .normal import canonical
from .pairs import MISSING, NEITHER, Pair, label, matched
from .text import compact, cut, quoted

ROLLOUT = "FLAG_ROLLOUT"
TESTING = "FLAG_TESTING"
PERSONALIZE = "FLAG_PERSONALIZE"

RULE_TYPES = {ROLLOUT: "rollout rule", TESTING: "testing rule", PERSONALIZE: "personalize rule"}


class Use(NamedTuple):
    """What uses a campaign: a rule of a flag, or the measurement of the flag's impact."""

    feature: Pair
    rule: Pair
    is_rule: bool = True

    @property
    def name(self) -> str:
        if not self.is_rule:
            return "its impact campaign"
        return f"{'former ' if self.rule.removed else ''}{rule_name(self.rule)}"

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
    def rule(self) -> str:
        """The name of its rule."""
        if self.use:
            return self.use.name
        return f"campaign {cut(label(self.pair.either))} (used by no flag)"

    @property
    def part(self) -> str:
        """The rule and, where it may have several, the variation."""
        if self.variation is None or self.rolls_out:
            return self.rule
        return f"{self.rule}, variation {cut(label(self.variation.either))}"

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
        feature, only = self.use.feature, [self.use.rule]
        return rules(feature, rule_type) == only == rules(feature, ROLLOUT)


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
        """Return the first use of a campaign, or of its variation where a rule names that."""
        uses = self.uses_of(campaign)
        if variation is not None:
            former = self._former.get(canonical(campaign.either.get("id")), [])
            wanted = variation.get("id").either
            uses = [use for use in [*uses, *former] if use.variation_id == wanted] or uses
        return uses[0] if uses else None

    def member_name(self, number: str) -> str:
        """Name the rule of a group's member: ``4`` is a campaign, ``3_1`` a variation of one."""
        campaign, _, variation = number.partition("_")
        pair = self.campaigns.get(campaign) or self.campaigns.get(canonical(campaign))
        uses = self.uses_of(pair) if pair else []
        named = [use for use in uses if str(use.variation_id) == variation]
        for use in (named or uses)[:1]:
            return f"{cut(label(use.rule.either))} of {cut(label(use.feature.either))}"
        return f"campaign {cut(number)}"

    def member_names(self, numbers: Any) -> str:
        if not isinstance(numbers, list) or not all(isinstance(one, str) for one in numbers):
            return quoted(numbers)
        return ", ".join(map(self.member_name, numbers)) or "none"

    def flag_keys(self, ids: Any) -> str:
        """List the keys of the flags that have these ids."""
        if not isinstance(ids, list):
            return quoted(ids)
        keys = {canonical(one.either.get("id")): label(one.either) for one in self.features}
        return ", ".join(cut(keys.get(canonical(one), compact(one))) for one in ids) or "none"

    def campaign_of(self, rule: Pair) -> Pair:
        return self.campaigns.get(canonical(rule.either.get("campaignId")), NEITHER)

    def variation_of(self, rule: Pair) -> Pair:
        """Return the variation that a rule names, or else the first one of its campaign."""
        variations = matched(self.campaign_of(rule).get("variations"), "variations")
        wanted = rule.either.get("variationId")
        named = [one for one in variations if one.either.get("id") == wanted]
        return (named or variations or [NEITHER])[0]


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


def rule_name(rule: Pair) -> str:
    """Return for example ``testing rule testingRule1``."""
    rule_type = RULE_TYPES.get(str(rule.either.get("type")), "rule")
    return f"{rule_type} {cut(label(rule.either))}"
