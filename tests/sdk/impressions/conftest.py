from typing import Any

import pytest

from django_vwo_webhooks.sdk import lifecycle
from django_vwo_webhooks.sdk.client import Client
from django_vwo_webhooks.sdk.impressions import ImpressionQueue, impression_queue
from django_vwo_webhooks.testing import VWOSimulator
from tests.sdk.conftest import store

USER = {"id": "u"}
METRICS = [
    {"id": number, "type": "CUSTOM_GOAL", "identifier": name}
    for number, name in enumerate(["purchase", "bad", "large"], start=1)
]


@pytest.fixture(autouse=True)
def queue(vwo: VWOSimulator) -> ImpressionQueue:
    """This process's queue, with a shorter interval than the 2 s that it has by default."""
    made = impression_queue()
    assert made.options.request_time_interval == 2
    made.options = made.options._replace(request_time_interval=0.2)
    return made


@pytest.fixture
def client(vwo: VWOSimulator, db: None, queue: ImpressionQueue) -> Client:
    """This process's client, with a flag and the events of ``METRICS``. Nothing waits yet."""
    document = vwo.settings
    document["features"][0]["metrics"] = METRICS
    store(document)
    options = queue.options
    lifecycle.apply_in_force()
    queue.clear()
    queue.options = options
    return lifecycle.client()


def names(vwo: VWOSimulator) -> list[str]:
    """The names of the events that have arrived, in their order."""
    return [event["d"]["event"]["name"] for event in vwo.impressions]


def orders(vwo: VWOSimulator) -> list[Any]:
    """The property ``order`` of each purchase that has arrived."""
    props = [event["d"]["event"] for event in vwo.impressions]
    return [event["props"].get("order") for event in props if event["name"] == "purchase"]


def shown(vwo: VWOSimulator) -> list[dict[str, Any]]:
    return [e for e in vwo.impressions if e["d"]["event"]["name"] == "vwo_variationShown"]


def batches(vwo: VWOSimulator) -> list[int]:
    """How many events each batch had that was posted, accepted or not."""
    return [len(each.events) for each in vwo.event_requests if "batch" in each.path]
