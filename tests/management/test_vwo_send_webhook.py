"""manage.py vwo_send_webhook, against a plain receiver and against the real view."""

import io
import json
import re
import socket

import pytest
from django.core.management import CommandError, call_command

from django_vwo_webhooks.management.commands import vwo_send_webhook
from tests.conftest import configure, only_event
from tests.receiver import running_receiver


def send(*args, **options):
    out = io.StringIO()
    call_command("vwo_send_webhook", *args, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def receiver(settings):
    configure(settings, SECRET=["configured-secret", "older"])
    with running_receiver() as server:
        yield server


def test_it_posts_to_this_site_with_the_first_configured_secret(receiver):
    host = receiver.url.removesuffix("/webhooks/vwo/")
    text = send(host=host, action="act", timestamp=5)
    assert "HTTP 200" in text
    assert "settings refreshed" in text
    assert "event 12" in text
    [request] = receiver.received
    assert request.path == "/webhooks/vwo/"
    assert json.loads(request.body)["action"] == "act"
    assert "configured-secret" in request.headers.values()
    assert "configured-secret" not in text


@pytest.mark.parametrize(("status", "advice"), [(401, "secret"), (404, "include"), (500, "log")])
def test_a_failure_comes_with_advice(receiver, status, advice):
    receiver.statuses = [status]
    with pytest.raises(CommandError, match=f"HTTP {status}.*{advice}") as caught:
        send(receiver.url)
    assert "configured-secret" not in str(caught.value)
    assert len(receiver.received) == 1


def test_it_retries_until_a_2xx_when_asked_to(monkeypatch, receiver):
    monkeypatch.setattr(vwo_send_webhook, "RETRY_SECONDS", (0.01, 0.02))
    receiver.statuses = [503, 503, 200]
    text = send(receiver.url, retry=True, secret="own")
    assert text.count("HTTP 503") == 2
    assert "HTTP 200" in text


def test_a_closed_port_is_reported():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(CommandError, match="Is the server running"):
            send(f"http://127.0.0.1:{taken.getsockname()[1]}/")


def test_a_url_has_to_be_absolute():
    with pytest.raises(CommandError, match="absolute"):
        send("not-a-url")


def test_without_a_secret_there_is_nothing_to_send(settings):
    configure(settings, SECRET=None)
    with pytest.raises(CommandError, match="SECRET"):
        send()


@pytest.mark.django_db(transaction=True)
class TestAgainstTheView:
    def test_the_host_is_enough(self, vwo, live_server):
        text = send(host=live_server.url, action="by hand")
        event = only_event()
        assert (event.action, event.outcome) == ("by hand", "changed")
        assert re.search(rf"200.*{event.pk}", text, re.DOTALL)

    def test_a_url_is_posted_to_as_it_is(self, vwo, live_server):
        send(f"{live_server.url}/webhooks/vwo/", event="something_else", timestamp=1606482285)
        assert only_event().event == "something_else"

    def test_it_retries_as_vwo_does(self, vwo, live_server):
        vwo.misbehave(status=500, times=1)
        send(host=live_server.url, retry=True)
        assert only_event().deliveries == 2

    @pytest.mark.parametrize(
        ("arguments", "hint"),
        [
            ({"secret": "not-the-right-one"}, "401"),
            ({"host": "http://127.0.0.1:1"}, "running"),
        ],
    )
    def test_a_failure_comes_with_advice(self, vwo, live_server, arguments, hint):
        with pytest.raises(CommandError, match=hint):
            send(**{"host": live_server.url, **arguments})

    def test_a_url_that_does_not_exist(self, vwo, live_server):
        with pytest.raises(CommandError, match="404"):
            send(f"{live_server.url}/webhooks/")
