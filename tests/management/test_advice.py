"""What vwo_send_webhook advises: against the site, and against what is in front of one."""

import http.server
import socket
import ssl
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.contrib.auth.decorators import login_not_required
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from tests.conftest import configure

CERTIFICATE = Path(__file__).parents[1] / "sdk" / "localhost.pem"


def page(request):
    return HttpResponse("<h1>Welcome</h1>")


urlpatterns = [
    path("webhooks/vwo/", include("django_vwo_webhooks.urls")),
    path("account/", csrf_exempt(page)),
    path("home/", login_not_required(csrf_exempt(page))),
    path("form/", login_not_required(page)),
]


def advice(*args, **options):
    with pytest.raises(CommandError) as caught:
        call_command("vwo_send_webhook", *args, **options)
    return str(caught.value)


@contextmanager
def answering(status, body="<html>something</html>", tls=None, **headers):
    """A server that is not the site."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args):
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request, client_address):
            """A handshake that the client ended."""

    with Server(("127.0.0.1", 0), Handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.django_db(transaction=True)
class TestTheRealSite:
    @pytest.fixture(autouse=True)
    def urls(self, settings, vwo):
        settings.ROOT_URLCONF = __name__

    def test_a_host_that_is_not_allowed(self, settings, live_server):
        settings.ALLOWED_HOSTS = ["shop.example"]
        said = advice(host=live_server.url)
        assert 'ALLOWED_HOSTS: add "localhost" to it' in said
        assert "payload" not in said

    def test_to_www(self, settings, live_server):
        settings.PREPEND_WWW = True
        port = live_server.url.rpartition(":")[2]
        said = advice(host=live_server.url)
        assert f"uses another host. Give: http://www.localhost:{port}/webhooks/vwo/" in said

    def test_a_missing_slash(self, live_server):
        said = advice(f"{live_server.url}/webhooks/vwo")
        assert f"slash is missing. Give: {live_server.url}/webhooks/vwo/" in said

    def test_to_a_login(self, live_server):
        said = advice(f"{live_server.url}/account/")
        assert "/accounts/login/, which is not the webhook" in said
        assert "Exempt /account/ from it" in said
        assert "next=" not in said

    def test_another_view_that_answers(self, live_server):
        said = advice(f"{live_server.url}/home/")
        assert "HTTP 200, but this answer is not the webhook's" in said

    def test_csrf(self, live_server):
        said = advice(f"{live_server.url}/form/")
        assert "HTTP 403" in said
        assert "CSRF" in said
        assert "Exempt /form/" in said

    def test_nothing_at_the_url(self, live_server):
        said = advice(f"{live_server.url}/vwo/")
        assert 'path("webhooks/vwo/", include("django_vwo_webhooks.urls"))' in said

    def test_a_wrong_secret(self, live_server):
        said = advice(host=live_server.url, secret="not-the-right-one")
        assert 'VWO_WEBHOOKS["SECRET"]' in said

    def test_a_body_that_is_too_large(self, settings, live_server, capsys):
        configure(settings, MAX_BODY_BYTES=10)
        assert 'VWO_WEBHOOKS["MAX_BODY_BYTES"]' in advice(host=live_server.url)
        assert "must not exceed 10 bytes" in capsys.readouterr().out

    def test_a_refresh_that_fails(self, vwo, live_server, capsys):
        vwo.misbehave(status=500)
        said = advice(host=live_server.url)
        assert "the reason is above" in said
        assert "answered HTTP 500" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (301, "does not follow redirects"),
        (303, "does not follow redirects"),
        (307, "does not follow redirects"),
        (308, "does not follow redirects"),
        (400, "ALLOWED_HOSTS"),
        (401, "basic authentication"),
        (403, "firewall"),
        (405, "does not accept POST"),
        (410, "not"),
        (411, "Content-Length"),
        (413, "client_max_body_size"),
        (421, "does not serve this host"),
        (429, "limits the number of requests"),
        (500, "see its log"),
        (502, "could not reach the site"),
        (503, "not the webhook"),
        (504, "proxy_read_timeout"),
        (418, "logs"),
        (599, "Unknown status"),
    ],
)
def test_something_in_front_of_the_site_answers(status, words):
    with answering(status) as port:
        said = advice(f"http://127.0.0.1:{port}/webhooks/vwo/")
    assert f"HTTP {status}. " in said
    assert words in said
    assert "{" not in said


def test_a_missing_slash_with_debug():
    with answering(500) as port:
        assert "give /webhooks/vwo/." in advice(f"http://127.0.0.1:{port}/webhooks/vwo")


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("/webhooks/vwo/", "redirects to itself"),
        ("/en/webhooks/vwo/", "/en/webhooks/vwo/, which is not the webhook"),
        ("https://login.example/sso?next=secret", "https://login.example/sso, which"),
        ("https://shop.example/webhooks/vwo/", "Give: https://shop.example/webhooks/vwo/"),
        ("//shop.example/webhooks/vwo/", "Give: http://shop.example/webhooks/vwo/"),
        ("http://[", "Give the URL that answers by itself"),
    ],
)
def test_where_a_redirect_leads_decides(location, words):
    with answering(302, Location=location) as port:
        assert words in advice(f"http://127.0.0.1:{port}/webhooks/vwo/")


def test_to_https():
    with answering(301, Location="https://127.0.0.1/webhooks/vwo/") as port:
        said = advice(f"http://127.0.0.1:{port}/webhooks/vwo/")
    assert "wants HTTPS. Give: https://127.0.0.1/webhooks/vwo/" in said
    assert "SECURE_PROXY_SSL_HEADER" in said
    assert "slash" not in said


class TestNoAnswer:
    def test_a_closed_port(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            said = advice(f"{url}/webhooks/vwo/")
        assert "connection refused. Is the server running there?" in said
        assert "--host" in said

    @pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b"])
    def test_an_unknown_host(self, host):
        assert f'Check the name "{host}"' in advice(f"http://{host}/webhooks/vwo/")

    def test_a_certificate_that_is_not_trusted(self):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(CERTIFICATE)
        with answering(200, tls=tls) as port:
            said = advice(f"https://localhost:{port}/webhooks/vwo/")
        assert "TLS: self" in said
        assert "valid for this host" in said

    def test_https_to_a_server_that_speaks_http(self):
        with answering(200) as port:
            said = advice(f"https://127.0.0.1:{port}/webhooks/vwo/")
        assert "TLS: " in said
        assert "give http://" in said

    def test_a_server_that_hangs_up(self):
        with socket.create_server(("127.0.0.1", 0)) as server:

            def hang_up():
                connection, _ = server.accept()
                connection.recv(65536)
                connection.close()

            thread = threading.Thread(target=hang_up)
            thread.start()
            said = advice(f"http://127.0.0.1:{server.getsockname()[1]}/webhooks/vwo/")
            thread.join()
        assert "Is the address right?" in said


@pytest.mark.parametrize("url", ["shop.example/webhooks/", "http://shop.example:99999/", "ftp://x"])
def test_what_is_not_a_url_is_an_error_without_a_traceback(url):
    assert advice(url)


@pytest.mark.parametrize("secret", ["two\nlines", "Łukasz", "nul\0"])
def test_a_secret_that_no_header_can_carry(secret):
    said = advice("http://127.0.0.1:9/", secret=secret)
    assert "printable ASCII" in said
    assert secret not in said
