"""Which flag and rule a campaign belongs to, in two normal forms.

VWO links them by ``rules[].campaignId`` and, where several rules share one campaign,
``variationId``; a flag's ``impactCampaign`` names a campaign by ``campaignId`` too.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from .differences import NEITHER, NOTHING, Pair, label, matched
from .normal import canonical
from .words import compact, cut, in_full

ROLLOUT = "FLAG_ROLLOUT"
TESTING = "FLAG_TESTING"
PERSONALIZE = "FLAG_PERSONALIZE"

RULES = {ROLLOUT: "rollout rule", TESTING: "testing rule", PERSONALIZE: "personalize rule"}


class Use(NamedTuple):
    """What uses a campaign: a rule of a flag, or else the flag's measuring of its impact."""

    feature: Pair
    rule: Pair
    is_rule: bool = True

    @property
    def words(self) -> str:
        """What people call it."""
        if not self.is_rule:
            return "its impact campaign"
        return f"{'former ' if self.rule.removed else ''}{rule_words(self.rule)}"

    @property
    def variation_id(self) -> Any:
        """The variation that it asks for, NOTHING where it asks for none."""
        return self.rule.get("variationId").either


class Flags:
    """The flags of two documents, and who uses which campaign."""

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
        """The place of each flag's key, by id: a longer number is a greater one."""
        ids = [canonical(feature.either.get("id")) for feature in self.features]
        placed = sorted(range(len(ids)), key=lambda place: (len(ids[place]), ids[place]))
        ordered = [self.features[place] for place in placed]
        return {label(feature.either): place for place, feature in enumerate(ordered)}

    def uses(self, campaign: Pair) -> list[Use]:
        """Who uses a campaign; where nobody does any more, who did."""
        number = canonical(campaign.either.get("id"))
        return self._current.get(number) or self._former.get(number, [])

    def use(self, campaign: Pair, variation: Pair | None = None) -> Use | None:
        """The first use of a campaign, or that of its variation where a rule asks for it."""
        uses = self.uses(campaign)
        if variation is not None:
            former = self._former.get(canonical(campaign.either.get("id")), [])
            wanted = variation.get("id").either
            uses = [use for use in [*uses, *former] if use.variation_id == wanted] or uses
        return uses[0] if uses else None

    def member(self, number: str) -> str:
        """A member of a group by its rule: ``4`` is a campaign, ``3_1`` a variation of one."""
        campaign, _, variation = number.partition("_")
        pair = self.campaigns.get(campaign) or self.campaigns.get(canonical(campaign))
        uses = self.uses(pair) if pair else []
        named = [use for use in uses if str(use.variation_id) == variation]
        for use in (named or uses)[:1]:
            return f"{cut(label(use.rule.either))} of {cut(label(use.feature.either))}"
        return f"campaign {cut(number)}"

    def members(self, numbers: Any) -> str:
        """Several members of a group."""
        if not isinstance(numbers, list) or not all(isinstance(one, str) for one in numbers):
            return in_full(numbers)
        return ", ".join(map(self.member, numbers)) or "none"

    def names(self, ids: Any) -> str:
        """The keys of the flags that have these ids."""
        if not isinstance(ids, list):
            return in_full(ids)
        keys = {canonical(one.either.get("id")): label(one.either) for one in self.features}
        return ", ".join(cut(keys.get(canonical(one), compact(one))) for one in ids) or "none"

    def campaign(self, rule: Pair) -> Pair:
        """The campaign of a rule."""
        return self.campaigns.get(canonical(rule.either.get("campaignId")), NEITHER)

    def variation(self, rule: Pair) -> Pair:
        """The variation of a rule's campaign that ``variationId`` names, or else the first."""
        variations = matched(self.campaign(rule).get("variations"), "variations")
        wanted = rule.either.get("variationId")
        named = [one for one in variations if one.either.get("id") == wanted]
        return (named or variations or [NEITHER])[0]


def _uses(feature: Pair) -> Iterator[Use]:
    for rule in rules(feature):
        yield Use(feature, rule)
    yield Use(feature, feature.get("impactCampaign"), is_rule=False)


def _by_campaign(uses: list[Use], side: int) -> dict[str, list[Use]]:
    """The uses of each campaign in the old document, 0, or the new one, 1."""
    found: dict[str, list[Use]] = {}
    for use in uses:
        campaign = use.rule.get("campaignId")[side]
        if campaign is not NOTHING:
            found.setdefault(canonical(campaign), []).append(use)
    return found


def rules(feature: Pair, kind: str | None = None) -> list[Pair]:
    """The rules of a flag, or those of one type."""
    both = matched(feature.get("rules"), "rules")
    return [rule for rule in both if kind is None or rule.either.get("type") == kind]


def rule_words(rule: Pair) -> str:
    """``testing rule testingRule1``."""
    kind = RULES.get(str(rule.either.get("type")), "rule")
    return f"{kind} {cut(label(rule.either))}"
