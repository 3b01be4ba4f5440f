"""The simulator's server: it stops at any moment, refuses connections, and prints nothing."""

import socket
import threading
import time
from typing import Any

import pytest
import requests

from django_vwo_webhooks.testing import VWOSimulator
from tests.receiver import Receiver
from tests.testing.conftest import PULL


def test_connections_are_refused_and_accepted_on_the_same_port(simulator: VWOSimulator) -> None:
    session = requests.Session()
    assert session.get(simulator.url + PULL, timeout=5).ok
    url = simulator.url
    simulator.refuse()
    with pytest.raises(requests.ConnectionError):
        session.get(url + PULL, timeout=5)
    simulator.accept()
    assert simulator.url == url
    assert session.get(url + PULL, timeout=5).ok


@pytest.mark.parametrize("how", [{"delay": 60}, {"drip": 60}, {"endless": True}])
def test_it_stops_at_once_in_the_middle_of_answers(
    how: dict[str, Any], receiver: Receiver, capfd: pytest.CaptureFixture[str]
) -> None:
    receiver.statuses = [0]
    before = set(threading.enumerate())
    simulator = VWOSimulator(webhook_url=receiver.url).start()
    simulator.misbehave(**how)
    client = socket.create_connection(("127.0.0.1", int(simulator.url.rsplit(":", 1)[1])))
    client.sendall(f"GET {PULL} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    delivery = simulator.send_webhook()
    simulator.wait_for(lambda: simulator.fetches and receiver.received)
    started_at = time.monotonic()
    simulator.stop()
    assert time.monotonic() - started_at < 10
    left = {thread.name for thread in set(threading.enumerate()) - before}
    assert not [name for name in left if name.startswith("vwo-simulator")]
    assert delivery.wait(1) is False
    client.close()
    assert capfd.readouterr().err == ""


def test_it_prints_nothing_when_clients_disconnect(
    simulator: VWOSimulator, capfd: pytest.CaptureFixture[str]
) -> None:
    simulator.misbehave(endless=True)
    for _ in range(3):
        requests.get(simulator.url + PULL, timeout=5, stream=True).close()
    simulator.wait_for(
        lambda: not [t for t in threading.enumerate() if t.name.endswith("-request")]
    )
    assert capfd.readouterr().err == ""
