"""One row an event, however often and from wherever it is delivered."""

import threading
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError
from django.utils import timezone

from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.exceptions import RefreshFailed
from django_vwo_webhooks.models import RefreshLease, WebhookEvent
from django_vwo_webhooks.refresh import refresh_settings
from tests.conftest import PAYLOAD, configure, only_event, wait_until


def record(**changes):
    payload = {**PAYLOAD, **changes}
    return WebhookEvent.objects.record(payload=payload, event="settings_changed")


@pytest.mark.django_db(transaction=True)
def test_a_delivery_is_written_down(vwo, deliver):
    before = timezone.now()
    response = deliver()
    event = only_event()
    assert response.json() == {
        "status": "success",
        "message": f"The flags are fresh: settings #{event.snapshot_id} are in force.",
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
    assert (first.pk, first.is_new, second.is_new) == (second.pk, True, False)
    assert second.deliveries == 2
    assert second.last_received_at > second.received_at


@pytest.mark.django_db
def test_the_order_of_keys_makes_no_other_event():
    record()
    WebhookEvent.objects.record(payload=dict(reversed(PAYLOAD.items())), event="settings_changed")
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
    WebhookEvent.objects.filter(pk=record().pk).update(
        received_at=timezone.now() - timedelta(minutes=61)
    )
    assert record().is_new
    assert WebhookEvent.objects.count() == 2


@pytest.mark.django_db
def test_a_row_that_another_flight_finished_is_joined_and_open_again():
    WebhookEvent.objects.filter(pk=record().pk).update(
        outcome="changed", finished_at=timezone.now()
    )
    joined = record()
    assert not joined.is_new
    assert (joined.outcome, joined.finished_at) == ("changed", None)


@pytest.mark.django_db(transaction=True)
def test_nothing_stays_pending_for_ever(vwo):
    """Its worker died, and VWO has given up: it failed, until a good refresh says otherwise."""
    refresh_settings()
    event = record()
    assert WebhookEvent.objects.give_up() == 0
    WebhookEvent.objects.update(received_at=timezone.now() - timedelta(minutes=61))
    get_client()
    wait_until(lambda: WebhookEvent.objects.filter(outcome="failed"))
    event.refresh_from_db()
    assert event.error == "Nothing refreshed in the hour in which VWO repeats it."
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
    event = record()
    WebhookEvent.objects.update(received_at=timezone.now() - timedelta(minutes=61))
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
def test_another_broken_constraint_is_not_tried_again(monkeypatch):
    tries = []

    def create(self, **values):
        tries.append(values)
        raise IntegrityError("NOT NULL constraint failed: tenant")

    monkeypatch.setattr(type(WebhookEvent.objects.all()), "create", create)
    with pytest.raises(IntegrityError, match="tenant"):
        record()
    assert len(tries) == 1


@pytest.mark.django_db
def test_a_delivery_notes_the_flight_that_it_saw():
    state = RefreshLease.objects.look()
    record()
    RefreshLease.objects.start(state)
    record()
    event = only_event()
    assert (event.first_flight, event.last_flight) == (0, 1)
    assert RefreshLease.objects.look(event.pk).noted == 1
