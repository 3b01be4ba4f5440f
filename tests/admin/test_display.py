"""How the pages show text, times and durations."""

from datetime import datetime
from datetime import timezone as zones

import pytest
from django.contrib.staticfiles import finders
from django.utils import timezone

from django_vwo_webhooks.admin.display import format_duration, format_time
from django_vwo_webhooks.models import SettingsSnapshot, WebhookEvent
from tests.admin.conftest import (
    EVENTS,
    SNAPSHOTS,
    changed_by,
    event_at,
    event_page,
    page,
    snapshot_of,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "word", [*WebhookEvent.Outcome.values, "fresh", "stale", "failing", "missed"]
)
def test_every_badge_has_a_colour(word):
    with open(finders.find("django_vwo_webhooks/admin.css"), encoding="utf-8") as css:
        assert f".vwo-{word}" in css.read()


DURATIONS = [
    (-1, "–"),
    (0.0844, "84 ms"),
    (1.24, "1.2 s"),
    (185, "3 min"),
    (2 * 3600 + 5, "2 h"),
    (3 * 86400, "3 days"),
]


@pytest.mark.parametrize(("seconds", "words"), DURATIONS)
def test_durations_have_a_fitting_unit(seconds, words):
    assert format_duration(seconds) == words


def test_numbers_keep_their_order_on_a_page_in_arabic(admin_client, settings):
    """Their parts would be shown from right to left, unless they are isolated from the page."""
    changed_by(("flag", 1, 2), received_at=datetime(2024, 6, 30, 23, 59, 58, tzinfo=zones.utc))
    settings.LANGUAGE_CODE = "ar"
    text = page(admin_client, EVENTS)
    assert 'dir="rtl"' in text
    assert "\u20682024-06-30 23:59:58\u2069" in text
    assert "<bdi>flag: x 1 → 2</bdi>" in text


def test_times_have_seconds_and_are_in_the_time_zone_of_the_site(admin_client, settings):
    event = event_at(datetime(2024, 6, 30, 23, 59, 58, tzinfo=zones.utc))
    assert "2024-06-30 23:59:58" in page(admin_client, EVENTS)
    settings.TIME_ZONE = "Asia/Kathmandu"
    assert "2024-07-01 05:44:58" in page(admin_client, EVENTS)
    assert "2024-07-01 05:44:58" in event_page(admin_client, event)


@pytest.mark.parametrize(
    ("zone", "at", "shown"),
    [
        # the hour that comes twice, its last second and the second after
        ("Europe/Berlin", (2026, 10, 25, 0, 30, 0), "2026-10-25 02:30:00 +02:00"),
        ("Europe/Berlin", (2026, 10, 25, 1, 30, 0), "2026-10-25 02:30:00 +01:00"),
        ("Europe/Berlin", (2026, 10, 24, 23, 59, 59), "2026-10-25 01:59:59"),
        ("Europe/Berlin", (2026, 10, 25, 2, 0, 0), "2026-10-25 03:00:00"),
        # the hour that is skipped
        ("Europe/Berlin", (2026, 3, 29, 0, 59, 59), "2026-03-29 01:59:59"),
        ("Europe/Berlin", (2026, 3, 29, 1, 0, 0), "2026-03-29 03:00:00"),
        ("America/New_York", (2026, 11, 1, 5, 30, 0), "2026-11-01 01:30:00 -04:00"),
        ("America/New_York", (2026, 11, 1, 6, 30, 0), "2026-11-01 01:30:00 -05:00"),
        # half an hour
        ("Australia/Lord_Howe", (2026, 4, 4, 14, 45, 0), "2026-04-05 01:45:00 +11:00"),
        ("Australia/Lord_Howe", (2026, 4, 4, 15, 15, 0), "2026-04-05 01:45:00 +10:30"),
        ("Asia/Kathmandu", (2026, 10, 25, 0, 30, 0), "2026-10-25 06:15:00"),
    ],
)
def test_a_time_that_comes_twice_has_its_offset(zone, at, shown):
    with timezone.override(zone):
        assert format_time(datetime(*at, tzinfo=zones.utc)) == shown


def test_a_time_without_a_zone_is_shown_as_it_is():
    with timezone.override("Europe/Berlin"):
        assert format_time(datetime(2026, 10, 25, 2, 30)) == "2026-10-25 02:30:00"


def test_the_pages_tell_the_two_apart(admin_client, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    for hour in (0, 1):
        at = datetime(2026, 10, 25, hour, 30, tzinfo=zones.utc)
        event = event_at(at, outcome="changed", snapshot=snapshot_of(("flag", hour, 2), at=at))
    for url in (EVENTS, SNAPSHOTS):
        text = page(admin_client, url)
        assert "2026-10-25 02:30:00 +02:00" in text
        assert "2026-10-25 02:30:00 +01:00" in text
    assert "2026-10-25 02:30:00 +01:00" in event_page(admin_client, event)
    # among the snapshots to compare with
    newest = f"{SNAPSHOTS}{event.snapshot_id}/change/"
    assert "2026-10-25 02:30:00 +02:00" in page(admin_client, newest)


def test_a_lone_surrogate_breaks_no_page(admin_client):
    values = {"what": "name", "how": "changed", "as": "value"}
    change = {"kind": "other", "feature": "", "before": "", "after": "\ud83d", "values": values}
    snapshot = SettingsSnapshot.of({"name": "\ud83d"}, "0", [change], "webhook", timezone.now())
    snapshot.save()
    event = event_at(outcome="changed", snapshot=snapshot)
    for url in (EVENTS, SNAPSHOTS, f"{EVENTS}{event.pk}/change/"):
        assert "\\ud83d" in page(admin_client, url)
    assert page(admin_client, f"{SNAPSHOTS}{snapshot.pk}/change/").count("\\ud83d") == 2


def test_a_long_error_is_short_in_the_list_and_complete_on_its_page(admin_client):
    error = "\n".join(f"line {number}" for number in range(100))
    event = event_at(outcome="failed", error=error)
    text = page(admin_client, EVENTS)
    assert "line 0 line 1" in text
    assert "line 50" not in text
    assert error in page(admin_client, f"{EVENTS}{event.pk}/change/")
