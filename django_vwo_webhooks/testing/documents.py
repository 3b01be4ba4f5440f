"""Builds settings documents that the VWO SDK accepts and evaluates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DEFAULT_ACCOUNT_ID = "123456"
DEFAULT_SDK_KEY = "0123456789abcdef0123456789abcdef"

VARIABLE_TYPES: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "double",
    str: "string",
    dict: "json",
}
"""VWO's name for the type of a variable, by the Python type of its value."""


@dataclass(frozen=True)
class Feature:
    """A flag with one rollout rule, as ``feature()`` describes it."""

    key: str
    id: int | None = None
    name: str | None = None
    enabled: bool = True
    percentage: float = 100
    variables: Mapping[str, Any] = field(default_factory=dict)


def feature(
    key: str,
    *,
    id: int | None = None,  # noqa: A002 - the name that VWO gives it
    name: str | None = None,
    enabled: bool = True,
    percentage: float = 100,
    variables: Mapping[str, Any] | None = None,
) -> Feature:
    """Describe a flag for ``build_settings``.

    ``id`` defaults to the flag's position in the document, counted from 1. ``percentage`` is the
    share of users who get the flag, 0 to 100; the SDK only distinguishes whole numbers.
    ``variables`` are typed by their Python values (bool, int, float, str, dict).
    Raises ``ValueError`` for a percentage out of range.
    """
    return Feature(key, id, name, enabled, checked_percentage(percentage), dict(variables or {}))


def build_settings(
    *features: Feature,
    account_id: str = DEFAULT_ACCOUNT_ID,
    sdk_key: str = DEFAULT_SDK_KEY,
    **extra: Any,
) -> dict[str, Any]:
    """Return a settings document with these flags; the same arguments give the same document.

    ``extra`` is added at the top level. Raises ``ValueError`` for a key or id that is used twice,
    and ``TypeError`` for a variable of a type that VWO does not have.
    """
    numbered = [(flag.id or place, flag) for place, flag in enumerate(features, start=1)]
    ids = [number for number, _ in numbered]
    keys = [flag.key for flag in features]
    if len(set(ids)) < len(ids) or len(set(keys)) < len(keys):
        raise ValueError(f"Each flag needs its own key and id, got keys {keys} and ids {ids}")
    return {
        "version": 1,
        "accountId": int(account_id) if account_id.isdecimal() else account_id,
        "sdkKey": sdk_key,
        "features": [feature_entry(flag, number) for number, flag in numbered],
        "campaigns": [rollout_campaign(flag, number) for number, flag in numbered],
        **extra,
    }


def feature_entry(flag: Feature, number: int) -> dict[str, Any]:
    """Return the entry of a flag whose id, and that of its rollout campaign, is ``number``."""
    return {
        "id": number,
        "key": flag.key,
        "name": flag.name or flag.key,
        "type": "FEATURE_FLAG",
        "status": "ON" if flag.enabled else "OFF",
        "metrics": [],
        "impactCampaign": {},
        "rules": [rollout_rule(number)],
    }


def rollout_rule(campaign_id: int) -> dict[str, Any]:
    """Return the rule that links a flag to its rollout campaign."""
    return {
        "type": "FLAG_ROLLOUT",
        "ruleKey": f"rolloutRule{campaign_id}",
        "campaignId": campaign_id,
        "variationId": 1,
    }


def rollout_campaign(flag: Feature, number: int) -> dict[str, Any]:
    """Return the rollout campaign of a flag.

    The SDK ignores the statuses and reads only the variation's weight. So the weight is 0 while
    the flag is off, and ``percentTraffic``, which the SDK ignores in rollouts, keeps the
    percentage.
    """
    variables = [
        variable_entry(key, value, place)
        for place, (key, value) in enumerate(flag.variables.items(), start=1)
    ]
    return {
        "id": number,
        "key": f"{flag.key}_rolloutRule{number}",
        "name": f"{flag.name or flag.key} rollout",
        "type": "FLAG_ROLLOUT",
        "status": "RUNNING",
        "percentTraffic": flag.percentage,
        "segments": {},
        "isForcedVariationEnabled": False,
        "variations": [
            {
                "id": 1,
                "name": f"Rollout-rule-{number}",
                "weight": flag.percentage if flag.enabled else 0,
                "segments": {},
                "variables": variables,
            }
        ],
    }


def variable_entry(key: str, value: object, number: int) -> dict[str, Any]:
    """Return the entry of a variable with the id ``number``, typed by its value."""
    return {"id": number, "key": key, "type": variable_type(value), "value": value}


def variable_type(value: object) -> str:
    """Return VWO's name for the type of a value; raises ``TypeError`` when there is none."""
    try:
        return VARIABLE_TYPES[type(value)]
    except KeyError:
        raise TypeError(
            f"A VWO variable is a bool, int, float, str or dict (json), not {type(value).__name__}"
        ) from None


def checked_percentage(percentage: float) -> float:
    """Return ``percentage``; raises ``ValueError`` unless it is within 0 to 100."""
    if not 0 <= percentage <= 100:
        raise ValueError(f"A percentage is a number from 0 to 100, not {percentage}")
    return percentage
