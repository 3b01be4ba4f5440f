"""The kinds of changes, and how a change is represented."""

from typing import Any

from .pairs import MISSING, Pair

KINDS = {
    "feature_removed": "a flag was removed, with its rules and their campaigns",
    "feature_added": "a flag was added, with its rules and their campaigns",
    "switched_on": "a flag's status is now ON, with the share of users that changed with it",
    "switched_off": "a flag's status is now OFF",
    "rollout": "the share of users that a rollout or personalize rule serves",
    "rule_removed": "a rule was removed, with its campaign or its variation of a campaign",
    "rule_added": "a rule was added, with its campaign or its variation of a campaign",
    "reordered": "rules, variations or holdouts are in another order",
    "traffic": "the share of users that takes part in a testing rule",
    "weight": "how the users of a testing rule are split between its variations",
    "variation_removed": "a variation was removed",
    "variation_added": "a variation was added to a rule",
    "variable_removed": "a variable was removed",
    "variable_added": "a variable was added to a variation",
    "variable": "a variable's value or type",
    "segments": "which users a rule applies to",
    "whitelist": "which users are put into a variation of a testing rule, and whether any are",
    "metric": "a metric of a flag or campaign, added, removed or changed",
    "renamed": "the key or the name of a flag, rule, campaign, variation or variable",
    "group": "anything about a mutually exclusive group of rules",
    "holdout": "anything about a holdout",
    "other": "everything else",
}
"""The values of ``change["kind"]`` and their meaning; the changes of a flag are in this order."""


def change(
    kind: str,
    feature: str,
    path: tuple[str, ...],
    pair: Pair,
    what: Any,
    how: str | None = None,
    **values: Any,
) -> dict[str, Any]:
    """Return a change as ``compare`` describes it, without its words.

    ``what`` is the phrase for what changed; ``how`` it changed, and the other ``values`` that its
    words need, are described in ``words``. Without ``how`` it follows from the pair.
    """
    before, after = (None if side is MISSING else side for side in pair)
    if how is None:
        how = "set" if pair.added else "unset" if pair.removed else "changed"
    return {
        "kind": kind,
        "feature": feature,
        "path": " / ".join(path),
        "before": before,
        "after": after,
        "values": {"what": what, "how": how, **values},
    }
