"""The simulator's web page: flags are shown and changed, faults are injected."""

import pytest
import requests

from django_vwo_webhooks.testing import VWOSimulator, build_settings, feature
from tests.receiver import Receiver
from tests.testing.conftest import QUICK, REAL, fetch, weights


def test_flags_are_shown_escaped(simulator: VWOSimulator) -> None:
    simulator.settings = build_settings(
        feature("<b>", name="&x", enabled=False, percentage=40, variables={"q": '"<i>', "on": True})
    )
    page = requests.get(simulator.url, timeout=5).text
    assert "&lt;b&gt;<small>&amp;x</small>" in page
    assert "<b>" not in page
    assert "<i>" not in page
    assert "No webhooks are sent" in page
    assert 'value="40"' in page
    assert 'value="&quot;&lt;i&gt;"' in page
    simulator.settings = REAL
    assert "search<small>Search</small>" in requests.get(simulator.url, timeout=5).text
    assert simulator.fetches == []


def test_the_form_changes_a_flag_and_sends_a_webhook(receiver: Receiver) -> None:
    with VWOSimulator(REAL, webhook_url=receiver.url, retry_seconds=QUICK) as simulator:
        url = f"{simulator.url}/flags"
        form = {"key": "search", "percentage": "25", "variable:limit": "3"}
        answer = requests.post(url, data=form, timeout=5, allow_redirects=False)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")
        assert simulator.settings["features"][0]["status"] == "OFF"
        assert simulator.settings["campaigns"][1]["percentTraffic"] == 25
        assert simulator.deliveries[0].wait(5)
        page = requests.post(url, data=form | {"enabled": "on"}, timeout=5).text
        assert weights(simulator.settings)[1] == [25, 25]
        assert f"Webhooks go to {receiver.url}" in page
        assert '<td>feature_flag_updated</td><td>1</td><td><span class="good">HTTP 200' in page
        assert simulator.event_requests == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": ""},
        {"variable:limit": "many"},
        {"variable:limit": "inf"},
        {"percentage": "101"},
        {"percentage": "x"},
    ],
)
def test_the_form_reports_what_is_wrong(simulator: VWOSimulator, wrong: dict[str, str]) -> None:
    simulator.settings = REAL
    answer = requests.post(f"{simulator.url}/flags", data={"key": "search"} | wrong, timeout=5)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert simulator.settings == REAL


def test_the_form_injects_faults(simulator: VWOSimulator) -> None:
    def choose(name: str) -> requests.Response:
        return requests.post(f"{simulator.url}/behaviour", data={"behaviour": name}, timeout=5)

    assert "<option selected>HTTP 500</option>" in choose("HTTP 500").text
    assert fetch(simulator).status_code == 500
    choose("garbage")
    with pytest.raises(requests.JSONDecodeError):
        fetch(simulator).json()
    choose("hang")
    with pytest.raises(requests.Timeout):
        fetch(simulator, timeout=0.2)
    choose("normal")
    assert fetch(simulator).json() == simulator.settings
    assert choose("dance").status_code == 400


def test_the_page_is_loaded_again_until_the_webhook_is_delivered(receiver: Receiver) -> None:
    receiver.statuses = [503]
    with VWOSimulator(REAL, webhook_url=receiver.url, retry_seconds=(60, 60)) as simulator:
        webhook = simulator.set_flag("search", enabled=True)
        assert webhook is not None
        simulator.wait_for(lambda: webhook.attempts)
        page = requests.get(simulator.url, timeout=5).text
        assert 'http-equiv="refresh"' in page
        assert '<span class="bad">HTTP 503' in page
        webhook.cancel()
        assert not webhook.wait(5)
        assert 'http-equiv="refresh"' not in requests.get(simulator.url, timeout=5).text
