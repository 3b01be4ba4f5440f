"""What the query sets of all models share: paging by the columns that order the rows."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_vwo_webhooks.models import SettingsSnapshot, WebhookEvent
from tests.admin.conftest import event_at, snapshot_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def events():
    """Events from the oldest to the newest; three were received at the same time."""
    at = timezone.now()
    events = [event_at(at + timedelta(seconds=seconds)) for seconds in (2, 1, 1, 1, 0)]
    return sorted(events, key=lambda event: (event.received_at, event.pk))


def test_older_and_newer_rows_are_found_also_at_the_same_time(events):
    rows = WebhookEvent.objects
    assert list(rows.oldest_first()) == events
    assert list(rows.newest_first()) == events[::-1]
    for place, event in enumerate(events):
        assert list(rows.older_than(event).oldest_first()) == events[:place]
        assert list(rows.newer_than(event).oldest_first()) == events[place + 1 :]


def test_snapshots_are_ordered_by_their_numbers():
    snapshots = [snapshot_of() for _ in range(3)]
    rows = SettingsSnapshot.objects
    assert list(rows.oldest_first()) == snapshots
    assert list(rows.older_than(snapshots[1])) == snapshots[:1]
    assert list(rows.newer_than(snapshots[1])) == snapshots[2:]


@pytest.mark.parametrize("newest_first", [False, True])
def test_batches_have_all_rows_in_order(events, newest_first):
    batches = list(WebhookEvent.objects.in_batches(2, newest_first=newest_first))
    assert [len(batch) for batch in batches] == [2, 2, 1]
    rows = [event for batch in batches for event in batch]
    assert rows == (events[::-1] if newest_first else events)


def test_batches_are_read_by_short_statements_when_they_are_needed(events):
    with CaptureQueriesContext(connection) as captured:
        batches = WebhookEvent.objects.in_batches(2)
        assert next(batches) == events[:2]
        assert len(captured) == 1
        assert sum(len(batch) for batch in batches) == 3
    for query in captured:
        assert "LIMIT 2" in query["sql"]
        assert "OFFSET" not in query["sql"]


def test_rows_may_be_deleted_between_batches(events):
    for batch in WebhookEvent.objects.in_batches(2):
        WebhookEvent.objects.filter(pk__in=[event.pk for event in batch]).delete()
    assert not WebhookEvent.objects.exists()
