"""Who gets in, with what, in which order of refusals."""

import io
import json
import logging
from itertools import compress, product

import pytest
from django.test import Client

from django_vwo_webhooks.models import WebhookEvent
from tests.conftest import PAYLOAD, configure

URL = "/webhooks/vwo/"
SECRET = "secret-that-must-not-leak-0123456789"
JSON = "application/json"


def post(body=b"{}", *, content_type=JSON, **headers):
    return Client(raise_request_exception=False).post(
        URL, body, content_type=content_type, headers=headers
    )


REFUSED = {
    "missing": {},
    "empty": {"x-vwo-auth": ""},
    "wrong": {"x-vwo-auth": "wrong"},
    "a prefix": {"x-vwo-auth": SECRET[:-1]},
    "longer": {"x-vwo-auth": SECRET + "x"},
    "Latin-1": {"x-vwo-auth": "gehéim"},
    "beyond Latin-1": {"x-vwo-auth": "секрет"},
    "half a surrogate pair": {"x-vwo-auth": "\ud800"},
}


@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED)
def test_only_the_secret_opens_without_asking_the_database(headers, django_assert_num_queries, db):
    with django_assert_num_queries(0):
        response = post(b"not even JSON", **headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "x-vwo-auth"


@pytest.mark.parametrize(
    ("headers", "word", "reason"),
    [
        ({}, "missing", "The header x-vwo-auth is missing."),
        ({"x-vwo-auth": ""}, "missing", "The header x-vwo-auth is missing."),
        ({"x-vwo-auth": "guessed-value"}, "mismatch", "The header x-vwo-auth does not match."),
    ],
)
def test_the_log_says_why_and_never_the_value(caplog, headers, word, reason):
    with caplog.at_level(logging.DEBUG):
        assert post(**headers).json() == {"detail": reason}
    [line] = [r.getMessage() for r in caplog.records if r.name == "django_vwo_webhooks"]
    assert line == f"A webhook from 127.0.0.1 was refused, {word}: {reason}"
    assert "guessed-value" not in caplog.text


@pytest.mark.parametrize("secret", [None, "", [], ["", None]])
def test_closed_while_no_secret_is_set(settings, secret):
    configure(settings, SECRET=secret)
    assert post(**{"x-vwo-auth": ""}).status_code == 401
    assert post(**{"x-vwo-auth": "None"}).status_code == 401


def test_a_secret_that_is_not_ascii(settings):
    configure(settings, SECRET="geheim-für-alle-Fälle")
    as_sent = "geheim-für-alle-Fälle".encode().decode("latin-1")
    assert post(**{"x-vwo-auth": as_sent}).status_code == 400


@pytest.mark.django_db(transaction=True)
def test_each_secret_of_a_list_opens(vwo, settings, deliver):
    configure(settings, SECRET=["old-secret-0123456789", "new-secret-0123456789"])
    assert deliver(secret="old-secret-0123456789").status_code == 200
    assert deliver(secret="new-secret-0123456789").status_code == 200
    assert deliver(secret="another-one-0123456789").status_code == 401


@pytest.mark.parametrize("method", ["get", "head", "options", "put", "patch", "delete", "trace"])
def test_only_post(method):
    response = getattr(Client(), method)(URL, headers={"x-vwo-auth": SECRET})
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"


def test_the_order_of_refusals(settings):
    """Whatever is wrong, and whatever else: the first of these decides."""
    configure(settings, MAX_BODY_BYTES=10)
    for wrong in product([True, False], repeat=5):
        method, chunked, large, sender, kind = wrong
        headers = {"x-vwo-auth": "wrong" if sender else SECRET}
        response = Client().generic(
            "PUT" if method else "POST",
            URL,
            b"not JSON, and large" if large else b"not JSON",
            content_type="text/plain" if kind else JSON,
            headers={**headers, **({"Transfer-Encoding": "chunked"} if chunked else {})},
        )
        expected = [*compress([405, 411, 413, 401, 415], wrong), 400]
        assert response.status_code == expected[0], wrong


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x"]
)
def test_only_json(content_type):
    response = post(b"{}", content_type=content_type, **{"x-vwo-auth": SECRET})
    assert response.status_code == 415


def test_the_answer_is_json_whatever_is_accepted():
    response = post(b"[]", **{"x-vwo-auth": SECRET, "Accept": "text/html"})
    assert (response.status_code, response.headers["Content-Type"]) == (400, JSON)


def test_a_chunked_body_without_a_server_that_ends_it():
    response = post(b"{}", **{"x-vwo-auth": SECRET, "Transfer-Encoding": "chunked"})
    assert response.status_code == 411
    assert "Content-Length" in response.json()["detail"]


def deeply(levels, inner="1"):
    return '{"a":' * levels + inner + "}" * levels


HOSTILE = {
    "nothing": b" ",
    "cut off": b'{"event": "settings_ch',
    "not UTF-8": b'{"event": "\xff"}',
    "a list": b"[]",
    "a string": b'"event"',
    "a number": b"5",
    "null": b"null",
    "NaN": b'{"event": "x", "a": NaN}',
    "an infinity": b'{"event": "x", "a": [-Infinity]}',
    "a number out of range": b'{"event": "x", "a": 1e999}',
    "NUL in a value": b'{"event": "x\\u0000"}',
    "NUL in a key": b'{"event": "x", "a": {"b\\u0000": 1}}',
    "half a pair in a value": b'{"event": "x", "a": ["\\ud800"]}',
    "half a pair in a key": b'{"event": "x", "\\udfff": 1}',
    "deep": f'{{"event": "x", "a": {deeply(20)}}}'.encode(),
    "very deep": b'{"event": "x", "a": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "a number too long": b'{"event": "x", "a": ' + b"9" * 5000 + b"}",
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
@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_what_no_database_could_hold_is_a_400_that_says_what(deliver, body):
    response = deliver(body)
    assert response.status_code == 400, response.content
    assert len(response.content) > 20
    assert not WebhookEvent.objects.exists()


PATIENT = {
    "no action, no sender, no time": {"event": "settings_changed"},
    "nulls": {"event": "x", "action": None, "triggered_by": None, "timestamp": None},
    "never seen before": {"event": "holdout_moved", "action": "whatever"},
    "unknown fields": {**PAYLOAD, "more": {"a": [1, 2.5, None, "ü"]}},
    "milliseconds": {**PAYLOAD, "timestamp": 1606482285123},
    "a fraction": {**PAYLOAD, "timestamp": 1606482285.5},
    "a string of digits": {**PAYLOAD, "timestamp": "1606482285"},
    "nested as far as allowed": {"event": "x", "a": json.loads(deeply(18))},
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("payload", PATIENT.values(), ids=PATIENT)
def test_what_is_odd_but_harmless_refreshes_all_the_same(vwo, deliver, payload):
    assert deliver(payload).status_code == 200
    event = WebhookEvent.objects.get()
    assert event.payload == payload
    assert event.outcome == "changed"


@pytest.mark.django_db(transaction=True)
def test_time_stamps_in_seconds_and_milliseconds_mean_the_same(vwo, deliver):
    deliver(timestamp=1606482285)
    deliver(timestamp=1606482285000)
    one, two = WebhookEvent.objects.values_list("timestamp", flat=True)
    assert one == two
    assert one.isoformat() == "2020-11-27T13:04:45+00:00"


@pytest.mark.parametrize("length", ["", "x", "-5"])
def test_a_length_that_is_no_number_hides_nothing(length):
    response = Client().post(
        URL, b"[]", content_type=JSON, headers={"x-vwo-auth": SECRET}, CONTENT_LENGTH=length
    )
    assert response.status_code == 400


def test_the_sites_own_limit_is_a_413_too(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 5
    assert post(b'{"event": "x"}', **{"x-vwo-auth": SECRET}).status_code == 413


def test_a_body_that_ends_early_is_a_400(settings):
    class Gone:
        def read(self, *args):
            raise OSError("the client went away")

        readline = read

    response = Client().generic(
        "POST",
        URL,
        headers={"x-vwo-auth": SECRET},
        CONTENT_TYPE=JSON,
        CONTENT_LENGTH="100",
        **{"wsgi.input": Gone()},
    )
    assert response.status_code == 400
    assert "ended early" in response.json()["detail"]


def chunked(body):
    return Client().generic(
        "POST",
        URL,
        headers={"x-vwo-auth": SECRET, "Transfer-Encoding": "chunked"},
        CONTENT_TYPE=JSON,
        CONTENT_LENGTH="",
        **{"wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True},
    )


@pytest.mark.django_db(transaction=True)
def test_a_chunked_body_of_a_server_that_ends_it(vwo, settings):
    assert chunked(json.dumps(PAYLOAD).encode()).status_code == 200
    configure(settings, MAX_BODY_BYTES=10)
    assert chunked(json.dumps(PAYLOAD).encode()).status_code == 413
