import copy
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as site
from django.db import connections
from django.http import HttpResponse
from django.test import Client

from django_vwo_webhooks.follower import stop_following
from django_vwo_webhooks.models import WebhookEvent
from django_vwo_webhooks.testing import VWOSimulator, build_settings, feature

PAYLOAD = {
    "timestamp": 1606482285,
    "event": "settings_changed",
    "action": "campaign_settings_changed",
    "triggered_by": "vwo",
}
"""The example of VWO's page, to the letter."""


@pytest.fixture(autouse=True)
def fresh_process() -> Iterator[None]:
    """No test finds the follower of another one."""
    yield
    stop_following()


@pytest.fixture
def vwo(settings: Any) -> Iterator[VWOSimulator]:
    """VWO's side, served over HTTP, with one flag that is on."""
    with VWOSimulator(
        build_settings(feature("new_checkout", variables={"color": "red"})),
        account_id=site.VWO_WEBHOOKS["ACCOUNT_ID"],
        sdk_key=site.VWO_WEBHOOKS["SDK_KEY"],
        secret=site.VWO_WEBHOOKS["SECRET"],
    ) as simulator:
        configure(settings, SDK_OPTIONS={"proxy_url": simulator.url})
        yield simulator


def configure(settings: Any, **values: Any) -> None:
    """Override keys of ``VWO_WEBHOOKS``."""
    settings.VWO_WEBHOOKS = {**copy.deepcopy(settings.VWO_WEBHOOKS), **values}


Deliver = Callable[..., HttpResponse]


@pytest.fixture
def deliver() -> Deliver:
    """Posts a delivery as VWO does, with the right secret unless told otherwise."""

    def post(payload: Any = None, *, secret: Any = None, **changes: Any) -> HttpResponse:
        body = {**PAYLOAD, **changes} if payload is None else payload
        return Client(raise_request_exception=False).post(
            "/webhooks/vwo/",
            body if isinstance(body, (bytes, str)) else json.dumps(body),
            content_type="application/json",
            headers={"x-vwo-auth": secret or site.VWO_WEBHOOKS["SECRET"]},
        )

    return post


@pytest.fixture
def in_thread() -> Iterator[Callable[..., threading.Thread]]:
    """Runs a function in a thread with database connections of its own, closed at its end."""
    threads = []

    def start(function: Callable[[], object]) -> threading.Thread:
        def run() -> None:
            try:
                function()
            finally:
                connections.close_all()

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return threads[-1]

    yield start
    for thread in threads:
        thread.join()


def wait_until(condition: Callable[[], object], timeout: float = 10.0) -> None:
    """Returns as soon as ``condition`` holds, fails when it does not in time."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.01)


def only_event() -> WebhookEvent:
    return WebhookEvent.objects.get()
