"""No option breaks quietly: with each that is wrong, flags are on and impressions arrive."""

import socket
import threading

import pytest

from django_vwo_webhooks.checks import check_settings
from django_vwo_webhooks.sdk import lifecycle
from django_vwo_webhooks.sdk.services import NoRetryNetworkClient, SettingsManager
from django_vwo_webhooks.testing.routes import Routes
from django_vwo_webhooks.testing.server import Server
from tests.conftest import configure, wait_until
from tests.sdk.conftest import store
from tests.sdk_options.examples import (
    IGNORED_ALONE,
    INVALID_ALONE,
    UNKNOWN_ALONE,
    Storage,
    batch,
    label,
)

pytestmark = pytest.mark.django_db

USER = {"id": "u"}
VWO_HOST = "dev.visualwebsiteoptimizer.com"


def client_with(settings, vwo, options):
    """The client of a site with these options, which runs the simulator's settings."""
    configure(settings, SDK_OPTIONS=options)
    store(vwo.settings)
    lifecycle.apply_in_force()
    return lifecycle.client()


def shown(vwo):
    return [e for e in vwo.impressions if e["d"]["event"]["name"] == "vwo_variationShown"]


WRONG = [*INVALID_ALONE, *IGNORED_ALONE, *(options for options, _ in UNKNOWN_ALONE)]
REACHABLE = [
    options
    for options in WRONG
    if "proxy_url" not in options
    # a gateway that is valid but for an unknown key
    and "gateway.example:8000" not in str(options.get("gateway_service"))
]


@pytest.mark.parametrize("options", REACHABLE, ids=label)
def test_flags_are_on_and_impressions_arrive(settings, vwo, options, caplog):
    client = client_with(settings, vwo, {"proxy_url": vwo.url, **options})
    assert client.get_flag("new_checkout", USER).is_enabled()
    assert client.get_flag("new_checkout", USER).get_variable("color") == "red"
    assert client.flush_events()
    assert len(shown(vwo)) == 2
    assert all("batch" in request.path for request in vwo.event_requests)
    invalid = [message for message in check_settings(None) if message.id.endswith("E010")]
    assert [message.msg for message in invalid] == [
        record.args[0] for record in caplog.records if record.name == "django_vwo_webhooks"
    ]


@pytest.mark.parametrize(
    "options", [options for options in WRONG if "proxy_url" in options], ids=label
)
def test_flags_are_on_without_the_proxy(settings, vwo, options, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # so that no request leaves
    client = client_with(settings, vwo, options)
    assert client.get_flag("new_checkout", USER).is_enabled()
    assert SettingsManager.get_instance().settings_hostname == VWO_HOST
    assert not client.flush_events()


@pytest.mark.parametrize("seconds", ["5", float("inf"), 1e30, None])
def test_impressions_are_sent_in_time_where_the_interval_is_wrong(settings, vwo, seconds):
    options = {"proxy_url": vwo.url, **batch(request_time_interval=seconds)}
    client_with(settings, vwo, options).get_flag("new_checkout", USER)
    vwo.wait_for(lambda: shown(vwo))


def test_batches_are_made_as_the_options_say(settings, vwo):
    received = []
    options = batch(
        events_per_request=3,
        request_time_interval=3600,
        flush_callback=lambda error, events: received.append((error, len(events))),
    )
    client = client_with(settings, vwo, {"proxy_url": vwo.url, **options})
    for _ in range(2):
        client.get_flag("new_checkout", USER)
    vwo.wait_for(lambda: len(vwo.impressions) == 3)  # with the event of a first use
    assert len(vwo.event_requests) == 1
    wait_until(lambda: received == [(None, 3)])


def test_an_integration_is_called(settings, vwo):
    received = []
    options = {"proxy_url": vwo.url, "integrations": {"callback": received.append}}
    client_with(settings, vwo, options).get_flag("new_checkout", USER)
    assert [call["featureKey"] for call in received] == ["new_checkout"]


def test_a_storage_is_used_also_where_it_is_empty_and_not_after_it_is_gone(settings, vwo):
    storage = Storage()
    assert not storage
    client = client_with(settings, vwo, {"proxy_url": vwo.url, "storage": storage})
    client.get_flag("new_checkout", USER)
    assert len(storage.rows) == 1
    client_with(settings, vwo, {"proxy_url": vwo.url}).get_flag("new_checkout", USER)
    assert len(storage.rows) == 1


def test_development_mode_fetches_without_a_parameter(settings, vwo):
    for mode in (True, False):
        configure(settings, SDK_OPTIONS={"proxy_url": vwo.url, "isDevelopmentMode": mode})
        lifecycle.fetch(5)
    assert [fetch.query.get("s") for fetch in vwo.fetches] == [None, "prod"]


def test_nobody_waits_for_a_request_where_threading_is_off(settings, vwo, monkeypatch):
    posted_by = []
    post = NoRetryNetworkClient.post
    monkeypatch.setattr(
        NoRetryNetworkClient,
        "post",
        lambda self, request: posted_by.append(threading.current_thread()) or post(self, request),
    )
    client = client_with(settings, vwo, {"proxy_url": vwo.url, "threading": {"enabled": False}})
    assert not client.get_flag("missing", USER).is_enabled()
    vwo.wait_for(lambda: [r for r in vwo.event_requests if "vwo_sdkDebug" in r.path])
    assert posted_by
    assert threading.main_thread() not in posted_by


class Prefix:
    """A reverse proxy for VWO under a path."""

    def __init__(self, vwo):
        self.routes = Routes(vwo)
        self.others = []

    def handle(self, method, path, headers, body):
        if not path.startswith("/fme/vwo/"):
            self.others.append(path)
        return self.routes.handle(method, path.removeprefix("/fme/vwo"), headers, body)


class IPv6Server(Server):
    address_family = socket.AF_INET6


@pytest.fixture(params=["path", "IPv6", "both"])
def address(request, vwo):
    """A URL that the SDK itself would not use as it is, and what listens there."""
    app = Routes(vwo) if request.param == "IPv6" else Prefix(vwo)
    path = "" if request.param == "IPv6" else "/fme/vwo"
    if request.param == "path":
        server, host = Server(("127.0.0.1", 0), app), "127.0.0.1"
    else:
        server, host = IPv6Server(("::1", 0), app), "[::1]"
    yield f"http://{host}:{server.server_port}{path}/"
    server.close()
    assert not getattr(app, "others", [])


def test_a_proxy_has_a_path_or_an_ipv6_address(settings, vwo, address):
    client = client_with(settings, vwo, {"proxy_url": address})
    assert lifecycle.fetch(5).document == vwo.settings
    assert client.get_flag("new_checkout", USER).is_enabled()
    assert client.flush_events()
    assert len(shown(vwo)) == 1
    client.get_flag("missing", USER)
    vwo.wait_for(lambda: [r for r in vwo.event_requests if "vwo_sdkDebug" in r.path])


def test_a_password_in_a_url_is_in_no_message(settings, vwo, caplog):
    url = vwo.url.replace("//", "//ada:s3cret-word@")
    client = client_with(settings, vwo, {"proxy_url": url})
    assert client.get_flag("new_checkout", USER).is_enabled()
    vwo.refuse()
    assert not client.flush_events()
    with pytest.raises(Exception, match="No answer") as failure:
        lifecycle.fetch(5)
    assert "s3cret-word" not in f"{caplog.text} {failure.value} {check_settings(None)}"


def test_a_problem_is_logged_once(settings, vwo, caplog):
    client_with(settings, vwo, {"proxy_url": vwo.url, **batch(events_per_request="50")})
    for _ in range(3):
        lifecycle.client().get_flag("new_checkout", USER)
    logged = [r.getMessage() for r in caplog.records if r.name == "django_vwo_webhooks"]
    assert logged == [
        'VWO_WEBHOOKS["SDK_OPTIONS"]["batch_event_data"]["events_per_request"] should be a whole '
        "number from 1 to 5000 (default 100). Its default is used meanwhile. Write: VWO_WEBHOOKS "
        '= {…, "SDK_OPTIONS": {…, "batch_event_data": {…, "events_per_request": 100}}}'
    ]
