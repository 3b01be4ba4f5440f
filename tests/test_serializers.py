"""The payload's fields: what is a 400, and what is recorded although it is unusual."""

import json

import pytest

from django_vwo_webhooks.models import WebhookEvent
from tests.conftest import PAYLOAD

INVALID = {
    "no event": b'{"action": "x"}',
    "an empty event": b'{"event": ""}',
    "event of a wrong type": b'{"event": 5}',
    "event null": b'{"event": null}',
    "event a list": b'{"event": ["x"]}',
    "action of a wrong type": b'{"event": "x", "action": {}}',
    "triggered_by of a wrong type": b'{"event": "x", "triggered_by": true}',
    "event too long": json.dumps({"event": "x" * 256}).encode(),
    "action too long": json.dumps({"event": "x", "action": "x" * 256}).encode(),
    "timestamp a word": b'{"event": "x", "timestamp": "yesterday"}',
    "timestamp true": b'{"event": "x", "timestamp": true}',
    "timestamp negative": b'{"event": "x", "timestamp": -1}',
    "timestamp far off": b'{"event": "x", "timestamp": 1e30}',
    "timestamp beyond any float": b'{"event": "x", "timestamp": ' + b"9" * 400 + b"}",
}


@pytest.mark.django_db
@pytest.mark.parametrize("body", INVALID.values(), ids=INVALID)
def test_an_invalid_field_is_a_400_that_says_what_is_wrong(deliver, body):
    response = deliver(body)
    assert response.status_code == 400, response.content
    assert len(response.content) > 20
    assert not WebhookEvent.objects.exists()


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
