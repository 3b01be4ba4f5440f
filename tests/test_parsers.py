"""Bodies that are read, refused or broken, and the sender's address."""

import hashlib
import hmac
import io
import json

import pytest
from django.test import Client, RequestFactory

from django_vwo_webhooks.models import WebhookEvent
from django_vwo_webhooks.parsers import remote_addr
from tests.conftest import PAYLOAD, configure

URL = "/webhooks/vwo/"
SECRET = "secret-that-must-not-leak-0123456789"
JSON = "application/json"


def post(body=b"{}", *, content_type=JSON, **headers):
    return Client(raise_request_exception=False).post(
        URL, body, content_type=content_type, headers=headers
    )


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x"]
)
def test_only_json_is_accepted(content_type):
    response = post(b"{}", content_type=content_type, **{"x-vwo-auth": SECRET})
    assert response.status_code == 415


def deeply(levels, inner="1"):
    return '{"a":' * levels + inner + "}" * levels


UNUSABLE = {
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
}


@pytest.mark.django_db
@pytest.mark.parametrize("body", UNUSABLE.values(), ids=UNUSABLE)
def test_a_body_that_is_not_usable_json_is_a_400_that_says_what_is_wrong(deliver, body):
    response = deliver(body)
    assert response.status_code == 400, response.content
    assert len(response.content) > 20
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("length", ["", "x", "-5"])
def test_a_length_that_is_not_a_number_does_not_hide_the_body(length):
    response = Client().post(
        URL, b"[]", content_type=JSON, headers={"x-vwo-auth": SECRET}, CONTENT_LENGTH=length
    )
    assert response.status_code == 400


def test_the_limit_of_the_site_is_a_413_too(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 5
    assert post(b'{"event": "x"}', **{"x-vwo-auth": SECRET}).status_code == 413


def test_a_body_that_ends_early_is_a_400():
    class Gone:
        def read(self, *args):
            raise OSError("the client disconnected")

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


def test_a_chunked_body_is_a_411_where_the_server_does_not_end_it():
    response = post(b"{}", **{"x-vwo-auth": SECRET, "Transfer-Encoding": "chunked"})
    assert response.status_code == 411
    assert "Content-Length" in response.json()["detail"]


def chunked(stream, **headers):
    return Client().generic(
        "POST",
        URL,
        headers={"x-vwo-auth": SECRET, "Transfer-Encoding": "chunked", **headers},
        CONTENT_TYPE=JSON,
        CONTENT_LENGTH="",
        **{"wsgi.input": stream, "wsgi.input_terminated": True},
    )


@pytest.mark.django_db(transaction=True)
def test_a_chunked_body_is_read_where_the_server_ends_it(vwo, settings):
    assert chunked(io.BytesIO(json.dumps(PAYLOAD).encode())).status_code == 200
    configure(settings, MAX_BODY_BYTES=10)
    assert chunked(io.BytesIO(json.dumps(PAYLOAD).encode())).status_code == 413


@pytest.mark.django_db(transaction=True)
def test_a_chunked_body_is_read_once_for_its_signature_and_its_payload(vwo, settings):
    """Piece by piece, as a server may return it."""

    class Pieces(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 10))

    body = json.dumps(PAYLOAD).encode()
    name = "django_vwo_webhooks.authentication.SecretAndSignatureAuthentication"
    configure(settings, AUTHENTICATION=[name])
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    response = chunked(Pieces(body), **{"x-vwo-signature": signature})
    assert response.status_code == 200, response.content
    assert WebhookEvent.objects.get().payload == PAYLOAD


def test_no_more_of_a_chunked_body_is_read_than_is_needed_to_refuse_it(settings):
    configure(settings, MAX_BODY_BYTES=10)
    stream = io.BytesIO(b"x" * 1000)
    assert chunked(stream).status_code == 413
    assert stream.tell() == 11


def test_broken_chunks_are_a_400():
    class Broken:
        def read(self, *args):
            raise RuntimeError("an exception of the server's own")

        readline = read

    response = chunked(Broken())
    assert response.status_code == 400
    assert "chunks are broken" in response.json()["detail"]


ADDRESSES = {
    "1.2.3.4": "1.2.3.4",
    "1.2.3.4:5678": "1.2.3.4",
    "::1": "::1",
    "[2001:db8::1]:443": "2001:db8::1",
    "fe80::1%eth0": "fe80::1",
    "": None,
    "unix:": None,
    "not an address": None,
    "999.1.1.1": None,
}


@pytest.mark.parametrize(("text", "expected"), ADDRESSES.items())
def test_the_address_is_parsed_or_left_empty(text, expected):
    request = RequestFactory().post("/", REMOTE_ADDR=text)
    assert remote_addr(request) == expected


@pytest.mark.parametrize(
    ("proxies", "expected"), [(None, "9.9.9.9"), (0, "9.9.9.9"), (1, "3.3.3.3"), (2, "2.2.2.2")]
)
def test_the_number_of_trusted_proxies_is_drfs(settings, proxies, expected):
    settings.REST_FRAMEWORK = {"NUM_PROXIES": proxies}
    headers = {"X-Forwarded-For": "1.1.1.1, 2.2.2.2:99, 3.3.3.3"}
    request = RequestFactory().post("/", REMOTE_ADDR="9.9.9.9", headers=headers)
    assert remote_addr(request) == expected


def test_a_missing_address_is_not_an_error():
    request = RequestFactory().post("/")
    del request.META["REMOTE_ADDR"]
    assert remote_addr(request) is None
