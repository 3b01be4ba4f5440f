"""Transactions wait for each other, and are run again where the database asks for it."""

import threading
import time

import pytest
from django.db import IntegrityError, OperationalError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from django_vwo_webhooks.models import RefreshLease, WebhookEvent
from django_vwo_webhooks.models.transactions import atomically, retried
from tests.conftest import PAYLOAD, only_event

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 12


def soon():
    return time.monotonic() + 10


def record():
    return atomically(
        lambda: WebhookEvent.objects.record(may_start=True, payload=PAYLOAD, event="changed"),
        until=soon(),
    )


LEVELS = {
    "sqlite": [None],
    "postgresql": ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"],
    "mysql": ["read committed", "repeatable read", "serializable"],
}


@pytest.mark.parametrize("level", LEVELS[connection.vendor])
def test_identical_deliveries_at_once_are_one_row_with_the_right_count(in_thread, level):
    gate = threading.Barrier(AT_ONCE)
    started, errors = [], []

    def deliver():
        own = connections["default"] = connection.copy()
        if level is not None:
            own.settings_dict["OPTIONS"] = {
                **own.settings_dict["OPTIONS"],
                "isolation_level": isolation(level),
            }
        gate.wait()
        try:
            started.append(record().started)
        except Exception as error:
            errors.append(error)

    for thread in [in_thread(deliver) for _ in range(AT_ONCE)]:
        thread.join()
    assert errors == []
    assert only_event().deliveries == AT_ONCE
    assert started.count(True) == 1


def isolation(level):
    if connection.vendor != "postgresql":
        return level
    from django.db.backends.postgresql.psycopg_any import IsolationLevel

    return IsolationLevel[level.replace(" ", "_")]


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite has one lock, and no deadlock")
def test_a_transaction_that_is_ended_for_a_deadlock_is_run_again(in_thread):
    lease = RefreshLease.objects.read()
    event = record().event
    lease_is_held, runs = threading.Event(), []

    def event_after_lease():
        def write():
            runs.append("record")
            RefreshLease.objects.filter(pk=lease.pk).update(error="written")
            lease_is_held.set()
            wait_for_lock()
            WebhookEvent.objects.filter(pk=event.pk).update(error="written")

        atomically(write, until=soon())

    def wait_for_lock():
        if len(runs) == 1:
            time.sleep(0.2)

    with transaction.atomic():
        # more rows, so that MariaDB ends the other transaction for the deadlock
        WebhookEvent.objects.filter(pk=event.pk).update(deliveries=7)
        thread = in_thread(event_after_lease)
        assert lease_is_held.wait(10)
        try:
            with transaction.atomic():
                RefreshLease.objects.filter(pk=lease.pk).update(failures=1)
        except OperationalError:
            runs.append("this one was ended")
            transaction.set_rollback(True)
    thread.join()
    assert only_event().error == "written"
    assert len(runs) >= 2


def test_another_error_is_not_tried_again():
    runs = []

    def broken():
        runs.append(1)
        raise IntegrityError("NOT NULL constraint failed: tenant")

    with pytest.raises(IntegrityError, match="tenant"):
        atomically(broken, until=soon())
    assert len(runs) == 1


class Conflict(OperationalError):
    """As MySQL's driver reports a deadlock."""

    def __init__(self):
        super().__init__(1213, "Deadlock found when trying to get lock")


def test_a_conflict_is_tried_again_until_the_deadline():
    runs = []

    def conflict():
        runs.append(1)
        raise Conflict

    with pytest.raises(Conflict):
        retried(conflict, until=time.monotonic() + 0.2)
    assert len(runs) > 2


def test_the_lease_is_locked_by_the_first_statement(vwo):
    record()
    with CaptureQueriesContext(connection) as queries:
        record()
    first = [query["sql"] for query in queries if query["sql"].split()[0] not in ("BEGIN", "SET")]
    assert "refreshlease" in first[0]
    assert ("FOR UPDATE" in first[0]) == connection.features.has_select_for_update
    if not connection.features.has_select_for_update:
        assert first[0].split()[0] == "UPDATE"
