"""The ways in which the simulator fails, and recovers."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from django_vwo_webhooks.testing import VWOSimulator
from tests.testing.conftest import PULL, fetch


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ({"reset": True}, "reset"),
        ({"truncate": True}, "IncompleteRead"),
        ({"delay": 30}, "timed out"),
        ({"drip": 5, "drip_headers": True}, "timed out"),
    ],
)
def test_a_fetch_breaks(simulator: VWOSimulator, how: dict[str, Any], error: str) -> None:
    simulator.misbehave(**how, times=1)
    with pytest.raises(requests.RequestException, match=error):
        fetch(simulator, timeout=0.2)
    assert fetch(simulator).status_code == 200
    assert len(simulator.fetches) == 2


def test_status_body_and_content_type_are_replaced(simulator: VWOSimulator) -> None:
    simulator.misbehave(status=500, body="<oops>", content_type="text/html")
    for _ in range(2):
        answer = fetch(simulator)
        assert (answer.status_code, answer.text) == (500, "<oops>")
        assert answer.headers["Content-Type"] == "text/html"
    simulator.misbehave(body=b"{", times=2)
    assert [fetch(simulator).text == "{" for _ in range(3)] == [True, True, False]
    simulator.misbehave(status=404)
    simulator.behave()
    assert fetch(simulator).status_code == 200


def test_a_body_drips_or_never_ends(simulator: VWOSimulator) -> None:
    simulator.settings = {"v": 1}
    simulator.misbehave(drip=0.01, times=1)
    answer = requests.get(simulator.url + PULL, timeout=5, stream=True)
    assert len(list(answer.iter_content(1))) == len('{"v": 1}')
    assert answer.elapsed.total_seconds() < 5
    simulator.misbehave(endless=True)
    with requests.get(simulator.url + PULL, timeout=5, stream=True) as answer:
        assert len(answer.raw.read(300_000)) == 300_000


@pytest.mark.parametrize(("take", "served"), [("arrival", 1), ("answer", 2)])
def test_a_delayed_answer_holds_the_document_of_its_request_or_of_its_answer(
    simulator: VWOSimulator, take: Any, served: int
) -> None:
    simulator.settings = {"version": 1}
    simulator.misbehave(delay=0.4, times=1, take=take)
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(fetch, simulator)
        simulator.wait_for(lambda: simulator.fetches)
        simulator.settings = {"version": 2}
        assert fetch(simulator).json() == {"version": 2}
        assert not slow.done()
        assert slow.result().json() == {"version": served}


def test_posts_of_events_fail_a_number_of_times_or_where_they_are_picked(
    simulator: VWOSimulator,
) -> None:
    def post(number: int) -> int:
        batch = {"ev": [{"d": number}]}
        return requests.post(f"{simulator.url}/batch", json=batch, timeout=5).status_code

    simulator.misbehave_events(status=503, times=2)
    assert [post(number) for number in range(3)] == [503, 503, 200]
    simulator.misbehave_events(status=400, when=lambda request: {"d": 4} in request.events)
    assert [post(number) for number in (3, 4, 5, 4)] == [200, 400, 200, 400]
    simulator.misbehave_events(reset=True, times=1)
    with pytest.raises(requests.ConnectionError):
        post(6)
    assert post(7) == 200
    assert simulator.impressions == [{"d": number} for number in (2, 3, 5, 7)]
    assert simulator.event_requests[0].headers["content-type"] == "application/json"


def test_impressions_whose_answer_is_late_arrive(simulator: VWOSimulator) -> None:
    simulator.misbehave_events(delay=30)
    with pytest.raises(requests.Timeout):
        requests.post(f"{simulator.url}/events/t", json={"d": 1}, timeout=0.2)
    assert simulator.impressions == [{"d": 1}]
