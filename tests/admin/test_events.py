"""The list and the pages of webhook events."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_vwo_webhooks.models import FleetProcess, RefreshLease, WebhookEvent
from django_vwo_webhooks.models.clock import UnixNow
from django_vwo_webhooks.refresh import refresh_settings
from tests.admin.conftest import (
    EVENTS,
    REFRESH,
    SNAPSHOTS,
    changed_by,
    changed_event,
    event_at,
    event_page,
    page,
    process,
    snapshot_of,
)

pytestmark = pytest.mark.django_db


def test_the_list_shows_what_happened(admin_client, deliver, vwo):
    refresh_settings()
    changed_event(deliver, vwo, color="green")
    vwo.refuse()
    deliver(action="while VWO was down")
    text = page(admin_client, EVENTS)
    assert 'class="vwo-badge vwo-changed">changed<' in text
    assert 'class="vwo-badge vwo-failed">failed<' in text
    assert "color “red” → “green”" in text
    assert "connection refused" in text
    assert "Refresh now" in text


def test_the_list_begins_with_what_people_look_for(admin_client):
    changed_by(("new_checkout", 1, 2))
    columns = re.findall(r'<td class="field-(\w+)', page(admin_client, EVENTS))
    assert columns == ["outcome_badge", "first_change", "delivery_count", "delay"]


def test_a_page_begins_with_what_people_look_for_and_has_the_whole_action(admin_client):
    action = "flag updated " * 19
    event = changed_by(("new_checkout", 1, 2), action=action)
    fields = re.findall(r"field-(\w+)", event_page(admin_client, event))
    assert fields[:3] == ["received", "outcome_badge", "event"]
    assert action.strip() in event_page(admin_client, event).partition("field-whole_action")[2]


def test_a_long_sentence_is_whole_in_the_list(admin_client, deliver, vwo):
    long = "in a long name " * 5
    vwo.set_flag("new_checkout", variables={"text": "short"})
    deliver(action="1")
    vwo.set_flag("new_checkout", variables={"text": long})
    deliver(action="2")
    assert f"new_checkout: text “short” → “{long[:58]}…" in page(admin_client, EVENTS)


def test_the_list_shows_the_first_change_and_how_many_more(admin_client):
    changed_by(("new_checkout", 1, 2), ("banner", 1, 2), ("banner", 3, 4))
    text = page(admin_client, EVENTS)
    assert "new_checkout: x 1 → 2 (and 2 more)" in text
    assert "banner: x" not in text
    assert "new_checkout: x 1 → 2 (and 2 more)" in page(admin_client, SNAPSHOTS)


def test_the_list_loads_each_snapshot_once_and_no_payload(admin_client):
    snapshot = snapshot_of(("flag", 1, 2))
    for _ in range(3):
        event_at(outcome="unchanged", snapshot=snapshot)
    with CaptureQueriesContext(connection) as captured:
        page(admin_client, EVENTS)
    rows = [query["sql"] for query in captured if "deliveries" in query["sql"]]
    assert not [sql for sql in rows if "payload" in sql.split("FROM")[0]]
    assert not [sql for sql in rows if "JOIN" in sql]


def test_the_page_of_an_event(admin_client, deliver, vwo):
    refresh_settings()
    event = changed_event(deliver, vwo, color="<b>green</b>")
    text = page(admin_client, f"{EVENTS}{event.pk}/change/")
    assert "&lt;b&gt;green&lt;/b&gt;" in text
    assert "<b>green" not in text
    assert "&quot;settings_changed&quot;" in text
    assert f'href="{SNAPSHOTS}{event.snapshot_id}/change/"' in text


def test_the_page_of_a_failed_event(admin_client, deliver, vwo):
    vwo.refuse()
    deliver()
    event = WebhookEvent.objects.get()
    assert "connection refused" in page(admin_client, f"{EVENTS}{event.pk}/change/")


def test_the_title_of_an_event_is_one_line_from_left_to_right():
    assert str(WebhookEvent(pk=7, action="paid\u202e\n")) == "paid\\u202e\\n #7"


def test_the_page_refers_to_an_earlier_event_with_the_same_body(admin_client):
    at = timezone.now()
    first = event_at(at - timedelta(seconds=2), payload={"n": 1})
    event_at(at - timedelta(seconds=1), payload={"n": 2})
    again = event_at(at, payload={"n": 1})
    text = event_page(admin_client, again)
    assert (
        f'The same body was received 2.0 s earlier, as <a href="{EVENTS}{first.pk}/change/">'
        f"<bdi>{first}</bdi></a>."
    ) in text
    assert "The same body" not in event_page(admin_client, first)


def test_the_page_shows_which_credential_matched(admin_client):
    assert "secret 2" in event_page(admin_client, event_at(credential="secret 2"))


def test_previous_and_next_of_events_received_at_the_same_time(admin_client):
    at = timezone.now()
    events = [event_at(at - timedelta(days=1)), event_at(at), event_at(at), event_at(at)]
    events.sort(key=lambda event: (event.received_at, event.pk))
    for place, event in enumerate(events):
        context = admin_client.get(f"{EVENTS}{event.pk}/change/").context
        assert context["previous"] == (events[place - 1] if place else None)
        assert context["next"] == (events[place + 1] if place < 3 else None)
    text = event_page(admin_client, events[1])
    assert f'<a href="{EVENTS}{events[0].pk}/change/" rel="prev"' in text
    assert f'<a href="{EVENTS}{events[2].pk}/change/" rel="next"' in text


def test_links_to_previous_and_next_keep_the_filters_of_the_list(admin_client):
    old, new = event_at(), event_at()
    kept = "_changelist_filters=outcome__exact%3Dpending"
    text = page(admin_client, f"{EVENTS}{new.pk}/change/?{kept}")
    assert f'href="{EVENTS}{old.pk}/change/?{kept}"' in text


def test_webhooks_missed_over_30_days_ago_cause_no_warning(admin_client):
    snapshot_of(cause="reconcile", at=timezone.now() - timedelta(days=31))
    assert "missed in the last 30 days" not in page(admin_client, EVENTS)


def test_failing_refreshes_cause_an_error_above_the_list(admin_client, vwo):
    refresh_settings()
    assert "messagelist" not in page(admin_client, EVENTS)
    vwo.refuse()
    admin_client.post(REFRESH)
    page(admin_client, EVENTS)
    text = page(admin_client, EVENTS)
    assert '<li class="error" dir="auto">Refreshing VWO’s settings has failed since 20' in text
    assert "connection refused" in text
    assert '<span class="vwo-badge vwo-failing">failing</span>' in text


def test_settings_not_refreshed_on_schedule_cause_a_warning_above_the_list(admin_client, vwo):
    assert "The settings have not been refreshed yet." in page(admin_client, EVENTS)
    refresh_settings()
    RefreshLease.objects.update(refreshed_at=UnixNow() - 3600)
    text = page(admin_client, EVENTS)
    assert (
        '<li class="warning" dir="auto">The settings have not been refreshed on schedule since 20'
        in text
    )
    assert "vwo-stale" in text


def test_the_line_about_processes(admin_client, vwo):
    snapshot = refresh_settings()
    process(snapshot, applied_at=snapshot.created_at + timedelta(seconds=1.5))
    process(None)
    text = page(admin_client, EVENTS)
    assert f"1 of 2 on #{snapshot.pk}, slowest 1.5 s" in text
    assert "Behind: gunicorn 1 on web" in text
    assert "Stale" not in text
    FleetProcess.objects.update(heartbeat_at=UnixNow() - 100)
    text = page(admin_client, EVENTS)
    assert f"0 of 0 on #{snapshot.pk}" in text
    assert "Stale, without a recent heartbeat: gunicorn 1 on web, gunicorn 1 on web" in text


def test_impressions_are_shown_only_where_some_wait_or_were_dropped(admin_client):
    snapshot = snapshot_of()
    process(snapshot)
    assert "Impressions:" not in page(admin_client, EVENTS)
    process(snapshot, impressions_waiting=3, impressions_dropped={"queue_full": 2})
    assert "Impressions: 3 waiting, 2 dropped (the queue was full: 2)" in page(admin_client, EVENTS)
