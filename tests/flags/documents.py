"""A document with each type of rule."""

from typing import Any

from django_vwo_webhooks.testing import build_settings, feature

PRICE = {"custom_variable": {"price": "100"}}


def checkout_document() -> dict[str, Any]:
    """One flag: two rollout rules, a test and a personalize rule; and one that is off."""
    document = build_settings(
        feature("new_checkout", name="New checkout", variables={"color": "red"}),
        feature("old_banner", enabled=False),
    )
    flag, campaign = document["features"][0], document["campaigns"][0]
    campaign["variations"][0].update(segments=PRICE)
    second = rollout_variation(campaign, weight=20)
    test = {
        "id": 10,
        "key": "test",
        "type": "FLAG_TESTING",
        "percentTraffic": 100,
        "segments": {},
        "isForcedVariationEnabled": True,
        "variations": [
            variation(1, "A", 50, "red"),
            variation(2, "B", 50, "blue", segments={"user": "ann, bob"}),
        ],
    }
    personal = {
        "id": 11,
        "key": "personal",
        "type": "FLAG_PERSONALIZE",
        "segments": {},
        "variations": [variation(1, "Gold", 100, "gold", segments=PRICE)],
    }
    document["campaigns"] += [second, test, personal]
    flag["rules"] = [
        {"type": "FLAG_TESTING", "ruleKey": "testingRule1", "campaignId": 10},
        *flag["rules"],
        {"type": "FLAG_ROLLOUT", "ruleKey": "rolloutRule2", "campaignId": 9, "variationId": 1},
        {"type": "FLAG_PERSONALIZE", "ruleKey": "gold", "campaignId": 11, "variationId": 1},
    ]
    return document


def rollout_variation(campaign: dict[str, Any], weight: int) -> dict[str, Any]:
    only = {**campaign["variations"][0], "weight": weight, "segments": {}}
    return {**campaign, "id": 9, "key": "second", "variations": [only]}


def variation(number, name, weight, color, segments=None):  # type: ignore[no-untyped-def]
    return {
        "id": number,
        "name": name,
        "weight": weight,
        "segments": segments or {},
        "variables": [{"id": 1, "key": "color", "type": "string", "value": color}],
    }


def many_flags(count: int) -> dict[str, Any]:
    """Flags, each of which has the rules of ``new_checkout``."""
    model, *_other = checkout_document()["features"]
    campaigns = checkout_document()["campaigns"]
    document = build_settings()
    for number in range(count):
        shift = 100 * number
        rules = [{**rule, "campaignId": rule["campaignId"] + shift} for rule in model["rules"]]
        key = f"flag_{number:04}"
        document["features"].append({**model, "id": number + 1, "key": key, "rules": rules})
        document["campaigns"] += [{**one, "id": one["id"] + shift} for one in campaigns]
    return document
