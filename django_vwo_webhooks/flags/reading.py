from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from ..changes.index import ROLLOUT, TESTING, rule_name
from ..changes.normal import canonical
from ..changes.pairs import MISSING, Pair, label
from ..changes.sentences import Phrase


class Variable(NamedTuple):
    key: str
    type: str
    value: Any


class Variation(NamedTuple):
    name: str
    weight: Any
    variables: tuple[Variable, ...]
    whitelist: Any
    """The segments of the users who always get it, in a testing rule with whitelisting."""


class Rule(NamedTuple):
    type: str
    name: Phrase
    share: Any
    """The percentage of the users it applies to who get it: the traffic of a testing rule."""
    segments: Any
    variations: tuple[Variation, ...]
    """Those among which a testing rule chooses; other rules have one."""

    @property
    def rolls_out(self) -> bool:
        return self.type == ROLLOUT

    @property
    def tests(self) -> bool:
        return self.type == TESTING


@dataclass(frozen=True)
class FlagSettings:
    """A flag as VWO's document has it."""

    key: str
    name: str
    status: Any
    feature: dict[str, Any] = field(repr=False)
    campaigns: dict[str, dict[str, Any]] = field(repr=False)
    """Those of the whole document, by their ids."""

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """In the order in which the SDK evaluates them, rollout rules first.

        Read when they are asked for: a list of 1,000 flags shows 100 of them.
        """
        rules = [
            _rule(one, self.campaigns.get(canonical(one.get("campaignId")), {}))
            for one in _objects(self.feature.get("rules"))
        ]
        return tuple(sorted(rules, key=lambda rule: not rule.rolls_out))

    @property
    def is_on(self) -> bool:
        return str(self.status).upper() == "ON"

    @property
    def variables(self) -> list[Variable]:
        """Each variable once, with the value that the first variation has for it."""
        found: dict[str, Variable] = {}
        for rule in self.rules:
            for variation in rule.variations:
                for variable in variation.variables:
                    found.setdefault(variable.key, variable)
        return list(found.values())


def read_flags(document: dict[str, Any]) -> list[FlagSettings]:
    """Return the flags of a settings document, ordered by their keys."""
    campaigns = {canonical(one.get("id")): one for one in _objects(document.get("campaigns"))}
    flags = [_flag(one, campaigns) for one in _objects(document.get("features"))]
    return sorted(flags, key=lambda flag: flag.key)


def flag_keys(document: dict[str, Any]) -> set[str]:
    """Return the keys of the flags of a settings document."""
    return {label(one) for one in _objects(document.get("features"))}


def _flag(feature: dict[str, Any], campaigns: dict[str, dict[str, Any]]) -> FlagSettings:
    name = feature.get("name")
    return FlagSettings(
        key=label(feature),
        name=name if isinstance(name, str) else "",
        status=feature.get("status"),
        feature=feature,
        campaigns=campaigns,
    )


def _rule(rule: dict[str, Any], campaign: dict[str, Any]) -> Rule:
    variations = list(_objects(campaign.get("variations")))
    rule_type, holder, share = str(rule.get("type")), campaign, campaign.get("percentTraffic")
    if rule_type != TESTING:
        # each variation of these is a rule of its own, as in changes.index
        named = [one for one in variations if one.get("id") == rule.get("variationId")]
        variations = (named or variations)[:1]
        holder = variations[0] if variations else {}
        share = holder.get("weight")
    whitelists = rule_type == TESTING and campaign.get("isForcedVariationEnabled") is True
    return Rule(
        type=rule_type,
        name=rule_name(Pair(MISSING, rule)),
        share=share,
        segments=holder.get("segments", {}),
        variations=tuple(_variation(one, whitelists=whitelists) for one in variations),
    )


def _variation(variation: dict[str, Any], *, whitelists: bool) -> Variation:
    return Variation(
        name=label(variation),
        weight=variation.get("weight"),
        variables=tuple(
            Variable(label(one), str(one.get("type", "")), one.get("value"))
            for one in _objects(variation.get("variables"))
        ),
        whitelist=variation.get("segments", {}) if whitelists else {},
    )


def _objects(items: Any) -> Iterator[dict[str, Any]]:
    """The objects of a list; VWO may send ``{}`` for an empty one."""
    return (item for item in (items if isinstance(items, list) else []) if isinstance(item, dict))
