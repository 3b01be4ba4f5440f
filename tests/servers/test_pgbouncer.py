"""A site whose way to PostgreSQL leads through PgBouncer, with each broadcast."""

import time

import pytest
from django.db import connection

from django_vwo_webhooks.broadcast import get_broadcast
from django_vwo_webhooks.refresh import refresh_settings
from tests.conftest import use_broadcast, wait_until
from tests.follower.flags import enabled
from tests.servers.pooler import pgbouncer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="needs a PostgreSQL"),
]


@pytest.fixture
def through(request):
    """All connections of this process that are made from now on lead through PgBouncer."""
    pytest.importorskip("psycopg")
    straight = dict(connection.settings_dict)
    with pgbouncer(request.param) as own:
        host, _, port = own.url.removesuffix("/site").rpartition("@")[2].partition(":")
        connection.settings_dict.update(HOST=host, PORT=port, NAME="site")
        connection.close()
        yield straight
        connection.close()
        connection.settings_dict.update(straight)


def follows_within(vwo, in_thread, seconds):
    """A change that another connection stores is followed, and no look comes by chance."""
    assert enabled()
    wait_until(lambda: get_broadcast().pushes is False or _is_listening())
    for flag in (False, True):
        vwo.set_flag("new_checkout", enabled=flag)
        in_thread(refresh_settings).join()
        began_at = time.monotonic()
        wait_until(lambda flag=flag: enabled() is flag, seconds)
        assert time.monotonic() - began_at < seconds


def _is_listening():
    return getattr(get_broadcast(), "_delivers", True)


def warnings(caplog):
    return [text for text in caplog.messages if "notifications do not reach" in text]


@pytest.mark.parametrize("through", ["transaction"], indirect=True)
def test_a_process_that_is_not_notified_says_what_to_write_and_polls(
    vwo, settings, in_thread, through, caplog
):
    use_broadcast(settings, "Postgres", poll_seconds=0.1)
    assert enabled()
    wait_until(lambda: warnings(caplog))
    follows_within(vwo, in_thread, 5)
    (text,) = warnings(caplog)
    assert '"OPTIONS" in VWO_WEBHOOKS["BROADCAST"]: {"dsn": ' in text
    assert "Failed: listening" not in caplog.text


@pytest.mark.parametrize("through", ["session"], indirect=True)
def test_a_pooler_in_session_mode_notifies(vwo, settings, in_thread, through, caplog):
    use_broadcast(settings, "Postgres", poll_seconds=60)
    follows_within(vwo, in_thread, 5)
    assert warnings(caplog) == []


@pytest.mark.parametrize("through", ["transaction"], indirect=True)
def test_a_dsn_that_leads_straight_to_the_server(vwo, settings, in_thread, through, caplog):
    dsn = "host={HOST} port={PORT} user={USER} dbname={NAME}".format(
        **{**through, "PORT": through["PORT"] or 5432}
    )
    use_broadcast(settings, "Postgres", dsn=dsn, poll_seconds=60)
    follows_within(vwo, in_thread, 5)
    assert warnings(caplog) == []


@pytest.mark.parametrize("through", ["transaction"], indirect=True)
@pytest.mark.parametrize("broadcast", ["Database", "Redis"])
def test_another_broadcast(vwo, deliver, settings, in_thread, through, broadcast):
    use_broadcast(settings, broadcast, poll_seconds=0.2)
    follows_within(vwo, in_thread, 5)
    assert deliver().status_code == 200
