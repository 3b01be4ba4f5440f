"""How the pages show text, times and durations."""

from datetime import datetime
from datetime import timezone as zones

import pytest
from django.contrib.staticfiles import finders
from django.utils import timezone

from django_vwo_webhooks.admin.display import format_duration
from django_vwo_webhooks.models import SettingsSnapshot, WebhookEvent
from tests.admin.conftest import EVENTS, SNAPSHOTS, event_at, event_page, page

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


def test_times_have_seconds_and_are_in_the_time_zone_of_the_site(admin_client, settings):
    event = event_at(datetime(2024, 6, 30, 23, 59, 58, tzinfo=zones.utc))
    assert "2024-06-30 23:59:58" in page(admin_client, EVENTS)
    settings.TIME_ZONE = "Asia/Kathmandu"
    assert "2024-07-01 05:44:58" in page(admin_client, EVENTS)
    assert "2024-07-01 05:44:58" in event_page(admin_client, event)


def test_a_lone_surrogate_breaks_no_page(admin_client):
    change = {"text": "name: \ud83d"}
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
