"""A batch is posted as the SDK posts it, and an answer is taken for what it says."""

import socket
import threading
import time

import pytest
from wingify.packages.network_layer.models.request_model import RequestModel
from wingify.services.settings_manager import SettingsManager
from wingify.utils.network_util import send_post_batch_request

from django_vwo_webhooks.sdk import lifecycle
from django_vwo_webhooks.sdk.impressions import posting
from django_vwo_webhooks.sdk.impressions.posting import Destination, Outcome, post
from tests.sdk.conftest import store
from tests.sdk.impressions.conftest import USER
from tests.sdk.scripted_server import Connection, scripted_server

EVENTS = [b'{"d": {"event": {"name": "a"}}}', b'{"d": 2.50}']


@pytest.fixture
def destination(client):
    return Destination.current()


def test_url_headers_and_body_are_those_of_the_sdk(vwo, destination):
    account_id, sdk_key = destination.account_id, destination.sdk_key
    assert post(destination, EVENTS).outcome is Outcome.ACCEPTED
    decoded = [{"d": {"event": {"name": "a"}}}, {"d": 2.50}]
    assert send_post_batch_request(decoded, account_id, sdk_key)
    ours, theirs = vwo.event_requests[-2:]
    assert ours.path == theirs.path
    assert ours.headers == theirs.headers | {"content-length": str(len(ours.body))}
    assert ours.events == theirs.events


@pytest.mark.django_db
def test_it_is_posted_where_the_settings_in_force_want_it(vwo):
    store({**vwo.settings, "collectionPrefix": "eu01"})
    lifecycle.apply_in_force()
    assert post(Destination.current(), EVENTS).outcome is Outcome.ACCEPTED
    assert vwo.event_requests[-1].path.startswith("/eu01/server-side/batch-events-v2?a=123456&")


def test_the_connection_is_used_again(destination):
    def answers(connection):
        while True:
            read_post(connection)
            connection.answer()

    with scripted_server(answers) as server:
        for _ in range(5):
            outcome = post(destination._replace(host=server.address), EVENTS).outcome
            assert outcome is Outcome.ACCEPTED
        assert server.connections == 1


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        *((status, Outcome.ACCEPTED) for status in (200, 202, 204)),
        *((status, Outcome.REFUSED) for status in (400, 413, 422)),
        *((s, Outcome.NOT_NOW) for s in (301, 302, 307, 401, 403, 404, 408, 429, 500, 502, 503)),
    ],
)
def test_each_status_is_judged(vwo, destination, status, outcome):
    vwo.misbehave_events(status=status)
    answer = post(destination, EVENTS)
    assert answer.outcome is outcome
    assert answer.text == (
        "" if outcome is Outcome.ACCEPTED else f"Failed with status code: {status}"
    )
    assert len(vwo.event_requests) == 1


def test_a_redirect_is_not_followed(vwo, destination):
    def redirect(connection):
        read_post(connection)
        connection.answer(head=f"HTTP/1.1 302 Found\r\nLocation: {vwo.url}/".encode())

    with scripted_server(redirect) as server:
        answer = post(destination._replace(host=server.address), EVENTS)
    assert answer.outcome is Outcome.NOT_NOW


def read_post(connection: Connection) -> None:
    connection.read_request()
    assert connection.file.read(len(b'{"ev": []}') + len(b", ".join(EVENTS)))


def read_and_reset(connection: Connection) -> None:
    read_post(connection)
    connection.reset()


def read_and_close(connection: Connection) -> None:
    read_post(connection)


def read_and_wait(connection: Connection) -> None:
    read_post(connection)
    connection.file.read()


def answer_nonsense(connection: Connection) -> None:
    read_post(connection)
    connection.send(b"SSH-2.0-OpenSSH_9.2\r\n")


@pytest.fixture
def impatient(monkeypatch):
    """A time-out of 0.3 s, where the SDK has 3 s."""
    monkeypatch.setattr(posting, "POST_TIMEOUT_SECONDS", 0.3)


@pytest.mark.parametrize("script", [read_and_reset, read_and_close, read_and_wait, answer_nonsense])
def test_vwo_may_have_what_was_sent_and_not_answered(destination, impatient, script):
    with scripted_server(script) as server:
        answer = post(destination._replace(host=server.address), EVENTS)
    assert answer.outcome is Outcome.UNANSWERED
    assert answer.text
    assert destination.sdk_key not in answer.text


@pytest.mark.parametrize("rest", [b"", b"{", b"{" * 100_000], ids=["none", "a byte", "much"])
def test_the_status_counts_although_the_body_does_not_come(destination, impatient, rest):
    def answer_a_part(connection):
        read_post(connection)
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + rest)
        connection.file.read()

    with scripted_server(answer_a_part) as server:
        answer = post(destination._replace(host=server.address), EVENTS)
    assert answer.outcome is Outcome.ACCEPTED


def test_a_body_that_comes_byte_by_byte_holds_up_nothing(destination, impatient):
    ended = threading.Event()

    def drip(connection):
        read_post(connection)
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        try:
            for _ in range(600):
                connection.send(b" ")
                time.sleep(0.05)
        except OSError:
            ended.set()

    with scripted_server(drip) as server:
        answer = post(destination._replace(host=server.address), EVENTS)
        assert answer.outcome is Outcome.ACCEPTED
        assert ended.wait(10), "the connection is closed long before the body would have ended"


def test_the_status_counts_although_the_head_ends_in_the_middle(destination, impatient, caplog):
    def answer_half_a_head(connection):
        read_post(connection)
        connection.send(b"HTTP/1.1 200 OK\r\nContent-")

    with scripted_server(answer_half_a_head) as server:
        answer = post(destination._replace(host=server.address), EVENTS)
    assert answer.outcome is Outcome.ACCEPTED
    assert "Failed to parse headers" in caplog.text
    assert destination.sdk_key not in caplog.text


def handshake_that_fails(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_what_was_never_sent_is_known(vwo, destination, impatient):
    vwo.refuse()
    refused = post(destination, EVENTS)
    assert refused == (Outcome.UNSENT, "connection refused")
    for wrong in ({"host": "no.such.host.invalid"}, {"host": "a..b"}, {"scheme": "gopher"}):
        answer = post(destination._replace(**wrong), EVENTS)
        assert answer.outcome is Outcome.UNSENT, wrong
        assert destination.sdk_key not in answer.text
    with scripted_server(handshake_that_fails) as server:
        answer = post(destination._replace(scheme="https", host=server.address), EVENTS)
        assert answer.outcome is Outcome.UNSENT
    with scripted_server(read_and_wait, tls=True) as server:
        answer = post(destination._replace(scheme="https", host=server.address), EVENTS)
        assert answer == (Outcome.UNSENT, "its certificate is not trusted")


def test_a_connection_that_can_not_be_opened_in_time_was_never_sent(destination, impatient):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            answer = post(destination._replace(host=f"127.0.0.1:{port}"), EVENTS)
    assert answer.outcome is Outcome.UNSENT


def test_the_time_out_is_the_sdks():
    assert RequestModel().timeout == posting.POST_TIMEOUT_SECONDS


def test_an_event_belongs_to_the_account_of_its_moment(vwo, client, queue, monkeypatch):
    client.get_flag("new_checkout", USER)
    manager = SettingsManager.get_instance()
    monkeypatch.setattr(manager, "account_id", "999")
    monkeypatch.setattr(manager, "sdk_key", "another")
    client.get_flag("new_checkout", USER)
    assert client.flush_events()
    posts = [each for each in vwo.event_requests if "batch" in each.path]
    accounts = [each.path.partition("?a=")[2].partition("&")[0] for each in posts]
    assert accounts == ["123456", "999"]
    keys = [each.events[0]["d"]["event"]["props"]["vwo_envKey"] for each in posts]
    assert [each.headers["authorization"] for each in posts] == keys
    assert keys[1] == "another"


@pytest.mark.parametrize("left", [{}, None, "delete"], ids=str)
def test_settings_that_are_gone_stop_no_impression(vwo, client, settings, left):
    client.get_flag("new_checkout", USER)
    if left == "delete":
        del settings.VWO_WEBHOOKS
    else:
        settings.VWO_WEBHOOKS = left
    vwo.wait_for(lambda: vwo.impressions)
    client.get_flag("new_checkout", USER)
    vwo.wait_for(lambda: len(vwo.impressions) == 2)


def test_a_client_of_other_settings_sends_what_waits_where_it_belongs(vwo, client, settings):
    """The other host does not answer, and holds up nothing."""
    client.get_flag("new_checkout", USER)
    options = {"proxy_url": "http://127.0.0.1:9"}
    changed = {**settings.VWO_WEBHOOKS, "ACCOUNT_ID": "999", "SDK_OPTIONS": options}
    settings.VWO_WEBHOOKS = changed
    lifecycle.client().snapshot_id = 1
    lifecycle.client().set_attribute("plan", "pro", USER)
    started = time.monotonic()
    assert not lifecycle.client().flush_events()
    assert time.monotonic() - started < 5
    assert len(vwo.impressions) == 1
