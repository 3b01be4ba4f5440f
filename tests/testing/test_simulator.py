"""What the simulator promises, over real HTTP and without a database."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from django.core.management.base import CommandError
from wingify.models.settings.settings_model import SettingsModel
from wingify.services.settings_manager import SettingsManager

from django_vwo_webhooks.management.commands import vwo_send_webhook
from django_vwo_webhooks.testing import VWOSimulator, build_settings, feature

PULL = "/server-side/v2-pull"
QUICK = (0.01, 0.02)
REAL = {
    "version": 1,
    "accountId": 7,
    "sdkKey": "k",
    "features": [
        {
            "id": 4,
            "key": "search",
            "name": "Search",
            "type": "FEATURE_FLAG",
            "status": "ON",
            "metrics": [],
            "rules": [
                {"type": "FLAG_TESTING", "ruleKey": "t", "campaignId": 8},
                {"type": "FLAG_ROLLOUT", "ruleKey": "r1", "campaignId": 9, "variationId": 1},
                {"type": "FLAG_ROLLOUT", "ruleKey": "r2", "campaignId": 9, "variationId": 2},
            ],
        }
    ],
    "campaigns": [
        {
            "id": number,
            "type": kind,
            "key": f"search_{number}",
            "status": "RUNNING",
            "name": "x",
            "segments": {},
            "variations": [
                {
                    "id": place,
                    "name": "v",
                    "weight": 60,
                    "segments": {},
                    "variables": [{"id": 1, "key": "limit", "type": "double", "value": 1.5}],
                }
                for place in (1, 2)
            ],
        }
        for number, kind in ((8, "FLAG_TESTING"), (9, "FLAG_ROLLOUT"))
    ],
}


class Receiver(BaseHTTPRequestHandler):
    """A site: answers with the statuses in turn, the last one for ever."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((body, dict(self.headers.items()), self.path))
        statuses = self.server.statuses
        status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        if status == 0:
            self.server.released.wait(10)
            return
        answer = json.dumps({"status": "x", "message": "settings refreshed", "event": 12}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def site() -> Iterator[SimpleNamespace]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.daemon_threads = True
    server.got, server.statuses, server.released = [], [200], threading.Event()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield SimpleNamespace(
        url=f"http://127.0.0.1:{server.server_port}/webhooks/vwo/", server=server, got=server.got
    )
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def vwo() -> Iterator[VWOSimulator]:
    settings = build_settings(feature("checkout", variables={"color": "blue"}))
    with VWOSimulator(settings, retry_seconds=QUICK) as simulator:
        yield simulator


def fetch(vwo: VWOSimulator, path: str = PULL, timeout: float = 5, **query: str) -> Any:
    return requests.get(vwo.url + path, params=query, timeout=timeout)


def weights(document: dict[str, Any]) -> list[list[float]]:
    return [[one["weight"] for one in c["variations"]] for c in document["campaigns"]]


def test_built_settings_pass_the_sdk_and_are_the_same_each_time() -> None:
    variables = {"b": True, "i": 1, "d": 0.5, "s": "x", "j": {"k": [1]}}
    one, two = (
        build_settings(feature("a", variables=variables), feature("b", enabled=False), isNB=True)
        for _ in range(2)
    )
    assert one == two
    assert one["isNB"] is True
    assert SettingsManager.is_settings_valid(one)
    assert len(SettingsModel(one).get_features()) == 2
    entries = one["campaigns"][0]["variations"][0]["variables"]
    assert [entry["type"] for entry in entries] == [
        "boolean",
        "integer",
        "double",
        "string",
        "json",
    ]
    assert weights(one) == [[100], [0]]
    assert one["features"][1]["status"] == "OFF"


def test_the_builder_refuses_what_vwo_could_not_hold() -> None:
    with pytest.raises(ValueError, match="percentage"):
        feature("a", percentage=101)
    with pytest.raises(TypeError, match="list"):
        build_settings(feature("a", variables={"x": [1]}))
    with pytest.raises(ValueError, match="own key"):
        build_settings(feature("a"), feature("a"))


@pytest.mark.parametrize("path", ["/server-side/v2-settings", PULL])
def test_serves_the_document_of_now(vwo: VWOSimulator, path: str) -> None:
    answer = fetch(vwo, path, i="any", a="7")
    assert answer.json() == vwo.settings
    assert answer.headers["Content-Type"] == "application/json"
    vwo.settings = {"version": 2}
    assert fetch(vwo, path).json() == {"version": 2}
    seen = vwo.fetches[0]
    assert (seen.path, seen.query) == (path, {"i": "any", "a": "7"})
    assert seen.user_agent.startswith("python-requests")
    assert 0 <= time.monotonic() - seen.at < 60


def test_settings_are_copies(vwo: VWOSimulator) -> None:
    mine = build_settings(feature("a"))
    vwo.settings = mine
    mine["features"].clear()
    vwo.settings["features"].clear()
    assert len(fetch(vwo).json()["features"]) == 1


def test_checks_key_and_account_only_when_given(vwo: VWOSimulator) -> None:
    assert fetch(vwo, i="wrong", a="0").status_code == 200
    with VWOSimulator(account_id="7", sdk_key="k") as strict:
        assert fetch(strict, i="k", a="7").json()["accountId"] == 7
        for query in ({"i": "no", "a": "7"}, {"i": "k", "a": "8"}, {}):
            answer = fetch(strict, **query)
            assert answer.status_code == 400
            assert "message" in answer.json()


def test_takes_impressions_one_by_one_and_in_batches(vwo: VWOSimulator) -> None:
    requests.post(f"{vwo.url}/as01/events/t?en=x", json={"d": 1}, timeout=5)
    batch = f"{vwo.url}/server-side/batch-events-v2"
    assert requests.post(batch, json={"ev": [{"d": 2}, {"d": 3}]}, timeout=5).json() == {}
    requests.post(f"{vwo.url}/anything", data=b"\xff", timeout=5)
    assert vwo.impressions == [{"d": 1}, {"d": 2}, {"d": 3}]
    assert vwo.event_requests[0] == ("/as01/events/t?en=x", b'{"d": 1}')
    assert len(vwo.event_requests) == 3


def test_impressions_refused_are_not_counted(vwo: VWOSimulator) -> None:
    vwo.misbehave_events(status=503)
    assert requests.post(f"{vwo.url}/events/t", json={"d": 1}, timeout=5).status_code == 503
    assert vwo.impressions == []
    assert len(vwo.event_requests) == 1
    assert fetch(vwo).status_code == 200
    vwo.behave()
    requests.post(f"{vwo.url}/events/t", json={"d": 1}, timeout=5)
    assert vwo.impressions == [{"d": 1}]


def test_set_flag_changes_what_was_named(vwo: VWOSimulator) -> None:
    assert vwo.set_flag("checkout", percentage=50, variables={"color": "red", "new": 1}) is None
    variation = vwo.settings["campaigns"][0]["variations"][0]
    assert {e["key"]: e["value"] for e in variation["variables"]} == {"color": "red", "new": 1}
    assert weights(vwo.settings) == [[50]]
    vwo.set_flag("checkout", enabled=False)
    assert weights(vwo.settings) == [[0]]
    assert vwo.settings["features"][0]["status"] == "OFF"
    vwo.set_flag("checkout", percentage=30)
    assert weights(vwo.settings) == [[0]]
    vwo.set_flag("checkout", enabled=True)
    assert weights(vwo.settings) == [[30]]
    assert vwo.settings["features"][0]["status"] == "ON"


def test_set_flag_creates_and_refuses_without_half_a_change(vwo: VWOSimulator) -> None:
    vwo.set_flag("search", enabled=False, variables={"n": 1})
    assert [f["key"] for f in vwo.settings["features"]] == ["checkout", "search"]
    assert SettingsManager.is_settings_valid(vwo.settings)
    before = vwo.settings
    with pytest.raises(TypeError):
        vwo.set_flag("search", enabled=True, variables={"n": 2, "bad": None})
    assert vwo.settings == before
    vwo.settings = {"version": 1, "accountId": 1, "features": {}, "campaigns": {}, "sdkKey": "k"}
    vwo.set_flag("first")
    assert SettingsManager.is_settings_valid(vwo.settings)
    assert len(SettingsModel(vwo.settings).get_features()) == 1


def test_set_flag_on_a_real_document_moves_every_rollout_and_no_test(vwo: VWOSimulator) -> None:
    vwo.settings = REAL
    vwo.set_flag("search", percentage=20, variables={"limit": 2})
    assert weights(vwo.settings) == [[60, 60], [20, 20]]
    entry = vwo.settings["campaigns"][1]["variations"][1]["variables"][0]
    assert (entry["type"], entry["value"]) == ("double", 2)
    only_tests = vwo.settings
    del only_tests["features"][0]["rules"][1:]
    vwo.settings = only_tests
    vwo.set_flag("search", enabled=False)
    assert vwo.settings["features"][0]["rules"][0]["type"] == "FLAG_ROLLOUT"
    assert weights(vwo.settings)[-1] == [0]
    assert SettingsManager.is_settings_valid(vwo.settings)


def test_a_webhook_is_retried_unchanged_until_a_2xx(site: SimpleNamespace) -> None:
    site.server.statuses = [503, 401, 302, 201]
    with VWOSimulator(webhook_url=site.url, secret="s3", retry_seconds=QUICK) as vwo:
        delivery = vwo.set_flag("a")
        assert delivery is not None
        assert delivery.wait(5)
        assert delivery.delivered
        assert vwo.set_flag("a", notify=False) is None
    assert [attempt.status for attempt in delivery.attempts] == [503, 401, 302, 201]
    assert "settings refreshed" in delivery.attempts[0].body
    bodies = {body for body, _, _ in site.got}
    assert len(bodies) == 1
    assert json.loads(bodies.pop()) == delivery.payload
    assert delivery.payload["action"] == "feature_flag_updated"
    assert list(delivery.payload) == ["timestamp", "event", "action", "triggered_by"]
    headers = {name.lower(): value for name, value in site.got[0][1].items()}
    assert (headers["x-vwo-auth"], headers["content-type"]) == ("s3", "application/json")


def test_a_webhook_is_shaped_by_its_arguments(vwo: VWOSimulator, site: SimpleNamespace) -> None:
    sent = vwo.send_webhook("act", "ev", "me", 5, url=site.url, secret="other", more=[1])
    assert sent.wait(5)
    assert json.loads(site.got[0][0]) == {
        "timestamp": 5,
        "event": "ev",
        "action": "act",
        "triggered_by": "me",
        "more": [1],
    }
    with pytest.raises(ValueError, match="absolute"):
        vwo.send_webhook()


def test_a_webhook_survives_a_site_that_is_down_and_gives_up() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with VWOSimulator(webhook_url=url, retry_seconds=QUICK, close_overdue_seconds=0.1) as vwo:
            delivery = vwo.send_webhook()
            vwo.wait_for(lambda: len(delivery.attempts) >= 2)
            assert delivery.wait(5) is False
    assert delivery.attempts[0].status is None
    assert delivery.attempts[0].error == "connection refused"


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ({"reset": True}, "reset"),
        ({"truncate": True}, "IncompleteRead"),
        ({"delay": 30}, "timed out"),
        ({"drip": 5, "drip_headers": True}, "timed out"),
    ],
)
def test_misbehaves_in_ways_that_break_a_fetch(
    vwo: VWOSimulator, how: dict[str, Any], error: str
) -> None:
    vwo.misbehave(**how, times=1)
    with pytest.raises(requests.RequestException, match=error):
        fetch(vwo, timeout=0.2)
    assert fetch(vwo).status_code == 200
    assert len(vwo.fetches) == 2


def test_misbehaves_in_words(vwo: VWOSimulator) -> None:
    vwo.misbehave(status=500, body="<oops>", content_type="text/html")
    for _ in range(2):
        answer = fetch(vwo)
        assert (answer.status_code, answer.text) == (500, "<oops>")
        assert answer.headers["Content-Type"] == "text/html"
    vwo.misbehave(body=b"{", times=2)
    assert [fetch(vwo).text == "{" for _ in range(3)] == [True, True, False]
    vwo.misbehave(status=404)
    vwo.behave()
    assert fetch(vwo).status_code == 200


def test_drips_and_never_ends(vwo: VWOSimulator) -> None:
    vwo.settings = {"v": 1}
    vwo.misbehave(drip=0.01, times=1)
    answer = requests.get(vwo.url + PULL, timeout=5, stream=True)
    assert len(list(answer.iter_content(1))) == len('{"v": 1}')
    assert answer.elapsed.total_seconds() < 5
    vwo.misbehave(endless=True)
    with requests.get(vwo.url + PULL, timeout=5, stream=True) as answer:
        assert len(answer.raw.read(300_000)) == 300_000


@pytest.mark.parametrize(("take", "served"), [("arrival", 1), ("answer", 2)])
def test_a_slow_answer_is_an_old_one(vwo: VWOSimulator, take: Any, served: int) -> None:
    vwo.settings = {"version": 1}
    vwo.misbehave(delay=0.4, times=1, take=take)
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(fetch, vwo)
        vwo.wait_for(lambda: vwo.fetches)
        vwo.settings = {"version": 2}
        assert fetch(vwo).json() == {"version": 2}
        assert not slow.done()
        assert slow.result().json() == {"version": served}


def test_refuses_and_accepts_on_the_same_port(vwo: VWOSimulator) -> None:
    session = requests.Session()
    assert session.get(vwo.url + PULL, timeout=5).ok
    url = vwo.url
    vwo.refuse()
    with pytest.raises(requests.ConnectionError):
        session.get(url + PULL, timeout=5)
    vwo.accept()
    assert vwo.url == url
    assert session.get(url + PULL, timeout=5).ok


@pytest.mark.parametrize("how", [{"delay": 60}, {"drip": 60}, {"endless": True}])
def test_stops_at_once_in_the_middle_of_answers(
    how: dict[str, Any], site: SimpleNamespace, capfd: pytest.CaptureFixture[str]
) -> None:
    site.server.statuses = [0]
    before = set(threading.enumerate())
    vwo = VWOSimulator(webhook_url=site.url).start()
    vwo.misbehave(**how)
    client = socket.create_connection(("127.0.0.1", int(vwo.url.rsplit(":", 1)[1])))
    client.sendall(f"GET {PULL} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    delivery = vwo.send_webhook()
    vwo.wait_for(lambda: vwo.fetches and site.got)
    began = time.monotonic()
    vwo.stop()
    assert time.monotonic() - began < 1
    left = {thread.name for thread in set(threading.enumerate()) - before}
    assert not [name for name in left if name.startswith("vwo-simulator")]
    assert delivery.wait(1) is False
    client.close()
    assert capfd.readouterr().err == ""


def test_says_nothing_when_clients_go_away(
    vwo: VWOSimulator, capfd: pytest.CaptureFixture[str]
) -> None:
    vwo.misbehave(endless=True)
    for _ in range(3):
        requests.get(vwo.url + PULL, timeout=5, stream=True).close()
    vwo.wait_for(lambda: not [t for t in threading.enumerate() if t.name.endswith("-request")])
    assert capfd.readouterr().err == ""


def test_wait_for_tells_what_was_seen(vwo: VWOSimulator) -> None:
    fetch(vwo)
    vwo.wait_for(lambda: len(vwo.fetches) == 1)
    with pytest.raises(TimeoutError, match=r"1 fetches.*v2-pull"):
        vwo.wait_for(lambda: False, timeout=0.1)


def test_simulators_are_independent() -> None:
    with VWOSimulator() as one, VWOSimulator() as two:
        one.set_flag("a")
        fetch(one)
        assert two.fetches == []
        assert fetch(two).json()["features"] == []


def test_the_page_shows_flags_escaped(vwo: VWOSimulator) -> None:
    vwo.settings = build_settings(
        feature("<b>", name="&x", enabled=False, percentage=40, variables={"q": '"<i>', "on": True})
    )
    page = requests.get(vwo.url, timeout=5).text
    assert "&amp;x (&lt;b&gt;)" in page
    assert "<b>" not in page
    assert "<i>" not in page
    assert 'value="40"' in page
    assert 'value="&quot;&lt;i&gt;"' in page
    vwo.settings = REAL
    assert "Search (search)" in requests.get(vwo.url, timeout=5).text
    assert vwo.fetches == []


def test_the_form_changes_a_flag_and_tells_the_site(site: SimpleNamespace) -> None:
    with VWOSimulator(REAL, webhook_url=site.url, retry_seconds=QUICK) as vwo:
        form = {"key": "search", "percentage": "25", "variable:limit": "3"}
        answer = requests.post(f"{vwo.url}/flags", data=form, timeout=5, allow_redirects=False)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")
        assert vwo.settings["features"][0]["status"] == "OFF"
        assert vwo.settings["campaigns"][1]["percentTraffic"] == 25
        assert vwo.deliveries[0].wait(5)
        page = requests.post(f"{vwo.url}/flags", data=form | {"enabled": "on"}, timeout=5).text
        assert weights(vwo.settings)[1] == [25, 25]
        assert "<td>feature_flag_updated</td><td>1</td><td>HTTP 200</td>" in page
        assert vwo.event_requests == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": ""},
        {"variable:limit": "many"},
        {"variable:limit": "inf"},
        {"percentage": "101"},
        {"percentage": "x"},
    ],
)
def test_the_form_says_what_is_wrong(vwo: VWOSimulator, wrong: dict[str, str]) -> None:
    vwo.settings = REAL
    answer = requests.post(f"{vwo.url}/flags", data={"key": "search"} | wrong, timeout=5)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert vwo.settings == REAL


def test_the_form_tells_vwo_how_to_behave(vwo: VWOSimulator) -> None:
    def choose(name: str) -> requests.Response:
        return requests.post(f"{vwo.url}/behaviour", data={"behaviour": name}, timeout=5)

    assert "<option selected>HTTP 500</option>" in choose("HTTP 500").text
    assert fetch(vwo).status_code == 500
    choose("garbage")
    with pytest.raises(requests.JSONDecodeError):
        fetch(vwo).json()
    choose("hang")
    with pytest.raises(requests.Timeout):
        fetch(vwo, timeout=0.2)
    choose("normal")
    assert fetch(vwo).json() == vwo.settings
    assert choose("dance").status_code == 400


def test_runs_on_its_own_until_sigterm(tmp_path: Any) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(REAL))
    command = [sys.executable, "-m", "django_vwo_webhooks.testing", "--settings", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        assert requests.get(url + PULL, timeout=5).json() == REAL
        process.terminate()
        assert process.wait(5) == 0


def run_command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """Run the command without Django's settings; returns what it wrote."""
    configured = SimpleNamespace(secrets=("configured-secret", "older"))
    monkeypatch.setattr(vwo_send_webhook, "app_settings", configured)
    monkeypatch.setattr(vwo_send_webhook, "reverse", lambda name: "/webhooks/vwo/")
    monkeypatch.setattr(vwo_send_webhook, "RETRY_SECONDS", QUICK)
    out = StringIO()
    command = vwo_send_webhook.Command(stdout=out, no_color=True)
    options = vars(command.create_parser("manage.py", "vwo_send_webhook").parse_args(arguments))
    command.handle(**options)
    return out.getvalue()


def test_the_command_posts_to_this_site(
    monkeypatch: pytest.MonkeyPatch, site: SimpleNamespace
) -> None:
    host = site.url.removesuffix("/webhooks/vwo/")
    told = run_command(monkeypatch, "--host", host, "--action", "act", "--timestamp", "5")
    assert "HTTP 200" in told
    assert "settings refreshed" in told
    assert "event 12" in told
    body, headers, path = site.got[0]
    assert path == "/webhooks/vwo/"
    assert json.loads(body)["action"] == "act"
    assert "configured-secret" in headers.values()
    assert "configured-secret" not in told


@pytest.mark.parametrize(("status", "advice"), [(401, "secret"), (404, "include"), (500, "log")])
def test_the_command_advises(
    monkeypatch: pytest.MonkeyPatch, site: SimpleNamespace, status: int, advice: str
) -> None:
    site.server.statuses = [status]
    with pytest.raises(CommandError, match=f"HTTP {status}.*{advice}") as caught:
        run_command(monkeypatch, site.url)
    assert "configured-secret" not in str(caught.value)
    assert len(site.got) == 1


def test_the_command_retries_when_asked_and_knows_a_closed_port(
    monkeypatch: pytest.MonkeyPatch, site: SimpleNamespace
) -> None:
    site.server.statuses = [503, 503, 200]
    told = run_command(monkeypatch, site.url, "--retry", "--secret", "own")
    assert told.count("HTTP 503") == 2
    assert "HTTP 200" in told
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(CommandError, match="Is the server running"):
            run_command(monkeypatch, f"http://127.0.0.1:{taken.getsockname()[1]}/")
    with pytest.raises(CommandError, match="absolute"):
        run_command(monkeypatch, "not-a-url")
