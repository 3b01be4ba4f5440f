"""The words for flags, made when they are shown, in the language that is active then."""

from typing import Any

from django.utils.translation import gettext

from ..changes.segments import targeting, whitelist
from ..changes.text import compact, percent, plain, printable, without_text_around
from ..changes.words import render
from .reading import FlagSettings, Rule, Variable, Variation


def rollout(flag: FlagSettings) -> str:
    """Who gets a flag, for example "100 % for price is 100, then test A/B"."""
    rollouts = [reach(rule) for rule in flag.rules if rule.rolls_out]
    others = [_briefly(rule) for rule in flag.rules if not rule.rolls_out]
    parts = [_alternatives(rules) for rules in (rollouts, others) if rules]
    if not parts:
        return gettext("no rules")
    return gettext(", then ").join(parts)


def reach(rule: Rule) -> str:
    """For example "50 % of everybody"."""
    values = {"share": percent(rule.share), "users": printable(targeting(rule.segments))}
    if rule.segments == {}:
        return gettext("%(share)s of everybody") % values
    return gettext("%(share)s for %(users)s") % values


def rule_title(rule: Rule) -> str:
    """For example "testing rule testingRule1"."""
    return render(rule.name)


def conditions(variation: Variation) -> str:
    """Who always gets a variation of a test; "" where nobody does."""
    return printable(whitelist(variation.whitelist)) if variation.whitelist != {} else ""


def weight_text(variation: Variation) -> str:
    return "" if variation.weight is None else percent(variation.weight)


def value_text(variable: Variable) -> str:
    """The value of a variable as text, on one line."""
    if isinstance(variable.value, bool):
        return compact(variable.value)
    if variable.type == "json":
        return printable(compact(without_text_around(variable.value)))
    return printable(plain(variable.value))


def flag_json(flag: FlagSettings) -> dict[str, Any]:
    """A flag as JSON, with its rules in words."""
    return {
        "key": flag.key,
        "name": flag.name,
        "on": flag.is_on,
        "rollout": rollout(flag),
        "rules": [
            {
                "rule": rule_title(rule),
                "type": rule.type,
                "users": reach(rule),
                "variations": [
                    {
                        "name": variation.name,
                        "weight": variation.weight,
                        "whitelist": conditions(variation),
                        "variables": {one.key: one.value for one in variation.variables},
                    }
                    for variation in rule.variations
                ],
            }
            for rule in flag.rules
        ],
        "variables": {one.key: one.type for one in flag.variables},
    }


def _briefly(rule: Rule) -> str:
    """A testing or personalize rule, without whom it applies to if that is everybody."""
    if not rule.tests:
        return gettext("personalize (%(users)s)") % {"users": reach(rule)}
    text = gettext("test %(names)s") % {
        "names": "/".join(printable(variation.name) for variation in rule.variations)
    }
    return text if rule.segments == {} and rule.share in (100, None) else f"{text} ({reach(rule)})"


def _alternatives(rules: list[str]) -> str:
    """The SDK takes the first rule that applies."""
    return gettext(", else ").join(rules)
