"""What the simulator received, and waiting for it."""

import pytest
import requests

from django_vwo_webhooks.testing import VWOSimulator
from tests.testing.conftest import fetch


def test_impressions_are_recorded_one_by_one_and_from_batches(simulator: VWOSimulator) -> None:
    requests.post(f"{simulator.url}/as01/events/t?en=x", json={"d": 1}, timeout=5)
    batch = f"{simulator.url}/server-side/batch-events-v2"
    assert requests.post(batch, json={"ev": [{"d": 2}, {"d": 3}]}, timeout=5).json() == {}
    requests.post(f"{simulator.url}/anything", data=b"\xff", timeout=5)
    assert simulator.impressions == [{"d": 1}, {"d": 2}, {"d": 3}]
    assert simulator.event_requests[0][:2] == ("/as01/events/t?en=x", b'{"d": 1}')
    assert len(simulator.event_requests) == 3


def test_impressions_that_are_refused_do_not_count(simulator: VWOSimulator) -> None:
    simulator.misbehave_events(status=503)
    url = f"{simulator.url}/events/t"
    assert requests.post(url, json={"d": 1}, timeout=5).status_code == 503
    assert simulator.impressions == []
    assert len(simulator.event_requests) == 1
    assert fetch(simulator).status_code == 200
    simulator.behave()
    requests.post(url, json={"d": 1}, timeout=5)
    assert simulator.impressions == [{"d": 1}]


def test_a_wait_that_times_out_reports_what_was_received(simulator: VWOSimulator) -> None:
    fetch(simulator)
    simulator.wait_for(lambda: len(simulator.fetches) == 1)
    with pytest.raises(TimeoutError, match=r"1 fetches.*v2-pull"):
        simulator.wait_for(lambda: False, timeout=0.1)
