"""The translatable texts that the words for changes are made of."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

PHRASES: dict[str, Any] = {
    # flags and their rules
    "added": _("added"),
    "removed": _("removed"),
    "switched_on": _("switched on"),
    "switched_on_at": _("switched on at %(share)s"),
    "switched_off": _("switched off"),
    "FLAG_ROLLOUT": _("rollout rule %(key)s"),
    "FLAG_TESTING": _("testing rule %(key)s"),
    "FLAG_PERSONALIZE": _("personalize rule %(key)s"),
    "rule": _("rule %(key)s"),
    "rule_of_flag": _("%(rule)s of %(flag)s"),
    "thing_added": _("%(thing)s added"),
    "thing_removed": _("%(thing)s removed"),
    "campaign_of": _("campaign of %(rule)s"),
    "impact_campaign": _("impact campaign"),
    "rollout_of": _("rollout %(share)s"),
    "share_of": _("share %(share)s"),
    "traffic_of": _("traffic %(share)s"),
    "if": _("if %(users)s"),
    "number_FLAG_ROLLOUT": ngettext_lazy(
        "%(number)d rollout rule", "%(number)d rollout rules", "number"
    ),
    "number_FLAG_TESTING": ngettext_lazy(
        "%(number)d testing rule", "%(number)d testing rules", "number"
    ),
    "number_FLAG_PERSONALIZE": ngettext_lazy(
        "%(number)d personalize rule", "%(number)d personalize rules", "number"
    ),
    # campaigns
    "campaign": _("campaign %(key)s"),
    "unused_campaign": _("campaign %(key)s (used by no flag)"),
    "of_its_impact_campaign": _("its impact campaign"),
    "variation_of": _("%(rule)s, variation %(name)s"),
    "shared": _("%(place)s (shared with %(flags)s)"),
    "campaign_named": _("campaign %(key)s of %(rule)s"),
    "variation_named": _("variation %(name)s of %(rule)s"),
    "rollout": _("rollout"),
    "rollout_when_on": _("rollout when switched on"),
    "share": _("share of %(rule)s"),
    "split": _("split of %(rule)s"),
    "traffic": _("traffic of %(rule)s"),
    "targeting": _("targeting of %(rule)s"),
    "campaign_targeting": _("targeting of the campaign of %(rule)s"),
    "whitelist": _("whitelist of %(rule)s"),
    "whitelisting": _("whitelisting of %(rule)s"),
    # what both have
    "key_of": _("%(key)s of %(place)s"),
    "order": _("order of %(list)s"),
    "moved": _("%(order)s: %(name)s moved from place %(before)d to %(after)d"),
    "variable": _("variable %(name)s"),
    "variable_in": _("variable %(name)s in %(place)s"),
    "variable_added_in": _("variable %(name)s added in %(place)s"),
    "variable_removed_in": _("variable %(name)s removed in %(place)s"),
    "value_in": _("%(name)s%(change)s in %(place)s"),
    "type_of": _("type of %(name)s"),
    "type_in": _("type of %(name)s%(change)s in %(place)s"),
    "metric": _("metric %(name)s"),
    "metric_of": _("metric %(name)s of %(place)s"),
    # groups, holdouts, the document
    "group": _("group “%(name)s”"),
    "joined": _("%(rule)s joined"),
    "left": _("%(rule)s left"),
    "rules": _("rules"),
    "picked": _("its rule is picked"),
    "priority": _("priority"),
    "weights": _("weights"),
    "content": _("its content"),
    "group_of": _("group of %(rule)s"),
    "holdout": _("holdout “%(name)s”"),
    "of_users": _("%(share)s of users"),
    "all_flags": _("all flags"),
    "flags_named": _("flags %(flags)s"),
    "flags": _("flags"),
    "holdout_share": _("share"),
    "holdout_targeting": _("targeting"),
    "settings": _("settings"),
    "first_settings": _("first settings"),
    "first_settings_of": _("first settings of account %(account)s"),
}

HOW: dict[str, Any] = {
    "added": _("%(what)s added: %(value)s"),
    "removed": _("%(what)s removed, it was %(value)s"),
    "set": _("%(what)s now set: %(value)s"),
    "unset": _("%(what)s no longer set, it was %(value)s"),
    "set_without_effect": _("%(what)s now set, which changes nothing for users: %(value)s"),
    "unset_without_effect": _(
        "%(what)s no longer set, which changes nothing for users; it was %(value)s"
    ),
    "changed_much": _("%(what)s changed"),
}
"""How something that has one value, or none that is short enough, changed."""

KEYS: dict[str, Any] = {
    "accountId": _("account ID"),
    "holdouts": _("holdouts"),
    "key": _("key"),
    "name": _("name"),
    "rules": _("rules"),
    "status": _("status"),
    "type": _("type"),
    "variation": _("variation"),
    "variations": _("variations"),
    "version": _("version"),
}
"""The words for keys of VWO's documents; other keys are shown as they are."""

ALGORITHMS: dict[Any, Any] = {1: _("at random"), 2: _("by priority and weight")}
"""How one rule of a group is picked: the values of its ``et``."""
