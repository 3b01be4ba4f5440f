"""The server ends connections that idle, as poolers and NATs do too: nobody notices."""

import pytest
from django.db import connection
from django.db.backends.signals import connection_created

from django_vwo_webhooks.models import RefreshLease, SettingsSnapshot, WebhookEvent
from django_vwo_webhooks.refresh import deadline, refresh_settings
from django_vwo_webhooks.signals import webhook_received
from tests.conftest import use_broadcast, wait_until
from tests.follower.flags import enabled

pytestmark = pytest.mark.django_db(transaction=True)

IDLE_LIMITS = {
    "postgresql": ("options", "-c idle_session_timeout=500ms"),
    "mysql": ("init_command", "SET SESSION wait_timeout=1"),
}
LONGER_SECONDS = 1.5
"""Than either."""


@pytest.fixture(autouse=True)
def new_connections(caplog):
    """Limits how long a new connection may idle; returns those that were made."""
    if connection.vendor not in IDLE_LIMITS:
        pytest.skip("SQLite has no connections that idle")
    name, value = IDLE_LIMITS[connection.vendor]
    options = connection.settings_dict["OPTIONS"]
    before = dict(options)
    made = []

    def note(**kwargs):
        made.append(kwargs["connection"])

    options[name] = value
    connection.close()
    connection_created.connect(note)
    yield made
    connection_created.disconnect(note)
    options.clear()
    options.update(before)
    connection.close()
    records = caplog.get_records("call")
    messages = [record.getMessage() for record in records if record.levelname != "INFO"]
    messages = [text for text in messages if "Failed: " in text or "recorded" in text]
    assert messages == []


def test_a_process_that_polls_more_slowly_than_connections_live(vwo, settings, new_connections):
    use_broadcast(settings, "Database", poll_seconds=LONGER_SECONDS)
    assert enabled()
    # one is this thread's
    wait_until(lambda: len(new_connections) >= 4)
    vwo.set_flag("new_checkout", enabled=False)
    refresh_settings()
    newest = SettingsSnapshot.objects.in_force()
    wait_until(lambda: not enabled(), LONGER_SECONDS + 1)
    assert newest.cause == "manual"


def test_a_process_that_is_notified(vwo, settings, in_thread):
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL notifies")
    use_broadcast(settings, "Postgres", poll_seconds=60)
    assert enabled()
    seen = set()

    def listeners():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            )
            seen.update(pid for (pid,) in cursor.fetchall())
        return seen

    wait_until(lambda: len(listeners()) >= 4)
    vwo.set_flag("new_checkout", enabled=False)
    in_thread(refresh_settings).join()
    wait_until(lambda: not enabled(), 2)


def test_a_delivery_whose_connection_is_ended_while_vwo_answers(vwo, deliver):
    vwo.misbehave(delay=LONGER_SECONDS)
    assert deliver().status_code == 200
    assert WebhookEvent.objects.get().outcome == "changed"


def test_a_delivery_whose_failure_is_recorded_after_its_connection_was_ended(vwo, deliver):
    vwo.misbehave(delay=LONGER_SECONDS, status=500)
    response = deliver()
    assert response.status_code == 503
    assert "500" in response.json()["message"]
    assert WebhookEvent.objects.get().outcome == "failed"


def test_a_delivery_that_waits_for_another_ones_attempt(vwo, deliver, in_thread, monkeypatch):
    monkeypatch.setattr(deadline, "MAX_WAIT_SECONDS", 10.0)
    received = []

    def note(event, **kwargs):
        received.append(event.outcome)

    vwo.misbehave(delay=LONGER_SECONDS)
    webhook_received.connect(note)
    try:
        before = len(vwo.fetches)
        first = in_thread(lambda: deliver(action="first"))
        vwo.wait_for(lambda: len(vwo.fetches) > before)
        vwo.behave()
        others = [in_thread(lambda name=name: deliver(action=name)) for name in ("one", "two")]
        for thread in [first, *others]:
            thread.join()
    finally:
        webhook_received.disconnect(note)
    assert sorted(received) == ["changed", "unchanged", "unchanged"]


def test_what_reads_the_lease_after_a_pause(vwo):
    refresh_settings()
    before = connection.connection
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_backend_pid()")
            ends = f"SELECT pg_terminate_backend({cursor.fetchone()[0]})"
        else:
            cursor.execute("SELECT connection_id()")
            ends = f"KILL {cursor.fetchone()[0]}"
    other = connection.copy()
    other.cursor().execute(ends)
    other.close()
    assert RefreshLease.objects.read().succeeded_attempt > 0
    assert connection.connection is not before
    refresh_settings()
