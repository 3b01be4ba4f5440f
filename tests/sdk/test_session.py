"""A kept session with VWO: its connection, the environment, and errors in our words."""

import threading

import pytest

from django_vwo_webhooks.exceptions import BadStatus, FetchTimedOut, TooLarge, VWOUnreachable
from django_vwo_webhooks.sdk import session as module
from django_vwo_webhooks.sdk.session import Session
from tests.conftest import wait_until
from tests.sdk.scripted_server import CERTIFICATE, answer_always, scripted_server

SECONDS = 5
PARAMS = {"i": "sdk-key-that-must-not-leak", "r": 0.5}
REQUEST = "GET /settings?i=sdk-key-that-must-not-leak&r=0.5 HTTP/1.1"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def session():
    """Makes sessions that are closed at the end of the test."""
    made = []

    def make(url):
        made.append(Session(url))
        return made[-1]

    yield make
    for one in made:
        one.close()


def failure(session):
    """What ``get`` raises, in our words."""
    with pytest.raises(Exception) as raised:  # noqa: PT011 - ``explain`` is for anything
        session.get(PARAMS, SECONDS)
    explained = session.explain(raised.value, SECONDS)
    assert "must-not-leak" not in str(explained)
    return explained


def test_parameters_change_and_the_connection_is_kept(session):
    with scripted_server(answer_always) as server:
        kept = session(server.url)
        assert kept.get({"r": 1, "a": "x y&z"}, SECONDS) == b"{}"
        assert kept.get({"r": 2}, SECONDS) == b"{}"
    assert server.requests == [
        "GET /settings?r=1&a=x+y%26z HTTP/1.1",
        "GET /settings?r=2 HTTP/1.1",
    ]
    assert server.connections == 1


def test_a_redirect_is_followed(session):
    def redirect(connection):
        connection.read_request()
        connection.answer(head=b"HTTP/1.1 302 Found\r\nLocation: /elsewhere")
        answer_always(connection)

    with scripted_server(redirect) as server:
        assert session(server.url).get(PARAMS, SECONDS) == b"{}"
    assert server.requests == [REQUEST, "GET /elsewhere HTTP/1.1"]


class TestAConnectionThatTheServerClosed:
    def test_while_it_was_idle(self, session):
        closed = threading.Event()

        def answer_once(connection):
            connection.read_request()
            connection.answer()
            connection.sock.close()
            closed.set()

        with scripted_server(answer_once, answer_always) as server:
            kept = session(server.url)
            kept.get(PARAMS, SECONDS)
            assert closed.wait(SECONDS)
            assert kept.get(PARAMS, SECONDS) == b"{}"
        assert server.requests == [REQUEST] * 2

    @pytest.mark.parametrize("how", ["FIN", "RST"])
    @pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
    def test_just_when_the_next_request_came(self, session, monkeypatch, how, tls):
        """One retry, on a new connection, which nobody notices."""
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))

        def answer_once(connection):
            connection.read_request()
            connection.answer(b"first")
            connection.read_request()
            if how == "RST":
                connection.reset()

        with scripted_server(answer_once, answer_always, tls=tls) as server:
            kept = session(server.url)
            assert kept.get(PARAMS, SECONDS) == b"first"
            assert kept.get(PARAMS, SECONDS) == b"{}"
            assert kept.get(PARAMS, SECONDS) == b"{}"
        assert server.requests == [REQUEST] * 4
        assert server.connections == 2

    def test_and_the_next_one_too(self, session):
        def answer_once(connection):
            connection.read_request()
            connection.answer()
            connection.read_request()

        def read_only(connection):
            connection.read_request()

        with scripted_server(answer_once, read_only) as server:
            kept = session(server.url)
            kept.get(PARAMS, SECONDS)
            assert str(failure(kept)).endswith("connection reset.")
        assert server.connections == 2

    def test_after_some_bytes_of_the_answer(self, session):
        def answer_half(connection):
            connection.read_request()
            connection.answer()
            connection.read_request()
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")

        with scripted_server(answer_half, answer_always) as server:
            kept = session(server.url)
            kept.get(PARAMS, SECONDS)
            assert isinstance(failure(kept), VWOUnreachable)
        assert server.connections == 1

    def test_before_its_first_answer(self, session):
        def read_only(connection):
            connection.read_request()

        with scripted_server(read_only, answer_always) as server:
            assert isinstance(failure(session(server.url)), VWOUnreachable)
        assert server.connections == 1

    def test_because_it_was_shut_here(self, session):
        """Not retried: the deadline is over."""

        def answer_once(connection):
            connection.read_request()
            connection.answer()
            connection.read_request()
            kept.shut()
            connection.wait_until_closed()

        with scripted_server(answer_once, answer_always) as server:
            kept = session(server.url)
            kept.get(PARAMS, SECONDS)
            assert isinstance(failure(kept), VWOUnreachable)
        assert server.connections == 1


class TestTheEnvironment:
    @pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy"])
    def test_a_proxy_is_used(self, session, monkeypatch, name):
        with scripted_server(answer_always) as proxy:
            monkeypatch.setenv(name, f"http://user:word@127.0.0.1:{proxy.port}")
            kept = session("http://vwo.invalid/settings")
            for _ in range(2):
                assert kept.get(PARAMS, SECONDS) == b"{}"
        assert proxy.requests == [REQUEST.replace("/settings", "http://vwo.invalid/settings")] * 2
        assert proxy.connections == 1

    def test_a_proxy_for_https_is_asked_for_a_tunnel(self, session, monkeypatch):
        def refuse(connection):
            connection.read_request()
            connection.answer(head=b"HTTP/1.1 407 Proxy Authentication Required")

        with scripted_server(refuse) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
            assert isinstance(failure(session("https://vwo.invalid/settings")), VWOUnreachable)
        [request] = proxy.requests
        assert request.startswith("CONNECT vwo.invalid:443 ")

    def test_a_host_of_no_proxy_is_asked_directly(self, session, monkeypatch):
        monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with scripted_server(answer_always) as server:
            assert session(server.url).get(PARAMS, SECONDS) == b"{}"

    def test_a_certificate_that_nobody_signed_is_refused(self, session):
        with scripted_server(answer_always, tls=True) as server:
            error = failure(session(server.url))
        assert str(error).endswith("its certificate is not trusted.")
        assert server.requests == []

    @pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
    def test_certificates_of_the_site_are_trusted(self, session, monkeypatch, name):
        monkeypatch.setenv(name, str(CERTIFICATE))
        with scripted_server(answer_always, tls=True) as server:
            assert session(server.url).get(PARAMS, SECONDS) == b"{}"

    def test_a_file_of_certificates_that_is_missing_is_a_failure(self, session, monkeypatch):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/file")
        with scripted_server(answer_always, tls=True) as server:
            assert isinstance(failure(session(server.url)), VWOUnreachable)


def test_another_status_is_a_failure(session):
    def refuse(connection):
        connection.read_request()
        connection.answer(head=b"HTTP/1.1 403 Forbidden")

    with scripted_server(refuse) as server:
        error = failure(session(server.url))
    assert isinstance(error, BadStatus)
    assert str(error) == f"VWO (127.0.0.1:{server.port}) answered HTTP 403."


def test_an_answer_of_more_than_32_mib_is_not_read_to_its_end(session, monkeypatch):
    assert module.LARGEST_DOCUMENT_BYTES == 32 * 1024 * 1024

    def endless(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.send(b" " * 65536)

    monkeypatch.setattr(module, "LARGEST_DOCUMENT_BYTES", 1024 * 1024)
    with scripted_server(endless) as server:
        assert isinstance(failure(session(server.url)), TooLarge)
        wait_until(lambda: server.open_connections == 0)


def test_a_server_that_is_silent_for_too_long_is_a_failure(session):
    def silent(connection):
        connection.read_request()
        connection.wait_until_closed()

    with scripted_server(silent) as server:
        silence = session(server.url)
        with pytest.raises(Exception) as raised:  # noqa: PT011
            silence.get(PARAMS, 0.1)
        error = silence.explain(raised.value, 0.1)
    assert isinstance(error, FetchTimedOut)
    assert str(error).endswith("did not answer within 0.1 s.")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1/settings", "connection refused"),
        ("http://vwo.invalid/settings", "unknown host"),
        ("http:///settings", "InvalidURL"),
        ("://settings", "InvalidSchema"),
    ],
)
def test_a_url_that_nobody_serves_is_a_failure(session, url, reason):
    error = failure(session(url))
    assert isinstance(error, VWOUnreachable)
    assert reason in str(error)
