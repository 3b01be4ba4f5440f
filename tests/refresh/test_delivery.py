"""A delivery is recorded in one transaction, and its answer agrees with its row."""

import time

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from django_vwo_webhooks.exceptions import NotApplied, RefreshBusy
from django_vwo_webhooks.models import RefreshLease, WebhookEvent
from django_vwo_webhooks.models.clock import UnixNow
from django_vwo_webhooks.refresh import refresh_settings
from django_vwo_webhooks.refresh.delivery import get_group_commit
from tests.conftest import only_event, wait_until
from tests.refresh.another_process import another_process_starts, another_process_succeeds

pytestmark = pytest.mark.django_db(transaction=True)


BEGIN = ["BEGIN", "SET"] if connection.vendor == "postgresql" else ["BEGIN"]
LOCK = ["SELECT"] if connection.features.has_select_for_update else ["UPDATE", "SELECT"]


def test_a_delivery_alone_costs_two_commits(vwo, deliver):
    """One that records it and takes the lease, and one that ends the attempt."""
    deliver()
    with CaptureQueriesContext(connection) as queries:
        assert deliver(action="again").status_code == 200
    kinds = [query["sql"].split()[0] for query in queries]
    assert kinds == [
        *[*BEGIN, *LOCK, "SELECT", "INSERT", "UPDATE", "COMMIT"],
        *[*BEGIN, "UPDATE", "UPDATE", "COMMIT"],
    ]


def test_a_delivery_that_backs_off_costs_one_commit(vwo, deliver):
    deliver(action="good")
    vwo.misbehave(status=500)
    deliver(action="failed")
    with CaptureQueriesContext(connection) as queries:
        assert deliver(action="again").status_code == 503
    kinds = [query["sql"].split()[0] for query in queries]
    assert kinds == [*BEGIN, *LOCK, "SELECT", "INSERT", "COMMIT"]


def test_a_burst_is_served_by_one_statement_per_attempt(vwo, deliver, in_thread):
    deliver()
    statements, answers = [], []

    def note(execute, sql, *args):
        statements.append(sql.split())
        return execute(sql, *args)

    def deliver_one(number):
        with connection.execute_wrapper(note):
            answers.append(deliver(action=str(number)).status_code)

    vwo.misbehave(delay=0.3, times=1)
    before = len(vwo.fetches)
    in_thread(lambda: deliver_one("slow"))
    vwo.wait_for(lambda: len(vwo.fetches) > before)
    for number in range(8):
        in_thread(lambda number=number: deliver_one(number))
    wait_until(lambda: len(answers) == 9)
    assert answers == [200] * 9
    attempts = len(vwo.fetches) - before
    assert attempts <= 4
    of_events = [words for words in statements if words[0] == "UPDATE" and "event" in words[1]]
    assert len(of_events) == attempts
    assert not WebhookEvent.objects.exclude(fingerprint=None).exists()


def test_deliveries_that_arrive_together_are_recorded_by_one_commit(vwo, deliver, in_thread):
    refresh_settings()
    recorded = []

    def deliver_one(number):
        with CaptureQueriesContext(connection) as queries:
            assert deliver(action=str(number)).status_code == 200
        transactions = " ".join(query["sql"].split()[0] for query in queries).split("BEGIN")
        recorded.extend(one.count("INSERT") for one in transactions if "INSERT" in one)

    with transaction.atomic():
        RefreshLease.objects.lock()
        for number in range(6):
            in_thread(lambda number=number: deliver_one(number))
        # the first one waits for the lease row
        wait_until(lambda: len(get_group_commit()._queued) == 5)
    wait_until(lambda: sum(recorded) == 6)
    assert sorted(recorded) == [1, 5]
    assert WebhookEvent.objects.count() == 6


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


def test_a_delivery_that_was_served_when_its_time_was_over_is_answered_200(
    vwo, deliver, monkeypatch
):
    """The row says 200, so the answer does: whether it was served is asked under the lock."""
    refresh_settings()
    another_process_starts()

    def busy(*args, **kwargs):
        another_process_succeeds()
        raise RefreshBusy("An earlier refresh is still under way.")

    monkeypatch.setattr("django_vwo_webhooks.refresh.leasing._run_or_follow", busy)
    assert deliver().status_code == 200
    event = only_event()
    assert (event.outcome, event.error, event.fingerprint) == ("unchanged", "", None)


def test_a_delivery_that_was_answered_503_is_joined_by_its_retry_though_it_was_served_since(
    vwo, deliver
):
    vwo.misbehave(status=500)
    assert deliver(action="one").status_code == 503
    vwo.behave()
    refresh_settings()
    assert only_event().outcome == "changed"
    assert deliver(action="one").status_code == 200
    event = only_event()
    assert (event.outcome, event.deliveries, event.fingerprint) == ("changed", 2, None)


def test_a_delivery_that_was_served_late_and_can_not_be_applied_here_is_a_503(
    vwo, deliver, monkeypatch
):
    refresh_settings()
    another_process_starts()

    def busy(*args, **kwargs):
        another_process_succeeds()
        raise RefreshBusy("An earlier refresh is still under way.")

    def not_applied(lease):
        raise NotApplied("Settings #1 are stored, and are not in force here yet.")

    monkeypatch.setattr("django_vwo_webhooks.refresh.leasing._run_or_follow", busy)
    monkeypatch.setattr("django_vwo_webhooks.refresh.delivery.follow", not_applied)
    response = deliver()
    assert response.status_code == 503
    assert "not in force here yet" in response.json()["message"]


def test_during_the_backoff_no_delivery_waits_for_a_refresh_by_hand(vwo, deliver, in_thread):
    deliver(action="good")
    vwo.misbehave(status=500)
    deliver(action="failed")
    vwo.misbehave(delay=2, times=1)
    before = len(vwo.fetches)
    in_thread(refresh_settings)
    vwo.wait_for(lambda: len(vwo.fetches) > before)
    RefreshLease.objects.update(backoff_until=UnixNow() + 4)
    started = time.monotonic()
    assert deliver(action="meanwhile").status_code == 503
    assert time.monotonic() - started < 1.5
