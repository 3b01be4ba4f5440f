"""What a simulated gateway serves, over real HTTP and without a database."""

from collections.abc import Iterator

import pytest
import requests

from django_vwo_webhooks.testing import GatewaySimulator, build_settings, feature
from tests.testing.conftest import PULL, QUICK, fetch


@pytest.fixture
def gateway() -> Iterator[GatewaySimulator]:
    settings = build_settings(feature("checkout", variables={"color": "blue"}))
    with GatewaySimulator(settings, retry_seconds=QUICK) as running:
        yield running


@pytest.mark.parametrize("path", ["/server-side/v2-settings", PULL])
def test_the_copy_is_served_until_the_gateway_polls(gateway: GatewaySimulator, path: str) -> None:
    old = gateway.settings
    gateway.set_flag("checkout", enabled=False)
    assert fetch(gateway, path).json() == old
    gateway.poll()
    assert fetch(gateway, path).json() == gateway.settings != old
    assert len(gateway.fetches) == 2


def test_an_event_is_taken_and_a_batch_is_not(gateway: GatewaySimulator) -> None:
    assert requests.post(f"{gateway.url}/events/t?en=x", json={"d": 1}, timeout=5).ok
    batch = f"{gateway.url}/server-side/batch-events-v2"
    assert requests.post(batch, json={"ev": [{"d": 2}]}, timeout=5).status_code == 404
    assert gateway.impressions == [{"d": 1}]
    gateway.misbehave_events(status=503)
    assert requests.post(f"{gateway.url}/events/t", json={}, timeout=5).status_code == 503


def test_what_is_known_of_a_visitor(gateway: GatewaySimulator) -> None:
    gateway.user_details = {"location": {"country": "India"}, "userAgent": {}}
    assert fetch(gateway, "/get-user-details", ipAddress="1.2.3.4").json() == gateway.user_details


def test_aliases(gateway: GatewaySimulator) -> None:
    setting = {"userId": "ada", "aliasId": "guest"}
    answer = requests.post(f"{gateway.url}/user-alias/setUserAlias", params=setting, timeout=5)
    assert answer.json() == {"isAliasSet": True}
    answer = fetch(gateway, "/user-alias/getAliasUserId", userId='["guest", "eve"]')
    assert answer.json() == [
        {"aliasId": "guest", "userId": "ada"},
        {"aliasId": "eve", "userId": "eve"},
    ]


def test_faults_are_injected_as_by_vwo(gateway: GatewaySimulator) -> None:
    gateway.misbehave(status=500, times=1)
    assert fetch(gateway).status_code == 500
    assert fetch(gateway).status_code == 200
    assert fetch(gateway, "/").status_code == 404
