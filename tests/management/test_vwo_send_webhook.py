"""manage.py vwo_send_webhook against the real view."""

import io
import re

import pytest
from django.core.management import CommandError, call_command

from tests.conftest import configure, only_event

pytestmark = pytest.mark.django_db(transaction=True)


def send(*args, **options):
    out = io.StringIO()
    call_command("vwo_send_webhook", *args, stdout=out, **options)
    return out.getvalue()


def test_to_this_site(vwo, live_server):
    text = send(host=live_server.url, action="by hand")
    event = only_event()
    assert (event.action, event.outcome) == ("by hand", "changed")
    assert re.search(rf"200.*{event.pk}", text, re.DOTALL)


def test_to_a_url(vwo, live_server):
    send(f"{live_server.url}/webhooks/vwo/", event="something_else", timestamp=1606482285)
    assert only_event().event == "something_else"


def test_retrying_as_vwo_does(vwo, live_server):
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
def test_what_went_wrong_is_said(vwo, live_server, arguments, hint):
    with pytest.raises(CommandError, match=hint):
        send(**{"host": live_server.url, **arguments})


def test_a_url_that_is_not_there(vwo, live_server):
    with pytest.raises(CommandError, match="404"):
        send(f"{live_server.url}/webhooks/")


def test_without_a_secret_there_is_nothing_to_send(settings):
    configure(settings, SECRET=None)
    with pytest.raises(CommandError, match="SECRET"):
        send()
