"""Reads and edits the flags of a settings document, a built one or one that VWO sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django_vwo_webhooks.testing.documents import (
    Feature,
    checked_percentage,
    feature_entry,
    rollout_campaign,
    rollout_rule,
    variable_entry,
    variable_type,
)

Document = dict[str, Any]
Rollout = tuple[dict[str, Any], dict[str, Any]]

LASTING_TYPES = {("double", "integer"), ("json", "string")}
"""A double stays a double when it is given a whole number, and json stays json for a string."""


@dataclass(frozen=True)
class FlagState:
    """A flag as VWO's dashboard shows it; the variables are those of its first rollout rule."""

    key: str
    name: str
    enabled: bool
    percentage: float
    variables: list[dict[str, Any]]


def list_flags(document: Document) -> list[FlagState]:
    """Return the flags of a document, in its order."""
    return [_state(document, entry) for entry in _entries(document, "features")]


def change_flag(
    document: Document,
    key: str,
    *,
    enabled: bool | None = None,
    percentage: float | None = None,
    variables: Mapping[str, Any] | None = None,
) -> None:
    """Change a flag in place, or create it; an argument of None changes nothing.

    Percentage and variables apply to every rollout rule of the flag; the variations of its tests
    keep theirs. A flag without a rollout rule gets one. Raises ``ValueError`` for a percentage
    out of range and ``TypeError`` for a variable of a type that VWO does not have.
    """
    if percentage is not None:
        checked_percentage(percentage)
    entry = _find(document, key) or _create(document, key)
    rollouts = _rollouts(document, entry) or [_add_rollout(document, entry)]
    for _, variation in rollouts:
        variation["variables"] = list(variation.get("variables") or [])
        for name, value in (variables or {}).items():
            _set_variable(variation["variables"], name, value)
    if enabled is None and percentage is None:
        return
    before = _state(document, entry)
    is_on = before.enabled if enabled is None else enabled
    share = before.percentage if percentage is None else percentage
    if percentage is None and is_on and not before.enabled:
        share = share or 100
    entry["status"] = "ON" if is_on else "OFF"
    if percentage is None and is_on and before.enabled:
        return
    for campaign, variation in rollouts:
        campaign["percentTraffic"] = share
        variation["weight"] = share if is_on else 0


def _set_variable(entries: list[dict[str, Any]], key: str, value: object) -> None:
    for entry in entries:
        if entry["key"] == key:
            if (entry["type"], variable_type(value)) not in LASTING_TYPES:
                entry["type"] = variable_type(value)
            entry["value"] = value
            return
    ids = [entry["id"] for entry in entries if isinstance(entry["id"], int)]
    entries.append(variable_entry(key, value, max(ids, default=0) + 1))


def _state(document: Document, entry: dict[str, Any]) -> FlagState:
    enabled = str(entry.get("status")).upper() == "ON"
    share, variables = 100.0, []
    for campaign, variation in _rollouts(document, entry)[:1]:
        share = float(variation["weight"])
        if not enabled:
            share = campaign.get("percentTraffic", share)
        variables = list(variation.get("variables") or [])
    share = int(share) if share == int(share) else share
    return FlagState(entry["key"], entry.get("name", entry["key"]), enabled, share, variables)


def _entries(document: Document, name: str) -> list[dict[str, Any]]:
    """Return the list under ``name``; VWO writes ``{}`` instead of an empty list."""
    entries = document.get(name)
    if not isinstance(entries, list):
        entries = document[name] = []
    return entries


def _find(document: Document, key: str) -> dict[str, Any] | None:
    found = [entry for entry in _entries(document, "features") if entry["key"] == key]
    return found[0] if found else None


def _rollouts(document: Document, entry: dict[str, Any]) -> list[Rollout]:
    """Return the campaign and variation of each rollout rule of a flag, in the rules' order."""
    campaigns = {campaign["id"]: campaign for campaign in _entries(document, "campaigns")}
    found = []
    for rule in entry.get("rules") or []:
        campaign = campaigns.get(rule["campaignId"])
        if rule["type"] != "FLAG_ROLLOUT" or campaign is None:
            continue
        variations = list(campaign["variations"] or [])
        named = [one for one in variations if one["id"] == rule.get("variationId")]
        found += [(campaign, variation) for variation in (named or variations)[:1]]
    return found


def _next_id(document: Document) -> int:
    entries = _entries(document, "features") + _entries(document, "campaigns")
    return max((entry["id"] for entry in entries if isinstance(entry["id"], int)), default=0) + 1


def _create(document: Document, key: str) -> dict[str, Any]:
    number = _next_id(document)
    flag = Feature(key)
    entry = feature_entry(flag, number)
    _entries(document, "features").append(entry)
    _entries(document, "campaigns").append(rollout_campaign(flag, number))
    return entry


def _add_rollout(document: Document, entry: dict[str, Any]) -> Rollout:
    number = _next_id(document)
    campaign = rollout_campaign(Feature(entry["key"]), number)
    _entries(document, "campaigns").append(campaign)
    entry["rules"] = [rollout_rule(number), *(entry.get("rules") or [])]
    return campaign, campaign["variations"][0]
