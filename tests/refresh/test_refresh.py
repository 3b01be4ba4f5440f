"""A 2xx that is true: fetched after the delivery arrived, valid, built, stored, applied here."""

import re
import threading
import time

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.utils import timezone

from django_vwo_webhooks import signals
from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.exceptions import (
    InsideTransaction,
    RefreshBusy,
    RefreshFailed,
    VWOUnreachable,
)
from django_vwo_webhooks.models import RefreshLease, SettingsSnapshot, WebhookEvent
from django_vwo_webhooks.refresh import refresh_settings, serve
from django_vwo_webhooks.refresh.attempt import Clock
from django_vwo_webhooks.testing import build_settings, feature
from tests.conftest import configure, only_event, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

GOOD = build_settings(feature("new_checkout", variables={"color": "green"}))


def color():
    return get_client().get_flag("new_checkout", {"id": "u"}).get_variable("color")


@pytest.fixture
def heard():
    """Everything that the four signals said, in order."""
    said = []

    def listen(name):
        def receiver(sender, signal, **provided):
            said.append((name, provided))

        return receiver

    receivers = {}
    for name in ("webhook_received", "settings_refreshed", "settings_applied", "refresh_failed"):
        receivers[name] = listen(name)
        getattr(signals, name).connect(receivers[name])
    yield said
    for name, receiver in receivers.items():
        getattr(signals, name).disconnect(receiver)


def test_changed_settings_are_in_force_when_the_answer_is_sent(vwo, deliver):
    deliver()
    assert color() == "red"
    vwo.set_flag("new_checkout", variables={"color": "green"})
    assert deliver(action="again").status_code == 200
    assert color() == "green"
    newest = SettingsSnapshot.objects.newest()
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
    assert SettingsSnapshot.objects.newest().settings == SettingsSnapshot.objects.last().settings


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
        # the limit and a second, and another one for a busy machine; the SDK takes 14 s and more
        assert time.monotonic() - started < 1 + 1 + 1
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) >= 1
        event = WebhookEvent.objects.get(action="new")
        assert response.json() == {"status": "error", "message": event.error, "event": event.pk}
        assert event.outcome == "failed"
        assert event.deliveries == deliveries
        assert event_id in (None, event.pk)
        event_id = event.pk
        RefreshLease.objects.update(retry_at=0)
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


def test_after_a_failed_fetch_deliveries_take_a_short_breath(vwo, deliver):
    deliver()
    vwo.misbehave(status=500)
    assert deliver(action="one").status_code == 503
    fetches = len(vwo.fetches)
    response = deliver(action="two")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert len(vwo.fetches) == fetches
    assert WebhookEvent.objects.get(action="two").outcome == "failed"
    vwo.behave()
    assert refresh_settings(), "a manual refresh ignores the breather"
    assert not WebhookEvent.objects.exclude(finished_at=None).filter(error__gt="").exists()
    assert WebhookEvent.objects.filter(outcome="unchanged").count() == 2


def test_a_delivery_during_a_slow_fetch_is_served_by_a_later_one(vwo, deliver, in_thread):
    """Two identical deliveries, the settings changed between them, the first fetch slow."""
    deliver()
    vwo.misbehave(delay=0.7, times=1)
    answers = []
    before = len(vwo.fetches)
    in_thread(lambda: answers.append(deliver(action="same")))
    vwo.wait_for(lambda: len(vwo.fetches) > before)
    vwo.set_flag("new_checkout", variables={"color": "green"})
    answers.append(deliver(action="same"))
    wait_until(lambda: len(answers) == 2)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert color() == "green"
    event = WebhookEvent.objects.get(action="same")
    assert (event.outcome, event.deliveries) == ("changed", 2)
    assert event.finished_at is not None


def test_many_deliveries_at_once_share_fetches(vwo, deliver, in_thread):
    deliver()
    vwo.misbehave(delay=0.2)
    before = len(vwo.fetches)
    answers = []
    for number in range(12):
        in_thread(lambda number=number: answers.append(deliver(action=str(number))))
    wait_until(lambda: len(answers) == 12)
    assert {answer.status_code for answer in answers} == {200}
    assert len(vwo.fetches) - before <= 4
    assert not WebhookEvent.objects.filter(finished_at=None).exists()


def test_a_flight_that_began_too_early_is_waited_for_only_a_second(vwo, deliver, in_thread):
    deliver()
    vwo.misbehave(delay=3)
    before = len(vwo.fetches)
    in_thread(lambda: deliver(action="slow"))
    vwo.wait_for(lambda: len(vwo.fetches) > before)
    started = time.monotonic()
    response = deliver(action="late")
    assert 0.9 < time.monotonic() - started < 2.7
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    wait_until(lambda: not WebhookEvent.objects.filter(outcome="pending").exists())


def test_a_late_result_is_refused(vwo, monkeypatch):
    """A flight that held the lease for too long finds that a newer one has started."""
    from django_vwo_webhooks import sdk

    refresh_settings()
    vwo.set_flag("new_checkout", variables={"color": "green"})
    fetch = sdk.fetch

    def overtaken(timeout):
        document = fetch(timeout)
        RefreshLease.objects.update(lease_until=0)
        assert RefreshLease.objects.start(RefreshLease.objects.look())
        return document

    monkeypatch.setattr(sdk, "fetch", overtaken)
    with pytest.raises(RefreshFailed, match="newer refresh"):
        refresh_settings()
    assert SettingsSnapshot.objects.count() == 1
    assert color() == "red"


def test_a_flight_that_saw_an_older_snapshot_does_not_start():
    """Another one, whose lease had run out, landed between the look and the start."""
    refused = RefreshLease.objects.look()
    late = RefreshLease.objects.start(refused)
    RefreshLease.objects.update(lease_until=0)
    seen = RefreshLease.objects.look()
    assert RefreshLease.objects.land(seen.pk, late)
    assert RefreshLease.objects.start(seen) is None
    assert RefreshLease.objects.start(RefreshLease.objects.look()) == late + 1


def test_a_delivery_alone_costs_six_statements(vwo, deliver, django_assert_num_queries):
    deliver()
    with django_assert_num_queries(6 + 4):  # and BEGIN and COMMIT, twice
        assert deliver(action="again").status_code == 200


def test_a_burst_is_finished_by_one_statement_and_closed_by_another(vwo, deliver, in_thread):
    deliver()
    statements, answers = [], []

    def note(execute, sql, *args):
        statements.append(sql.split())
        return execute(sql, *args)

    def deliver_one(number):
        with connection.execute_wrapper(note):
            answers.append(deliver(action=str(number)).status_code)

    vwo.misbehave(delay=0.7, times=1)
    before = len(vwo.fetches)
    in_thread(lambda: deliver_one("slow"))
    vwo.wait_for(lambda: len(vwo.fetches) > before)
    for number in range(8):
        in_thread(lambda number=number: deliver_one(number))
    wait_until(lambda: len(answers) == 9)
    assert answers == [200] * 9
    flights = len(vwo.fetches) - before
    assert flights <= 4
    of_events = [words for words in statements if words[0] == "UPDATE" and "event" in words[1]]
    # the outcome of all, the closing of those that waited, and of the one that flew
    assert len(of_events) <= 3 * flights
    assert not WebhookEvent.objects.exclude(fingerprint=None, finished_at__isnull=False).exists()


def test_unchanged_settings_are_known_by_their_digest(vwo, deliver, monkeypatch):
    from django_vwo_webhooks import sdk

    deliver()
    for name in ("validate", "build"):
        monkeypatch.delattr(sdk, name)
    vwo.settings = dict(reversed(vwo.settings.items()))
    assert deliver(action="again").status_code == 200
    assert SettingsSnapshot.objects.count() == 1


def test_refresh_settings_returns_what_is_in_force(vwo):
    first = refresh_settings()
    assert refresh_settings() == first
    assert first.cause == "manual"
    assert first.settings["features"][0]["key"] == "new_checkout"


def test_refresh_settings_says_why_it_failed(vwo):
    vwo.refuse()
    with pytest.raises(VWOUnreachable, match="connection refused"):
        refresh_settings()


def test_refresh_settings_inside_a_transaction_is_an_error_that_says_so(vwo):
    says = pytest.raises(InsideTransaction, match=r"on_commit\(refresh_settings\)")
    with says, transaction.atomic():
        refresh_settings()
    with transaction.atomic():
        transaction.on_commit(refresh_settings)
    assert SettingsSnapshot.objects.count() == 1


def test_refresh_settings_without_autocommit_is_that_error_too(vwo):
    transaction.set_autocommit(False)
    try:
        with pytest.raises(InsideTransaction):
            refresh_settings()
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)


def test_what_is_stored_is_told_even_if_it_can_not_be_applied_here(vwo, heard, monkeypatch):
    from django_vwo_webhooks import sdk

    refresh_settings()
    vwo.set_flag("new_checkout", enabled=False)
    heard.clear()

    def fail(built):
        raise OperationalError("gone")

    monkeypatch.setattr(sdk, "apply_newest", fail)
    with pytest.raises(OperationalError):
        refresh_settings()
    [(name, provided)] = heard
    assert (name, len(provided["changes"])) == ("settings_refreshed", 1)


def test_a_late_failure_decides_about_no_row(vwo, deliver, monkeypatch):
    from django_vwo_webhooks import sdk

    deliver()
    fetch = sdk.fetch

    def overtaken(timeout):
        monkeypatch.setattr(sdk, "fetch", fetch)
        RefreshLease.objects.update(lease_until=0)
        state = RefreshLease.objects.look()
        flight = RefreshLease.objects.start(state)
        snapshot = SettingsSnapshot.objects.newest()
        WebhookEvent.objects.land(flight, snapshot, changed=False, seconds=0.1, at=timezone.now())
        WebhookEvent.objects.update(finished_at=None)
        raise VWOUnreachable("too late")

    monkeypatch.setattr(sdk, "fetch", overtaken)
    assert deliver(action="again").status_code == 503
    assert WebhookEvent.objects.get(action="again").outcome == "unchanged"


def test_too_little_time_is_not_vwos_failure(vwo, settings):
    configure(settings, REFRESH_TIMEOUT_SECONDS=2)
    late = Clock.starting(time.monotonic() - 2)
    with pytest.raises(RefreshBusy, match="database"):
        serve(RefreshLease.objects.look(), cause="manual", clock=late)
    assert RefreshLease.objects.get().failures == 0
    assert not vwo.fetches


def test_the_row_is_committed_before_the_fetch_under_atomic_requests(vwo, deliver, in_thread):
    vwo.misbehave(delay=0.5)
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        thread = in_thread(deliver)
        vwo.wait_for(lambda: vwo.fetches)
        assert only_event().outcome == "pending"
        thread.join()
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False
    assert only_event().outcome == "changed"


def test_what_the_signals_say(vwo, deliver, heard):
    deliver()
    event = only_event()
    assert [name for name, _ in heard] == [
        "webhook_received",
        "settings_applied",
        "settings_refreshed",
    ]
    assert heard[0][1] == {"event": event}
    assert heard[1][1] == {"snapshot": event.snapshot, "client": get_client()}
    refreshed = heard[2][1]
    assert list(refreshed["events"]) == [event]
    assert refreshed["snapshot"] == event.snapshot
    assert refreshed["changes"] == event.snapshot.changes
    heard.clear()
    vwo.misbehave(status=500)
    deliver(action="two")
    assert [name for name, _ in heard] == ["webhook_received", "refresh_failed"]
    assert [event.action for event in heard[1][1]["events"]] == ["two"]
    assert isinstance(heard[1][1]["error"], RefreshFailed)
    heard.clear()
    RefreshLease.objects.update(retry_at=0)
    vwo.behave()
    deliver(action="two")
    assert [name for name, _ in heard] == ["settings_refreshed"], "once a row, nothing applied"
    assert heard[0][1]["changes"] == []


def test_a_broken_receiver_changes_no_answer(vwo, deliver, caplog):
    def broken(**provided):
        raise ValueError("a receiver of the site")

    sent = (signals.webhook_received, signals.settings_refreshed, signals.settings_applied)
    for signal in sent:
        signal.connect(broken)
    try:
        assert deliver().status_code == 200
    finally:
        for signal in sent:
            signal.disconnect(broken)
    assert caplog.text.count("Error calling") == 3


def test_the_database_gone_is_a_503(deliver, caplog):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_vwo_webhooks_webhookevent RENAME TO away")
    try:
        response = deliver()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO django_vwo_webhooks_webhookevent")
    assert response.status_code == 503
    assert response.json()["event"] is None


def another_process_takes_off():
    return RefreshLease.objects.start(RefreshLease.objects.look())


def test_another_process_flies_and_lands_in_time(vwo, deliver, in_thread):
    refresh_settings()
    flight = another_process_takes_off()
    asked = len(vwo.fetches)

    def land_soon():
        wait_until(lambda: WebhookEvent.objects.exists())
        RefreshLease.objects.land(RefreshLease.objects.get().pk, flight)

    in_thread(land_soon)
    assert deliver().status_code == 200
    assert len(vwo.fetches) == asked + 1, "that flight began too early, so another one follows"


def test_another_process_serves_whoever_came_before_it_took_off(vwo, deliver, monkeypatch):
    from django_vwo_webhooks import views

    refresh_settings()
    asked = len(vwo.fetches)
    serve = views.serve

    def overtaken(seen, **kwargs):
        RefreshLease.objects.land(seen.pk, another_process_takes_off())
        return serve(RefreshLease.objects.look(only_event().pk), **kwargs)

    monkeypatch.setattr(views, "serve", overtaken)
    assert deliver().status_code == 200
    assert len(vwo.fetches) == asked
    event = only_event()
    assert (event.outcome, event.fingerprint) == ("unchanged", None)
    assert event.finished_at is not None


def test_another_process_that_flies_for_too_long_is_not_waited_for(vwo, deliver):
    refresh_settings()
    another_process_takes_off()
    started = time.monotonic()
    response = deliver()
    assert response.status_code == 503
    assert "another process" in response.json()["message"]
    assert 0.9 < time.monotonic() - started < 3


def test_a_process_that_was_killed_in_flight_blocks_nobody_for_long(vwo, deliver, settings):
    configure(settings, REFRESH_TIMEOUT_SECONDS=0.1)
    refresh_settings()
    another_process_takes_off()
    wait_until(lambda: deliver().status_code == 200)
    event = only_event()
    assert event.deliveries > 1
    assert event.outcome == "unchanged"


def test_a_lease_of_a_clock_that_was_set_back_is_over(vwo, deliver):
    refresh_settings()
    another_process_takes_off()
    RefreshLease.objects.update(lease_until=F("lease_until") + 3600)
    assert deliver().status_code == 200


def test_an_unexpected_error_is_a_503_with_its_row(vwo, deliver, monkeypatch, caplog):
    from django_vwo_webhooks import sdk

    def broken(timeout):
        raise ZeroDivisionError

    monkeypatch.setattr(sdk, "fetch", broken)
    assert deliver().status_code == 503
    assert only_event().error == "ZeroDivisionError while refreshing; the log says more."
    assert "unexpected error" in caplog.text
    monkeypatch.undo()
    assert deliver().status_code == 200, "no breather, and the lease is free"


def test_a_database_that_goes_while_vwo_answers(vwo, deliver, monkeypatch, caplog):
    from django_vwo_webhooks import sdk

    fetch, table = sdk.fetch, "django_vwo_webhooks_refreshlease"

    def rename(one, other):
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {one} RENAME TO {other}")

    def gone(timeout):
        document = fetch(timeout)
        rename(table, "away")
        return document

    monkeypatch.setattr(sdk, "fetch", gone)
    try:
        assert deliver().status_code == 503
    finally:
        rename("away", table)
    assert "could not be written down" in caplog.text
    RefreshLease.objects.update(lease_until=0)
    monkeypatch.undo()
    assert deliver().status_code == 200
    assert (only_event().outcome, only_event().deliveries) == ("changed", 2)


def test_a_bell_that_does_not_ring_changes_no_answer(vwo, deliver, settings, caplog):
    configure(settings, BROADCAST={"BACKEND": "tests.broadcast.backends.Broken"})
    assert deliver().status_code == 200
    assert "Failed: publishing to the other processes (OSError)" in caplog.text


def test_a_name_that_no_site_has_and_a_url_that_is_none(settings, deliver):
    configure(settings, SDK_OPTIONS={"proxy_url": "ftp://somewhere"})
    assert deliver().status_code == 503
    assert "No answer from VWO (somewhere)" in only_event().error
