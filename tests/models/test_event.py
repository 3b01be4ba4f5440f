"""One row an event, however often and from wherever it is delivered."""

import threading
import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.exceptions import RefreshFailed
from django_vwo_webhooks.models import RefreshLease, WebhookEvent
from django_vwo_webhooks.models.transactions import atomically
from django_vwo_webhooks.refresh import refresh_settings
from tests.conftest import PAYLOAD, configure, only_event, wait_until


def record(payload=None, **changes):
    payload = payload or {**PAYLOAD, **changes}
    return atomically(
        lambda: WebhookEvent.objects.record(
            may_start=False, payload=payload, event="settings_changed"
        ),
        until=time.monotonic() + 10,
    )


@pytest.mark.django_db(transaction=True)
def test_a_delivery_is_written_down(vwo, deliver):
    # SQLite's clock has milliseconds
    before = timezone.now() - timedelta(milliseconds=2)
    response = deliver()
    event = only_event()
    assert response.json() == {
        "status": "success",
        "message": f"Settings #{event.snapshot_id} are in force.",
        "event": event.pk,
    }
    assert (event.event, event.action) == ("settings_changed", "campaign_settings_changed")
    assert (event.triggered_by, event.payload) == ("vwo", PAYLOAD)
    assert (event.outcome, event.error, event.deliveries) == ("changed", "", 1)
    assert before <= event.received_at == event.last_received_at <= event.finished_at
    assert event.refresh_seconds > 0
    assert event.remote_addr == "127.0.0.1"
    assert event.environment == "default"
    assert event.snapshot.cause == "webhook"


@pytest.mark.django_db
def test_an_identical_delivery_joins_the_open_row():
    first, second = record(), record()
    assert (first.event, first.is_new, second.is_new) == (second.event, True, False)
    event = only_event()
    assert event.deliveries == 2
    assert event.last_received_at >= event.received_at


@pytest.mark.django_db
def test_the_order_of_keys_makes_no_other_event():
    record()
    record(dict(reversed(PAYLOAD.items())))
    assert only_event().deliveries == 2


@pytest.mark.django_db
def test_another_body_is_another_event(settings):
    record()
    record(timestamp=1)
    configure(settings, SDK_KEY="another-environments-key")
    record()
    assert WebhookEvent.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_after_a_2xx_it_is_a_new_event(vwo, deliver):
    assert deliver().json()["event"] != deliver().json()["event"]
    assert [e.deliveries for e in WebhookEvent.objects.all()] == [1, 1]


@pytest.mark.django_db
def test_an_hour_later_it_is_a_new_event():
    WebhookEvent.objects.filter(pk=record().event.pk).update(
        received_at=timezone.now() - timedelta(minutes=66)
    )
    assert record().is_new
    assert WebhookEvent.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_nothing_stays_pending_for_ever(vwo):
    """Its worker died, and VWO has given up: it failed, until a good refresh says otherwise."""
    refresh_settings()
    event = record().event
    assert WebhookEvent.objects.close_overdue(timezone.now()) == 0
    WebhookEvent.objects.update(received_at=timezone.now() - timedelta(minutes=66))
    get_client()
    wait_until(lambda: WebhookEvent.objects.filter(outcome="failed"))
    event.refresh_from_db()
    assert event.error == "No refresh succeeded while VWO retried it for an hour."
    assert event.fingerprint is None
    vwo.set_flag("new_checkout", variables={"color": "green"})
    vwo.misbehave(status=500, times=1)
    with pytest.raises(RefreshFailed):
        refresh_settings()
    refresh_settings()
    event.refresh_from_db()
    assert (event.outcome, event.error) == ("changed", "")
    assert event.finished_at is not None


@pytest.mark.django_db(transaction=True)
def test_rows_of_a_site_that_is_gone_end_too(vwo, settings):
    configure(settings, ENVIRONMENT="gone")
    event = record().event
    WebhookEvent.objects.update(received_at=timezone.now() - timedelta(minutes=66))
    configure(settings, ENVIRONMENT="default")
    call_command("vwo_refresh")
    event.refresh_from_db()
    assert event.outcome == "failed"


@pytest.mark.django_db(transaction=True)
def test_many_at_once_make_one_row(in_thread):
    gate = threading.Barrier(12)

    def deliver_one():
        gate.wait()
        record()

    threads = [in_thread(deliver_one) for _ in range(12)]
    for thread in threads:
        thread.join()
    assert only_event().deliveries == 12


@pytest.mark.django_db
def test_a_delivery_notes_the_newest_attempt():
    lease = record().lease
    RefreshLease.objects.start(lease)
    recorded = record()
    assert recorded.noted == 1
    event = only_event()
    assert (event.first_noted, event.last_noted) == (0, 1)


@pytest.mark.django_db
def test_a_delivery_takes_the_lease_only_if_it_may_and_the_lease_is_free():
    assert not record().started
    values = {"event": "settings_changed", "payload": PAYLOAD}
    taken = WebhookEvent.objects.record(may_start=True, **values)
    assert (taken.started, taken.noted, taken.lease.attempt) == (True, 0, 1)
    late = WebhookEvent.objects.record(may_start=True, **values)
    assert (late.started, late.noted, late.lease.busy) == (False, 1, True)
