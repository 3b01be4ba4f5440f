"""The payload's fields: what is a 400, and what is recorded although it is odd."""

import json
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from django_vwo_webhooks.models import RefreshLease, WebhookEvent
from tests.conftest import PAYLOAD


@pytest.mark.django_db
@pytest.mark.parametrize("body", [b"{}", b'{"action": "x"}', b'{"Event": "x"}'])
def test_a_payload_without_an_event_is_a_400_that_says_so(deliver, body):
    response = deliver(body)
    assert response.status_code == 400
    assert response.json() == {"event": ["This field is required."]}
    assert not WebhookEvent.objects.exists()


UNREADABLE_TIMES = [
    *("", "yesterday", "2026-11-25T05:00:00Z", "1764000000.25", " 1764000000", "-1", "9" * 400),
    *("½", "١٧٦٤٠٠٠٠٠٠", "1e9", True, False, None, [], [1764000000], {}, {"at": 1764000000}),
    *(-1, -0.5, 10**30, 1e30, 10**400, -(10**400), 1e308, 253402300799000),
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("time_zones", [True, False], ids=["with time zones", "without"])
def test_a_timestamp_that_is_not_a_unix_time_is_stored_as_null(vwo, deliver, settings, time_zones):
    settings.USE_TZ = time_zones
    for value in UNREADABLE_TIMES:
        response = deliver(timestamp=value)
        assert response.status_code == 200, value
        event = WebhookEvent.objects.get(pk=response.json()["event"])
        assert event.timestamp is None, value
        assert event.payload["timestamp"] == value
    assert len(vwo.fetches) == len(UNREADABLE_TIMES)


LONG = "ab" * 2500
ODD_TEXTS = [
    *((None, ""), ("", ""), ("  x ", "  x "), (5, "5"), (1.5, "1.5"), (True, "true"), ([], "[]")),
    *(({"name": "Zoë"}, '{"name": "Zoë"}'), (["😀", None], '["😀", null]'), (LONG, LONG[:255])),
    *(([LONG], f'["{LONG}'[:255]), (10**400, str(10**400)[:255]), ("ü" * 256, "ü" * 255)),
    ("x\0" + "y" * 255, ("x\\u0000" + "y" * 255)[:255]),
    *(("\ud83d", "\\ud83d"), ("a\nb", "a\nb")),
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["event", "action", "triggered_by"])
def test_what_is_only_shown_is_stored_as_the_text_that_fits(vwo, deliver, name):
    for value, text in ODD_TEXTS:
        response = deliver(**{name: value})
        assert response.status_code == 200, value
        event = WebhookEvent.objects.get(pk=response.json()["event"])
        assert getattr(event, name) == text
        assert str(event)
    assert len(vwo.fetches) == len(ODD_TEXTS)


@pytest.mark.django_db(transaction=True)
def test_an_odd_payload_is_retried_as_the_same_event(vwo, deliver):
    odd = {"event": None, "action": LONG, "triggered_by": ["\0"], "timestamp": "soon"}
    vwo.misbehave(status=500, times=1)
    assert deliver(odd).status_code == 503
    RefreshLease.objects.update(backoff_until=0)
    assert deliver(odd).status_code == 200
    assert WebhookEvent.objects.get().deliveries == 2


UNUSUAL = {
    "no action, no triggered_by, no timestamp": {"event": "settings_changed"},
    "nulls": {"event": "x", "action": None, "triggered_by": None, "timestamp": None},
    "never seen before": {"event": "holdout_moved", "action": "whatever"},
    "unknown fields": {**PAYLOAD, "more": {"a": [1, 2.5, None, "ü"]}},
    "milliseconds": {**PAYLOAD, "timestamp": 1606482285123},
    "a fraction": {**PAYLOAD, "timestamp": 1606482285.5},
    "a string of digits": {**PAYLOAD, "timestamp": "1606482285"},
    "nested as far as allowed": {"event": "x", "a": json.loads('{"a":' * 18 + "1" + "}" * 18)},
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("payload", UNUSUAL.values(), ids=UNUSUAL)
def test_an_unusual_payload_still_refreshes(vwo, deliver, payload):
    assert deliver(payload).status_code == 200
    event = WebhookEvent.objects.get()
    assert event.payload == payload
    assert event.outcome == "changed"


@pytest.mark.django_db(transaction=True)
def test_timestamps_in_seconds_and_milliseconds_are_the_same(vwo, deliver):
    deliver(timestamp=1606482285)
    deliver(timestamp=1606482285000)
    one, two = WebhookEvent.objects.values_list("timestamp", flat=True)
    assert one == two
    assert one.isoformat() == "2020-11-27T13:04:45+00:00"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"])
def test_a_site_without_time_zones_has_its_local_time(vwo, deliver, settings, zone):
    settings.TIME_ZONE, settings.USE_TZ = zone, False
    deliver(timestamp=1606482285)
    expected = datetime(2020, 11, 27, 13, 4, 45, tzinfo=timezone.utc).astimezone(ZoneInfo(zone))
    event = WebhookEvent.objects.get()
    assert event.timestamp == expected.replace(tzinfo=None)
    # and as the other times of the row are
    assert abs(event.received_at - datetime.now()) < timedelta(minutes=1)
