"""What the simulator serves and sends, over real HTTP and without a database."""

import json
import time

import pytest

from django_vwo_webhooks.testing import VWOSimulator, build_settings, feature
from tests.receiver import Receiver
from tests.testing.conftest import PULL, QUICK, fetch


@pytest.mark.parametrize("path", ["/server-side/v2-settings", PULL])
def test_the_current_document_is_served(simulator: VWOSimulator, path: str) -> None:
    answer = fetch(simulator, path, i="any", a="7")
    assert answer.json() == simulator.settings
    assert answer.headers["Content-Type"] == "application/json"
    simulator.settings = {"version": 2}
    assert fetch(simulator, path).json() == {"version": 2}
    seen = simulator.fetches[0]
    assert (seen.path, seen.query) == (path, {"i": "any", "a": "7"})
    assert seen.user_agent.startswith("python-requests")
    assert 0 <= time.monotonic() - seen.at < 60


def test_settings_are_copies(simulator: VWOSimulator) -> None:
    mine = build_settings(feature("a"))
    simulator.settings = mine
    mine["features"].clear()
    simulator.settings["features"].clear()
    assert len(fetch(simulator).json()["features"]) == 1


def test_key_and_account_are_checked_only_when_given(simulator: VWOSimulator) -> None:
    assert fetch(simulator, i="wrong", a="0").status_code == 200
    with VWOSimulator(account_id="7", sdk_key="k") as strict:
        assert fetch(strict, i="k", a="7").json()["accountId"] == 7
        for query in ({"i": "no", "a": "7"}, {"i": "k", "a": "8"}, {}):
            answer = fetch(strict, **query)
            assert answer.status_code == 400
            assert "message" in answer.json()


def test_a_webhook_is_retried_unchanged_until_a_2xx(receiver: Receiver) -> None:
    receiver.statuses = [503, 401, 302, 201]
    with VWOSimulator(webhook_url=receiver.url, secret="s3", retry_seconds=QUICK) as simulator:
        delivery = simulator.set_flag("a")
        assert delivery is not None
        assert delivery.wait(5)
        assert delivery.delivered
        assert simulator.set_flag("a", notify=False) is None
    assert [attempt.status for attempt in delivery.attempts] == [503, 401, 302, 201]
    assert "settings refreshed" in delivery.attempts[0].body
    bodies = {request.body for request in receiver.received}
    assert len(bodies) == 1
    assert json.loads(bodies.pop()) == delivery.payload
    assert delivery.payload["action"] == "feature_flag_updated"
    assert list(delivery.payload) == ["timestamp", "event", "action", "triggered_by"]
    headers = receiver.received[0].headers
    assert (headers["x-vwo-auth"], headers["content-type"]) == ("s3", "application/json")


def test_a_webhook_is_shaped_by_its_arguments(simulator: VWOSimulator, receiver: Receiver) -> None:
    sent = simulator.send_webhook("act", "ev", "me", 5, url=receiver.url, secret="other", more=[1])
    assert sent.wait(5)
    assert json.loads(receiver.received[0].body) == {
        "timestamp": 5,
        "event": "ev",
        "action": "act",
        "triggered_by": "me",
        "more": [1],
    }
    with pytest.raises(ValueError, match="absolute"):
        simulator.send_webhook()


def test_simulators_are_independent() -> None:
    with VWOSimulator() as one, VWOSimulator() as two:
        one.set_flag("a")
        fetch(one)
        assert two.fetches == []
        assert fetch(two).json()["features"] == []
