"""The kinds of changes, and what a change looks like."""

from typing import Any

from .differences import NOTHING, Pair
from .words import LONGEST_SENTENCE, cut

KINDS = {
    "feature_removed": "a flag is gone, with its rules and their campaigns",
    "feature_added": "a flag is new, with its rules and their campaigns",
    "switched_on": "a flag's status is ON now, with the share of users that goes with it",
    "switched_off": "a flag's status is OFF now",
    "rollout": "the share of users that a rollout or personalize rule serves",
    "rule_removed": "a rule is gone, with its campaign or its variation in one",
    "rule_added": "a flag has a new rule, with its campaign or its variation in one",
    "reordered": "rules, variations or holdouts stand in another order",
    "traffic": "the share of users that takes part in a testing rule",
    "weight": "how the users of a testing rule are split between its variations",
    "variation_removed": "a variation is gone",
    "variation_added": "a rule has a new variation",
    "variable_removed": "a variable is gone",
    "variable_added": "a variation has a new variable",
    "variable": "a variable's value or type",
    "segments": "who a rule is for",
    "whitelist": "who is put into a variation of a testing rule, and whether anybody is",
    "metric": "a metric of a flag or campaign, added, removed or changed",
    "renamed": "the key or the name of a flag, rule, campaign, variation or variable",
    "group": "anything about a mutually exclusive group of rules",
    "holdout": "anything about a holdout",
    "other": "whatever has no word of its own",
}
"""The slugs of ``change["kind"]`` and their meaning; a flag's changes are told in this order."""


def change(kind: str, feature: str, path: tuple[str, ...], pair: Pair, text: str) -> dict[str, Any]:
    """Return a change as ``compare`` describes it."""
    before, after = (None if side is NOTHING else side for side in pair)
    return {
        "kind": kind,
        "feature": feature,
        "path": " / ".join(path),
        "before": before,
        "after": after,
        "text": cut(text, LONGEST_SENTENCE),
    }
