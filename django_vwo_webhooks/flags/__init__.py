"""The flags of a settings document: their rules, variations and variables, and words for them.

This package is pure, as ``changes`` is, whose phrases it uses. ``reading`` makes data of a
document, and ``words`` makes text of the data when it is shown, in the language of the reader.
"""

from .reading import FlagSettings, Rule, Variable, Variation, flag_keys, read_flags
from .words import conditions, flag_json, reach, rollout, rule_title, value_text, weight_text

__all__ = [
    "FlagSettings",
    "Rule",
    "Variable",
    "Variation",
    "conditions",
    "flag_json",
    "flag_keys",
    "reach",
    "read_flags",
    "rollout",
    "rule_title",
    "value_text",
    "weight_text",
]
