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
    "deep": f'{{"event": "x", "a": {deeply(20)}}}'.encode(),
    "very deep": b'{"event": "x", "a": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
}


@pytest.mark.django_db
@pytest.mark.parametrize("body", UNUSABLE.values(), ids=UNUSABLE)
def test_a_body_that_is_not_usable_json_is_a_400_that_says_what_is_wrong(deliver, body):
    response = deliver(body)
    assert response.status_code == 400, response.content
    assert len(response.content) > 20
    assert not WebhookEvent.objects.exists()


ESCAPED = [
    ({"event": "x", "a": "b\0"}, {"event": "x", "a": "b\\u0000"}),
    ({"event": "x", "a": {"b\0": 1}}, {"event": "x", "a": {"b\\u0000": 1}}),
    ({"event": "x", "a": ["\ud800"]}, {"event": "x", "a": ["\\ud800"]}),
    ({"event": "x", "\udfff": 1}, {"event": "x", "\\udfff": 1}),
    ({"event": "x\0"}, {"event": "x\\u0000"}),
    ({"event": "x", "action": "\ud83d"}, {"event": "x", "action": "\\ud83d"}),
    ({"event": "x", "action": "😀 Łukasz"}, {"event": "x", "action": "😀 Łukasz"}),
]


@pytest.mark.django_db(transaction=True)
def test_what_no_database_has_to_hold_is_escaped_and_refreshes(vwo, deliver):
    for sent, stored in ESCAPED:
        response = deliver(sent)
        assert response.status_code == 200, sent
        event = WebhookEvent.objects.get(pk=response.json()["event"])
        assert event.payload == stored
        assert (event.event, event.action) == (stored["event"], stored.get("action", ""))
    assert len(vwo.fetches) == len(ESCAPED)


@pytest.mark.django_db(transaction=True)
def test_a_number_of_more_digits_than_python_reads_is_kept_as_text(vwo, deliver):
    digits = "9" * 5000
    assert deliver(f'{{"event": "x", "timestamp": {digits}}}').status_code == 200
    assert WebhookEvent.objects.get().payload == {"event": "x", "timestamp": digits}


@pytest.mark.parametrize("encoding", ["gzip", "br", " Deflate ", "gzip, identity", "x" * 1000])
def test_an_encoded_body_is_a_415_that_names_the_encoding(encoding):
    response = post(b"\x1f\x8b", **{"x-vwo-auth": SECRET, "Content-Encoding": encoding})
    assert response.status_code == 415
    assert encoding.strip().lower()[:50] in response.json()["detail"]
    assert len(response.content) < 200


def test_the_encoding_identity_is_none():
    response = post(b"[]", **{"x-vwo-auth": SECRET, "Content-Encoding": "identity"})
    assert response.status_code == 400


@pytest.mark.parametrize("length", ["", "x", "-5"])
def test_a_length_that_is_not_a_number_does_not_hide_the_body(length):
    response = Client().post(
        URL, b"[]", content_type=JSON, headers={"x-vwo-auth": SECRET}, CONTENT_LENGTH=length
    )
    assert response.status_code == 400


def test_the_limit_of_the_site_is_a_413_too(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 5
    response = post(b'{"event": "x"}', **{"x-vwo-auth": SECRET})
    assert response.status_code == 413
    assert response.json() == {"detail": "The body must not exceed 5 bytes."}


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


class ReadsFirst:
    """A middleware of the site that reads the body before the view, in one of several ways."""

    way = ""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if self.way == "request.body":
            assert request.body is not None
        elif self.way == "its own body":
            request._body = request.META["wsgi.input"].read()
        elif self.way == "its own stream":
            request._stream = request.META["wsgi.input"]
        elif self.way == "the stream":
            request.META["wsgi.input"].read()
        elif self.way == "request.read":
            request.read()
        elif self.way == "request.POST":
            assert request.POST is not None
        return self.get_response(request)


@pytest.fixture
def reads_first(settings, monkeypatch):
    def use(way):
        settings.MIDDLEWARE = [f"{__name__}.ReadsFirst", *settings.MIDDLEWARE]
        monkeypatch.setattr(ReadsFirst, "way", way)

    return use


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["request.body", "its own body", "its own stream", "request.POST"])
def test_a_chunked_body_is_read_though_a_middleware_has_read_it(vwo, reads_first, way):
    reads_first(way)
    assert chunked(io.BytesIO(json.dumps(PAYLOAD).encode())).status_code == 200
    assert WebhookEvent.objects.get().payload == PAYLOAD


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["request.body", "request.POST"])
def test_a_body_is_read_though_a_middleware_has_read_it(vwo, reads_first, deliver, way):
    reads_first(way)
    assert deliver().status_code == 200


def test_a_chunked_body_that_a_middleware_keeps_is_not_blamed_on_the_sender_alone(reads_first):
    reads_first("the stream")
    response = chunked(io.BytesIO(b'{"event": "x"}'))
    assert response.status_code == 400
    assert "middleware" in response.json()["detail"]


def test_a_body_that_a_middleware_has_streamed_is_a_503_that_says_so(reads_first, caplog):
    reads_first("request.read")
    for _ in range(2):
        response = post(b'{"event": "x"}', **{"x-vwo-auth": SECRET})
        assert response.status_code == 503
        assert "a middleware has read it" in response.json()["message"]
    assert caplog.text.count("Let the middleware use request.body") == 1


def test_a_form_that_a_middleware_has_read_is_refused_as_a_form(reads_first, settings):
    name = "django_vwo_webhooks.authentication.WebhookSignatureAuthentication"
    configure(settings, AUTHENTICATION=[name])
    reads_first("request.POST")
    form = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n'
    headers = {"x-vwo-signature": "0"}
    assert post(form, content_type="multipart/form-data; boundary=x", **headers).status_code == 415


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
    ("proxies", "expected"),
    [
        *((None, "9.9.9.9"), (0, "9.9.9.9"), (1, "3.3.3.3"), (2, "2.2.2.2"), (9, "1.1.1.1")),
        # nonsense, for which no delivery may be refused
        *((-2, "9.9.9.9"), ("1", "9.9.9.9")),
    ],
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
