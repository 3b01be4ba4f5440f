from collections.abc import Iterator
from typing import Any

import pytest
import requests

from django_vwo_webhooks.testing import VWOSimulator, build_settings, feature
from tests.receiver import Receiver, running_receiver

PULL = "/server-side/v2-pull"
QUICK = (0.01, 0.02)
"""Retries that a test needs not wait for."""

REAL = {
    "version": 1,
    "accountId": 7,
    "sdkKey": "k",
    "features": [
        {
            "id": 4,
            "key": "search",
            "name": "Search",
            "type": "FEATURE_FLAG",
            "status": "ON",
            "metrics": [],
            "rules": [
                {"type": "FLAG_TESTING", "ruleKey": "t", "campaignId": 8},
                {"type": "FLAG_ROLLOUT", "ruleKey": "r1", "campaignId": 9, "variationId": 1},
                {"type": "FLAG_ROLLOUT", "ruleKey": "r2", "campaignId": 9, "variationId": 2},
            ],
        }
    ],
    "campaigns": [
        {
            "id": number,
            "type": kind,
            "key": f"search_{number}",
            "status": "RUNNING",
            "name": "x",
            "segments": {},
            "variations": [
                {
                    "id": place,
                    "name": "v",
                    "weight": 60,
                    "segments": {},
                    "variables": [{"id": 1, "key": "limit", "type": "double", "value": 1.5}],
                }
                for place in (1, 2)
            ],
        }
        for number, kind in ((8, "FLAG_TESTING"), (9, "FLAG_ROLLOUT"))
    ],
}
"""A document shaped like VWO's own: a flag with a test and two rollout rules."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as server:
        yield server


@pytest.fixture
def simulator() -> Iterator[VWOSimulator]:
    settings = build_settings(feature("checkout", variables={"color": "blue"}))
    with VWOSimulator(settings, retry_seconds=QUICK) as running:
        yield running


def fetch(simulator: VWOSimulator, path: str = PULL, timeout: float = 5, **query: str) -> Any:
    return requests.get(simulator.url + path, params=query, timeout=timeout)


def weights(document: dict[str, Any]) -> list[list[float]]:
    """The weights of the variations, by campaign."""
    return [[one["weight"] for one in c["variations"]] for c in document["campaigns"]]
