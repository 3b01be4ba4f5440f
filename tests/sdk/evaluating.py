"""Documents with each kind of rule, the visitors that are asked for, and all the answers.

Run as a module, it prints the answers of a plain client of the SDK: a process has room for one.
"""

import copy
import json
import os
import sys
from typing import Any

import vwo
from wingify.services.settings_manager import SettingsManager

from django_vwo_webhooks.testing import VWOSimulator, build_settings, feature
from tests.changes.conftest import campaign_of_test, rule_of_test, variables

ACCOUNT_ID = "123456"

SEGMENTS: list[dict[str, Any]] = [
    {},
    {"custom_variables": {"price": 100, "name": "personalise"}},
    {"custom_variables": {"price": "250", "plan": "pro"}, "bucketingSeed": "seed"},
]
VISITORS: list[dict[str, Any]] = [
    {"id": f"visitor {number}", **SEGMENTS[number % 3]} for number in range(30)
] + [
    {"id": "beta tester", "variation_targeting_variables": {"role": "tester"}},
    {"id": "user_id"},
    {"id": ""},
    {"id": "ü"},
]
EVENTS = ("sold", "seen", "custom1", "no such event")

PRICEY = {"or": [{"custom_variable": {"price": "greaterThan(99)"}}]}
PRO_OR_BETA = {
    "or": [{"user": "beta tester"}, {"and": [{"custom_variable": {"plan": "lower(PRO)"}}, PRICEY]}]
}


def with_tests() -> dict[str, Any]:
    """Two flags: the first has a rollout and two tests, the second half a rollout and a test."""
    document = build_settings(
        feature("one", percentage=80, variables={"color": "red", "style": {"tags": ["a"]}}),
        feature("two", percentage=50, variables={"size": 1, "ratio": 0.5, "wide": True}),
        account_id=ACCOUNT_ID,
    )
    for number, key, place in ((11, "one", 0), (12, "one", 0), (13, "two", 1)):
        document["features"][place]["rules"].append(rule_of_test(number))
        document["campaigns"].append(campaign_of_test(number, key))
    document["features"][0]["metrics"] = [{"id": 1, "identifier": "sold", "type": "CUSTOM_GOAL"}]
    document["features"][1]["metrics"] = [{"id": 2, "identifier": "seen", "type": "CUSTOM_GOAL"}]
    return document


def personalise(number: int) -> dict[str, Any]:
    """A campaign that shows one variation to the visitors whose name is "personalise"."""
    return {
        **campaign_of_test(number, "one"),
        "type": "FLAG_PERSONALIZE",
        "percentTraffic": 100,
        "variations": [
            {
                "id": 1,
                "name": "Personalize-rule-1",
                "weight": 100,
                "segments": {"or": [{"custom_variable": {"name": "personalise"}}]},
                "variables": variables("gold"),
            }
        ],
    }


def build_documents() -> dict[str, dict[str, Any]]:
    documents = {"rollout": build_settings(feature("one", percentage=40), account_id=ACCOUNT_ID)}
    documents["testing"] = base = with_tests()

    def variant(name: str) -> dict[str, Any]:
        documents[name] = copy.deepcopy(base)
        return documents[name]

    document = variant("personalise")
    rule = {"type": "FLAG_PERSONALIZE", "ruleKey": "p", "campaignId": 14, "variationId": 1}
    document["features"][0]["rules"].insert(1, rule)
    document["campaigns"].append(personalise(14))

    document = variant("whitelisting")
    document["campaigns"][2]["isForcedVariationEnabled"] = True
    document["campaigns"][2]["variations"][1]["segments"] = {
        "or": [{"user": "visitor 3,user_id"}, {"custom_variable": {"role": "tester"}}]
    }

    document = variant("pre-segmentation")
    document["campaigns"][0]["segments"] = {"not": {"or": [{"user": "visitor 1"}]}}
    document["campaigns"][0]["variations"][0]["segments"] = PRICEY
    document["campaigns"][2]["segments"] = PRO_OR_BETA

    document = variant("salts")
    for campaign in document["campaigns"]:
        campaign["salt"] = f"salt {campaign['id']}"
        for variation in campaign["variations"]:
            variation["salt"] = f"salt {campaign['id']} {variation['id']}"

    for name, group in {
        "random group": {"et": 1},
        "advanced group": {"et": 2, "p": ["12"], "wt": {"11": 30, "13": 70}},
    }.items():
        document = variant(name)
        numbers = ["11", "12", "13"]
        document["groups"] = {"1": {"name": "Group", "campaigns": numbers, **group}}
        document["campaignGroups"] = dict.fromkeys(numbers, 1)
        for campaign in document["campaigns"][2:]:
            campaign["percentTraffic"] = 100
        document["campaigns"][3]["segments"] = PRICEY

    document = variant("holdouts")
    document["holdouts"] = [
        {
            "id": number,
            "name": f"Holdout {number}",
            "percentTraffic": 30,
            "isGlobal": is_global,
            "featureIds": [] if is_global else [1],
            "segments": segments,
            "metrics": [{"id": 9, "identifier": "seen", "type": "CUSTOM_GOAL"}],
        }
        for number, is_global, segments in ((5, False, {}), (6, True, PRICEY))
    ]
    return documents


class Storage:
    """Keeps each visitor's variation, as a site's storage connector does."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def get(self, feature_key: str, user_id: str) -> Any:
        return copy.deepcopy(self.kept.get(f"{feature_key}/{user_id}"))

    def set(self, data: dict[str, Any]) -> None:
        self.kept[f"{data['featureKey']}/{data['userId']}"] = copy.deepcopy(data)


def answers(client: Any, document: dict[str, Any]) -> list[Any]:
    """What the client answers to each visitor for each flag, and to each event."""
    found: list[Any] = []
    keys = [entry["key"] for entry in document["features"] or []]
    for visitor in VISITORS:
        for key in keys:
            flag = client.get_flag(key, copy.deepcopy(visitor))
            found.append(
                [key, visitor, flag.is_enabled(), flag.get_variables(), flag.get_uuid()]
                + [flag.get_variable(name, "none") for name in ("color", "style", "size", "json")]
            )
    found.append(client.get_flag("no such flag", VISITORS[0]).is_enabled())
    return [*found, *(client.track_event(event, VISITORS[0]) for event in EVENTS)]


def main() -> None:
    # valid documents, which the SDK would validate in each call, for most of the time
    SettingsManager.is_settings_valid = staticmethod(lambda settings: True)
    found = {}
    for name, task in json.load(sys.stdin).items():
        storage = Storage()
        with VWOSimulator(task["document"], account_id=ACCOUNT_ID, sdk_key="k") as simulator:
            client = vwo.init(
                {
                    "account_id": ACCOUNT_ID,
                    "sdk_key": "k",
                    "proxy_url": simulator.url,
                    "logger": {"level": "ERROR", "transport": Silent()},
                    "batch_event_data": {"events_per_request": 5000},
                    **({"storage": storage} if task["stored"] else {}),
                }
            )
            rounds = [answers(client, task["document"]) for _ in range(1 + task["stored"])]
            found[name] = {"rounds": rounds, "kept": storage.kept}
    json.dump(found, sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # the SDK's timers would keep the process alive


class Silent:
    """A log transport that drops everything."""

    level = "ERROR"
    config: dict[str, Any] = {}

    def log(self, level: str, message: str) -> None:
        """Drop the line."""


if __name__ == "__main__":
    main()
