"""What an attempt fetches, validates, builds, stores and applies."""

import re
import threading
import time

import pytest
from django.db import connection

from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.exceptions import (
    RefreshFailed,
    VWOUnreachable,
)
from django_vwo_webhooks.models import RefreshLease, SettingsSnapshot, WebhookEvent
from django_vwo_webhooks.refresh import refresh_settings
from django_vwo_webhooks.testing import build_settings, feature
from tests.conftest import configure, only_event, wait_until
from tests.refresh.another_process import another_process_starts, another_process_succeeds

pytestmark = pytest.mark.django_db(transaction=True)


GOOD = build_settings(feature("new_checkout", variables={"color": "green"}))


def color():
    return get_client().get_flag("new_checkout", {"id": "u"}).get_variable("color")


def test_changed_settings_are_in_force_when_the_answer_is_sent(vwo, deliver):
    deliver()
    assert color() == "red"
    vwo.set_flag("new_checkout", variables={"color": "green"})
    assert deliver(action="again").status_code == 200
    assert color() == "green"
    newest = SettingsSnapshot.objects.in_force()
    assert get_client().snapshot_id == newest.pk
    assert WebhookEvent.objects.first().snapshot == newest


def test_unchanged_settings_make_no_snapshot(vwo, deliver):
    deliver()
    vwo.settings = {**vwo.settings, "sdkMetaInfo": {"wasInitializedEarlier": True}}
    assert deliver(action="again").status_code == 200
    assert WebhookEvent.objects.first().outcome == "unchanged"
    assert SettingsSnapshot.objects.count() == 1


def test_there_and_back_makes_three_snapshots(vwo):
    for shade in ("red", "green", "red"):
        vwo.set_flag("new_checkout", variables={"color": shade})
        refresh_settings()
    assert SettingsSnapshot.objects.count() == 3
    assert SettingsSnapshot.objects.in_force().settings == SettingsSnapshot.objects.last().settings


def test_every_fetch_asks_the_endpoint_for_webhooks(vwo, deliver):
    deliver()
    get_client()
    assert {fetch.path for fetch in vwo.fetches} == {"/server-side/v2-pull"}
    assert vwo.fetches[0].query["a"] == "123456"
    assert vwo.fetches[0].query["platform"] == "server"


@pytest.mark.parametrize("nothing", [[], {}])
def test_no_features_at_all_is_valid(vwo, deliver, nothing):
    deliver()
    vwo.settings = {**vwo.settings, "features": nothing, "campaigns": nothing}
    assert deliver(action="again").status_code == 200
    assert not get_client().get_flag("new_checkout", {"id": "u"}).is_enabled()


# without a flag's rules the SDK can't build it, and its schema does not say so
UNBUILDABLE = {**GOOD, "features": [{k: v for k, v in GOOD["features"][0].items() if k != "rules"}]}


FAILURES = {
    "status 500": ({"status": 500}, "answered HTTP 500"),
    "status 404": ({"status": 404}, "answered HTTP 404"),
    "status 400": ({"status": 400}, "answered HTTP 400"),
    "HTML": ({"body": b"<html>", "content_type": "text/html"}, "is not JSON"),
    "broken JSON": ({"body": b'{"a": '}, "is not JSON"),
    "NaN": ({"body": b'{"a": NaN}'}, "is not JSON"),
    "a list": ({"body": b"[]"}, "not a JSON object"),
    "{}": ({"body": b"{}"}, "version, accountId, campaigns, features missing"),
    "cut off": ({"truncate": True}, "No answer from VWO"),
    "reset": ({"reset": True}, "No answer from VWO"),
    "one byte a second": ({"drip": 1.0}, "did not answer in full within 1.0 s"),
    "headers byte by byte": ({"drip": 0.5, "drip_headers": True}, "did not answer in full"),
    "nothing for 20 s": ({"delay": 20}, "did not answer"),
    "an endless body": ({"endless": True}, "did not answer in full|larger than 32 MiB"),
}


DOCUMENTS = {
    "without features": (
        {key: value for key, value in GOOD.items() if key != "features"},
        "schema at the top: features missing",
    ),
    "a feature of a wrong type": (
        {**GOOD, "features": [{**GOOD["features"][0], "key": 5}]},
        r"schema at features\[0\]\.key: should be string",
    ),
    "not buildable": (UNBUILDABLE, "can't build"),
    "without its SDK key": (
        {key: value for key, value in GOOD.items() if key != "sdkKey"},
        "can't build",
    ),
}


def check_failure_and_recovery(vwo, deliver, reason):
    event_id = None
    for deliveries in (1, 2):
        started = time.monotonic()
        response = deliver(action="new")
        # the limit and a second, and the rest for a busy machine; the SDK takes 14 s and more
        assert time.monotonic() - started < 10
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) >= 1
        event = WebhookEvent.objects.get(action="new")
        assert response.json() == {"status": "error", "message": event.error, "event": event.pk}
        assert event.outcome == "failed"
        assert event.deliveries == deliveries
        assert event_id in (None, event.pk)
        event_id = event.pk
        RefreshLease.objects.update(backoff_until=0)
    assert re.search(reason, event.error)
    assert color() == "red"
    vwo.behave()
    vwo.accept()
    vwo.settings = GOOD
    assert deliver(action="new").status_code == 200
    event = WebhookEvent.objects.get(action="new")
    assert (event.outcome, event.error, event.deliveries) == ("changed", "", 3)
    assert color() == "green"


@pytest.mark.parametrize(("trouble", "reason"), FAILURES.values(), ids=FAILURES)
def test_vwo_in_trouble(vwo, deliver, settings, trouble, reason):
    configure(settings, REFRESH_TIMEOUT_SECONDS=1.0)
    deliver()
    vwo.misbehave(**trouble)
    check_failure_and_recovery(vwo, deliver, reason)


@pytest.mark.parametrize(("document", "reason"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_settings_that_are_no_good(vwo, deliver, settings, document, reason):
    configure(settings, REFRESH_TIMEOUT_SECONDS=1.0)
    deliver()
    vwo.settings = document
    check_failure_and_recovery(vwo, deliver, reason)


def test_vwo_refusing_the_connection(vwo, deliver, settings):
    configure(settings, REFRESH_TIMEOUT_SECONDS=1.0)
    deliver()
    vwo.refuse()
    check_failure_and_recovery(vwo, deliver, "connection refused")


def test_an_unknown_host_is_said_so(settings, deliver):
    configure(settings, SDK_OPTIONS={"proxy_url": "http://vwo.invalid"})
    deliver()
    assert "unknown host" in only_event().error


def test_no_thread_is_left_behind_by_a_server_that_drips(vwo, deliver, settings):
    configure(settings, REFRESH_TIMEOUT_SECONDS=0.5)
    vwo.misbehave(drip=0.1, drip_headers=True)
    with pytest.raises(RefreshFailed):
        refresh_settings()
    wait_until(lambda: not [t for t in threading.enumerate() if t.name == "vwo-fetch"])


def test_a_late_result_is_refused(vwo, monkeypatch):
    """An attempt that held the lease for too long finds that a newer one has started."""
    from django_vwo_webhooks.sdk import lifecycle

    refresh_settings()
    vwo.set_flag("new_checkout", variables={"color": "green"})
    fetch = lifecycle.fetch

    def overtaken(timeout):
        document = fetch(timeout)
        RefreshLease.objects.update(expires_at=0)
        another_process_starts()
        return document

    monkeypatch.setattr(lifecycle, "fetch", overtaken)
    with pytest.raises(RefreshFailed, match="newer refresh"):
        refresh_settings()
    assert SettingsSnapshot.objects.count() == 1
    assert color() == "red"


def test_unchanged_settings_are_known_by_their_digest(vwo, deliver, monkeypatch):
    from django_vwo_webhooks.sdk import lifecycle

    deliver()
    for name in ("validate", "build"):
        monkeypatch.delattr(lifecycle, name)
    vwo.settings = dict(reversed(vwo.settings.items()))
    assert deliver(action="again").status_code == 200
    assert SettingsSnapshot.objects.count() == 1


def test_a_late_failure_decides_about_no_row(vwo, deliver, monkeypatch):
    from django_vwo_webhooks.sdk import lifecycle

    deliver()
    fetch = lifecycle.fetch

    def overtaken(timeout):
        monkeypatch.setattr(lifecycle, "fetch", fetch)
        another_process_succeeds()
        raise VWOUnreachable("too late")

    monkeypatch.setattr(lifecycle, "fetch", overtaken)
    response = deliver(action="again")
    assert response.status_code == 200, "the other attempt serves the delivery too"
    assert WebhookEvent.objects.get(action="again").outcome == "unchanged"


def test_an_unexpected_error_is_a_503_with_its_row(vwo, deliver, monkeypatch, caplog):
    from django_vwo_webhooks.sdk import lifecycle

    def broken(timeout):
        raise ZeroDivisionError

    monkeypatch.setattr(lifecycle, "fetch", broken)
    assert deliver().status_code == 503
    assert only_event().error == "Unexpected ZeroDivisionError during the refresh."
    assert "Traceback" in caplog.text
    monkeypatch.undo()
    assert deliver().status_code == 503, "it backs off"
    RefreshLease.objects.update(backoff_until=0)
    assert deliver().status_code == 200, "the lease is free"


def test_a_database_that_goes_while_vwo_answers(vwo, deliver, monkeypatch, caplog):
    from django_vwo_webhooks.sdk import lifecycle

    fetch, table = lifecycle.fetch, "django_vwo_webhooks_refreshlease"

    def rename(one, other):
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {one} RENAME TO {other}")

    def gone(timeout):
        document = fetch(timeout)
        rename(table, "away")
        return document

    monkeypatch.setattr(lifecycle, "fetch", gone)
    try:
        assert deliver().status_code == 503
    finally:
        rename("away", table)
    assert "could not be recorded" in caplog.text
    RefreshLease.objects.update(expires_at=0)
    monkeypatch.undo()
    assert deliver().status_code == 200
    assert (only_event().outcome, only_event().deliveries) == ("changed", 2)
